"""The addresses of the dashboard: signing in, pages, their figures as files, and the static files."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files

from aiohttp import web

from headcount_aggregator.released import ReleasedReader
from headcount_aggregator.web import access
from headcount_aggregator.web.access import COOKIE, COOKIE_SECONDS, Sight
from headcount_aggregator.web.answering import Fixed, answer
from headcount_aggregator.web.dashboard import export
from headcount_aggregator.web.dashboard.languages import LANGUAGES, language_of, wording_of
from headcount_aggregator.web.dashboard.noted import noted, saved_views
from headcount_aggregator.web.dashboard.pages import PAGES, PageKind
from headcount_aggregator.web.dashboard.span import read_span
from headcount_aggregator.web.dashboard.templating import templates_of
from headcount_aggregator.web.dashboard.toolbar import toolbar_of
from headcount_aggregator.web.dashboard.view import Page, View
from headcount_aggregator.web.dashboard.wider import led_on
from headcount_aggregator.web.desk import DeskFile
from headcount_aggregator.web.rates import Allowance
from headcount_aggregator.web.tenancy import Tenancy

STATIC = {"hc.css": "text/css", "hc.js": "text/javascript", "icon.svg": "image/svg+xml", "debug.svg": "image/svg+xml"}
PATH = "/c/{customer}/{app}/{page}"


class Dashboard:
    """The handlers, with the released numbers they show."""

    def __init__(self, tenancy: Tenancy, released: ReleasedReader, desk: DeskFile, *, https: bool = False) -> None:
        self._tenancy = tenancy
        self._released = released
        self._desk = desk
        self._https = https
        folder = files("headcount_aggregator.web.dashboard") / "static"
        self._static = {name: Fixed((folder / name).read_bytes(), kind) for name, kind in STATIC.items()}
        static = {name: f"/static/{name}?v={file.digest[:10]}" for name, file in self._static.items()}
        self._ahead = f"<{static['hc.css']}>; rel=preload; as=style"
        self._templates = {language: templates_of(wording_of(language), static) for language in LANGUAGES}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add every address of the dashboard."""
        router.add_get("/", self._home)
        router.add_get(PATH, self._page)
        router.add_get(PATH + "/{figure}.{form:csv|json|svg|parquet}", self._figure)
        router.add_post("/sign-out", self._sign_out)
        router.add_get("/static/{name}", self._file)
        router.add_get("/favicon.ico", self._icon)

    async def _home(self, request: web.Request) -> web.StreamResponse:
        if token := request.query.get("token"):
            return self._sign_in(request, token)
        sight = self._sight(request)
        if sight is None:
            return self._unknown(request)
        subject = access.subject_of(self._tenancy.organisation, sight)
        if subject is None:
            return self._calm(request, "withheld.html", 200, sight=sight)
        raise web.HTTPSeeOther(f"/c/{subject.customer.name}/{subject.app.name}/overview")

    def _sign_in(self, request: web.Request, token: str) -> web.StreamResponse:
        to = str(request.rel_url.without_query_params("token"))
        if _from_elsewhere(request):
            # A Strict cookie is not sent along a redirect that another site began (a link in a
            # mail). This page goes on by itself, from here, and the token leaves the address too.
            response: web.StreamResponse = self._calm(request, "welcome.html", 200, to=to)
        else:
            response = web.Response(status=303, headers={"Location": to})
        response.set_cookie(COOKIE, token, max_age=COOKIE_SECONDS, httponly=True, samesite="Strict", secure=self._https)
        return response

    async def _sign_out(self, _: web.Request) -> web.Response:
        response = web.Response(status=303, headers={"Location": "/"})
        response.del_cookie(COOKIE, httponly=True, samesite="Strict", secure=self._https)
        return response

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if token := request.query.get("token"):
            return self._sign_in(request, token)
        kind, view = await self._view(request)
        if view is None:
            return self.lost(request)
        page = await _led_on(await self._built(kind, view), view, kind)
        sight = self._sight(request)
        organisation = self._tenancy.organisation
        subjects = [
            (customer, app)
            for customer in (sight.customers if sight else ())
            for app in access.apps_of(organisation, customer)
        ]
        saved = saved_views(view, self._desk.desk.views_of(view.subject))
        template = self._templates[view.wording.language].get_template(kind.template)
        html = template.render(
            page=page, view=view, kind=kind, subjects=subjects, toolbar=toolbar_of(view, page), saved=saved
        )
        response = _spoken(answer(request, html.encode(), "text/html"))
        response.headers["Link"] = self._ahead  # a browser reads this before it has a document to parse
        return response

    async def _built(self, kind: PageKind, view: View) -> Page:
        page = await kind.build(view)
        return noted(page, self._desk.desk.notes_of(view.subject, view.span.first, view.span.last), view)

    async def _figure(self, request: web.Request) -> web.StreamResponse:
        kind, view = await self._view(request)
        form = request.match_info["form"]
        # A drawing is the page's; whoever takes the numbers gets all of them.
        view = replace(view, whole=form != "svg") if view else None
        figure = (await self._built(kind, view)).figure(request.match_info["figure"]) if view else None
        if view is None or figure is None or form not in export.forms_of(figure):
            return self.lost(request)
        # Off the event loop: the first Parquet file loads its library.
        body = await asyncio.to_thread(export.as_file, figure, form, view.wording, view.about)
        name = f"{view.subject.customer.name}-{view.subject.app.name}-{figure.key}.{form}"
        return _spoken(answer(request, body, export.FORMS[form], filename="" if form == "json" else name))

    async def _view(self, request: web.Request) -> tuple[PageKind, View | None]:
        names = request.match_info
        kind = PAGES.get(names["page"], PAGES["overview"])
        sight = self._sight(request)
        if sight is None or names["page"] not in PAGES:
            return kind, None
        subject = access.subject_of(self._tenancy.organisation, sight, names["customer"], names["app"])
        if subject is None:
            return kind, None
        freshness = await self._released.freshness(*subject.codes)
        span = read_span(request.query, freshness, kind.preset, kind.by)
        wording = wording_of(self._language(request))
        return kind, View(subject, self._released, freshness, span, wording, kind.key, dict(request.query))

    def _language(self, request: web.Request) -> str:
        return language_of(request.query, request.headers.get("Accept-Language", ""))

    def lost(self, request: web.Request) -> web.Response:
        """What is answered where there is nothing to see: a page that says so, or how to sign in."""
        if self._sight(request) is None:
            return self._unknown(request)
        return self._calm(request, "lost.html", 404)

    def wait(self, request: web.Request, allowance: Allowance) -> web.Response:
        """What is answered to a reader who asks for more pages than are made in a minute."""
        response = self._calm(request, "wait.html", 429, to=request.path_qs)
        response.headers.update(allowance.headers)
        return response

    def _unknown(self, request: web.Request) -> web.Response:
        """What is answered to nobody: how to sign in, or, where the cookie may only have stayed behind, a second try.

        A browser sends a Strict cookie with no link that it followed from another site, as from a mail or a chat.
        """
        if _from_elsewhere(request):
            return self._calm(request, "onward.html", 200, to=request.path_qs)
        return self._calm(request, "signin.html", 401)

    def _sight(self, request: web.Request) -> Sight | None:
        reader = access.reader_of(request, self._tenancy.organisation)
        return access.sight_of(reader, self._tenancy.organisation) if reader else None

    def _calm(self, request: web.Request, template: str, status: int, **values: object) -> web.Response:
        templates = self._templates[self._language(request)]
        html = templates.get_template(template).render(title=self._tenancy.organisation.title, **values)
        response = _spoken(answer(request, html.encode(), "text/html", status=status))
        response.headers["Cache-Control"] = "no-store"
        return response

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in STATIC:
            return self.lost(request)
        return self._static[name].answer(request)

    async def _icon(self, request: web.Request) -> web.Response:
        return self._static["icon.svg"].answer(request, "public, max-age=86400")


async def _led_on(page: Page, view: View, kind: PageKind) -> Page:
    """A page whose hidden cells lead to where their numbers are shown."""

    async def build(query: Mapping[str, str], asked: frozenset[str]) -> Page:
        span = read_span(query, view.freshness, kind.preset, kind.by)
        return await kind.build(replace(view, span=span, query=query, asked=asked))

    return await led_on(page, view, build)


def _spoken(response: web.Response) -> web.Response:
    """An answer whose words depend on the browser's languages."""
    response.headers["Vary"] = f"{response.headers['Vary']}, Accept-Language"
    return response


def _from_elsewhere(request: web.Request) -> bool:
    """Whether another site's page led here; then what is sent has no cookie of ours."""
    return request.headers.get("Sec-Fetch-Site", "none") == "cross-site"

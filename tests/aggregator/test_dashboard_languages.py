"""The dashboard's languages: which a reader gets, that none lacks a sentence, and that no sentence is outside them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.scopes import scope_of
from headcount_aggregator.web import access, dashboard
from headcount_aggregator.web.app import create_app
from headcount_aggregator.web.dashboard.languages import LANGUAGES, LOCALES, language_of, wording_of
from headcount_aggregator.web.dashboard.pages import PAGES
from headcount_aggregator.web.dashboard.span import read_span
from headcount_aggregator.web.dashboard.templating import templates_of
from headcount_aggregator.web.dashboard.toolbar import toolbar_of
from headcount_aggregator.web.dashboard.view import View
from headcount_aggregator.web.dashboard.wording import _OPERATING_SYSTEMS, Wording
from headcount_aggregator.web.dashboard.words import whose
from headcount_wire import days
from headcount_wire.dimensions import Dimension, values_of

from tests.aggregator.made_up_releases import TOKENS
from tests.aggregator.product_world import CATALOG, NoisyProduct, ProductReleases, World, write_product

Client = TestClient[web.Request, web.Application]
FOLDER = Path(dashboard.__file__).parent
KEYWORDS = {"say": None, "plural": (1, 2), "mark": None}
METHODS = [
    ("**.py", "python"),
    ("**/templates/**.html", "jinja2.ext:babel_extract"),
    ("templates/**.html", "jinja2.ext:babel_extract"),
]
PLACE = re.compile(r"\{(\w+)\}")
STATES = [
    "",
    "compare=before",
    "range=month&compare=weekdays",
    "by=week&range=90",
    "measure=active&cut=os",
    "from=2020-01-01&to=2020-01-31",
    "range=none",
]


@pytest.fixture(scope="module")
def product() -> ProductReleases:
    return ProductReleases(World(count=500, length=75))


def sentences() -> dict[str, str | tuple[str, ...]]:
    """Every sentence that is said, by its first form."""
    found: dict[str, str | tuple[str, ...]] = {}
    for _, _, message, _, _ in extract_from_dir(
        FOLDER, METHODS, {"**/templates/**.html": {"trim_blocks": "true"}}, KEYWORDS
    ):
        first = message if isinstance(message, str) else message[0]
        found[first] = message
    return found


def catalog_of(language: str) -> Catalog:
    with (FOLDER / f"messages/{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def test_every_sentence_is_found_by_translators() -> None:
    """What is said is written where it is said, or marked in a table: a sentence in a variable would stay English."""
    calls = [
        (path.name, call)
        for path in FOLDER.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name | ast.Attribute)
    ]
    said = 0
    for name, call in calls:
        function = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
        for sentence in call.args[: {"say": 1, "plural": 2}.get(function, 0)]:
            said += 1
            assert not isinstance(sentence, ast.Name), (name, call.lineno, ast.unparse(sentence))
    assert said > 400


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_no_sentence_is_missing(language: str) -> None:
    """Each sentence is there in each language, in all its forms, and fills the same places; none is left over."""
    said = sentences()
    catalog = catalog_of(language)
    assert not catalog.obsolete
    assert catalog.num_plurals == 2, "the file's own Plural-Forms, whatever Babel knows of the language"
    known = {(m.id if isinstance(m.id, str) else m.id[0]): m for m in catalog if m.id}
    assert set(known) == set(said)
    assert len(said) > 400
    for first, message in said.items():
        found = known[first]
        assert not found.fuzzy, first
        forms = [found.string] if isinstance(found.string, str) else list(found.string or ())
        assert len(forms) == (1 if isinstance(message, str) else catalog.num_plurals), first
        ids = [message] if isinstance(message, str) else list(message)
        for form, of in zip(forms, ids, strict=True):
            assert form.strip(), first
            assert set(PLACE.findall(form)) == set(PLACE.findall(of)), first


@pytest.mark.parametrize(
    ("query", "header", "language"),
    [
        ({}, "", "en"),
        ({}, "de-AT,de;q=0.9,en;q=0.5", "de"),
        ({}, "en;q=0.3, fr;q=0.8, nl", "fr"),
        ({}, "fr;q=0, es;q=0.1", "es"),
        ({}, "tlh, nl;q=x", "en"),
        ({"lang": "es"}, "de", "es"),
        ({"lang": "tlh"}, "de", "de"),
    ],
)
def test_the_address_then_the_browser_choose(query: dict[str, str], header: str, language: str) -> None:
    """The address's language wins, then the browser's best liked that there is, then English."""
    assert language_of(query, header) == language


async def test_a_page_speaks_the_readers_language(tmp_path: Path, product: ProductReleases) -> None:
    """Words, numbers, dates and names are of the language; links keep it when the address named it."""
    app = create_app(write_product(tmp_path), product)
    async with TestClient(TestServer(app), headers={"Authorization": f"Bearer {TOKENS['own']}"}) as client:
        answer = await client.get("/c/acme/meet/overview", headers={"Accept-Language": "de"})
        german = await answer.text()
        assert '<html lang="de">' in german
        assert "Personen nutzten Meet in den 28 Tagen bis 16." in german
        assert "Accept-Language" in answer.headers["Vary"]
        assert "lang=de" not in german.split('class="languages"')[0]
        french = await (await client.get("/c/acme/meet/audience?lang=fr")).text()
        assert '<html lang="fr">' in french
        assert "allemand" in french
        assert 'href="/c/acme/meet/retention?lang=fr"' in french
        lost = await client.get("/c/acme/meet/nowhere?lang=es")
        assert "No hay nada en esta dirección" in await lost.text()


class Bracketed(NullTranslations):
    """A language in which every sentence stands in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


class Texts(HTMLParser):
    """What a page says: its text, and the attributes that are read aloud; code is nobody's language."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code += tag == "code"
        self.texts += [value or "" for name, value in attrs if name in ("aria-label", "title", "alt", "data-head")]

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag == "code"

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.texts.append(data)


def outside(text: str) -> str:
    """What of a text stands in no brackets."""
    depth, found = 0, []
    for sign in text:
        depth += (sign == "⟦") - (sign == "⟧")
        if depth == 0 and sign != "⟧":
            found.append(sign)
    return "".join(found)


def allowed() -> set[str]:
    """Words that are no sentence of the dashboard: what the catalog and CLDR say, names, units."""
    english = Locale.parse("en_GB")
    names: list[str] = [
        CATALOG,
        *LANGUAGES.values(),
        *_OPERATING_SYSTEMS.values(),
        *map(str, english.languages.values()),
        *(values_of(Dimension.TIME_ZONE) or ()),
    ]
    for form in ("wide", "abbreviated"):
        names += [str(name) for table in (english.months, english.days) for name in table["format"][form].values()]
    names += [
        "Headcount CSV JSON SVG Parquet API OpenAPI Acme",
        "ms min Sept clean crashed",
    ]
    return {word.lower() for name in names for word in re.findall(r"[^\W\d_]+", name)}


def pages_with_states() -> Iterator[tuple[str, dict[str, str]]]:
    for key in PAGES:
        for state in STATES:
            yield key, dict(part.split("=") for part in state.split("&") if part)


@pytest.mark.parametrize("rule", ["threshold", "dp"])
async def test_no_sentence_is_outside_the_catalogs(tmp_path: Path, product: ProductReleases, rule: str) -> None:
    """In a language whose every sentence stands in brackets, no page says a word outside them that is not data."""
    tenancy = write_product(tmp_path, rule=rule)
    if rule == "dp":
        product = NoisyProduct(product.world)
    wording = Wording("en_GB", Bracketed())
    static = dict.fromkeys(("hc.css", "hc.js", "icon.svg", "debug.svg"), "/x")
    templates = templates_of(wording, static)
    reader = next(r for r in tenancy.organisation.readers if r.name == "acme-pm")
    subject = access.subject_of(tenancy.organisation, access.sight_of(reader, tenancy.organisation))
    assert subject is not None
    data, found = allowed(), []
    for key, query in pages_with_states():
        kind = PAGES[key]
        for customer in (subject, access.Subject(tenancy.organisation.customers["rival"], subject.app)):
            freshness = await product.freshness(*customer.codes)
            span = read_span(query, freshness, kind.preset, kind.by)
            view = View(customer, product, freshness, span, wording, key, query)
            page = await kind.build(view)
            html = templates.get_template(kind.template).render(
                page=page, view=view, kind=kind, subjects=[], toolbar=toolbar_of(view, page)
            )
            texts = Texts()
            texts.feed(html)
            for text in texts.texts:
                words = {word.lower() for word in re.findall(r"[^\W\d_]{2,}", outside(text))} - data - {"rival"}
                if words:
                    found.append((key, query, text.strip()[:80], words))
    assert found == []


def test_sums_over_customers_are_named_in_the_readers_language(tmp_path: Path) -> None:
    """A scope's title is said in each language, on pages and in files; a Customer's is its own."""
    organisation = write_product(tmp_path).organisation
    acme = organisation.customers["acme"]
    partner = next(iter(organisation.partners.values()))
    named = {
        language: (
            whose(wording_of(language), scope_of(organisation)),
            whose(wording_of(language), scope_of(organisation, partner)),
            whose(wording_of(language), acme),
        )
        for language in LANGUAGES
    }
    assert named["en"] == ("All Customers", f"{partner.title}: all Customers", acme.title)
    assert named["de"] == ("Alle Kunden", f"{partner.title}: alle Kunden", acme.title)
    assert {said[2] for said in named.values()} == {acme.title}
    assert len({said[0] for said in named.values()}) == len({said[1] for said in named.values()}) == len(LANGUAGES)


def test_a_period_is_said_as_each_language_says_it() -> None:
    """A month, a quarter and a year stand in a sentence with the language's own words."""
    first, last = days.parse("2026-10-01"), days.parse("2026-10-31")
    said = {
        language: [wording_of(language).within(kind, first, last) for kind in (PeriodKind.MONTH, PeriodKind.YEAR)]
        for language in LANGUAGES
    }
    assert said["en"] == ["in October 2026", "in 2026"]
    assert said["de"] == ["im Oktober 2026", "im Jahr 2026"]
    assert said["es"] == ["en octubre de 2026", "en 2026"]
    assert said["fr"] == ["en octobre 2026", "en 2026"]


def test_no_line_breaks_before_a_sign() -> None:
    """French signs in two parts, its quotation marks and every percent sign keep to the word beside them."""
    for language in LOCALES.keys() - {"en"}:
        for message in (message for message in catalog_of(language) if message.id):
            for form in [message.string] if isinstance(message.string, str) else (message.string or ()):
                assert not re.search(r"[\d}] %", form), form
                assert language != "fr" or not re.search(r" [:;!?»]|« ", form), form


def test_every_language_has_its_numbers_and_dates() -> None:
    """Separators, percent signs and dates are the language's own."""
    said = {language: wording_of(language).number(12400) for language in LOCALES}
    assert said == {"en": "12,400", "de": "12.400", "es": "12.400", "fr": "12\u202f400"}
    assert wording_of("de").percent(0.4) == "40\xa0%"
    assert wording_of("fr").day(20_000).replace("\xa0", " ") == "4 oct. 2024"

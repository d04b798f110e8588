"""Who may see whose numbers: the one place that decides.

A reader's token names a scope. Own scope sees one Customer's releases. Partner and product scope see none of
them: they see sums over Customers, of a Partner's or of all, which have releases of their own (``scopes.py``).
Nothing else in the API or the dashboard looks at a scope.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from headcount_wire.app_key import fingerprint, is_key
from headcount_wire.organisation import App, Customer, Organisation, Reader

from headcount_aggregator.scopes import LEAST_CUSTOMERS, customers_in, scope_of

COOKIE = "headcount"
COOKIE_SECONDS = 30 * 86_400

WITHHELD = (
    f"Numbers across Customers are sums over at least {LEAST_CUSTOMERS} Customers, so that none of them is recognised. "
    "Fewer take part here, so there is no such number to show."
)
"""Why a partner's or product scope sees nothing."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one reader sees: its Customers, or the reason why there are none."""

    reader: Reader
    customers: tuple[Customer, ...]
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """One Customer's app, which a reader was found to be allowed to see."""

    customer: Customer
    app: App

    @property
    def codes(self) -> tuple[int, int]:
        """The two codes every question about it begins with."""
        return self.customer.code, self.app.code


def reader_of(request: web.Request, organisation: Organisation) -> Reader | None:
    """The reader whose token a request carries, as a header or as the dashboard's cookie."""
    return reader_of_token(token_of(request), organisation)


def reader_of_token(token: str, organisation: Organisation) -> Reader | None:
    """The reader a token is of; ``None`` for a text that is no token, whatever bytes it was made of."""
    return organisation.reader_by_fingerprint.get(fingerprint(token)) if is_key(token) else None


def token_of(request: web.Request) -> str:
    """The token a request carries; empty when there is none. A header wins over the cookie."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return request.cookies.get(COOKIE, "")


def sight_of(reader: Reader, organisation: Organisation) -> Sight:
    """What a reader sees; who has product scope sees each Partner's sums too."""
    if reader.scope == "own":
        return Sight(reader, (reader.customer,) if reader.customer else ())
    if reader.scope == "partner" and reader.partner is None:
        return Sight(reader, ())
    scopes = [reader.partner] if reader.partner else [None, *organisation.partners.values()]
    seen = [partner for partner in scopes if len(customers_in(organisation, partner)) >= LEAST_CUSTOMERS]
    return Sight(reader, tuple(scope_of(organisation, partner) for partner in seen), "" if seen else WITHHELD)


def apps_of(organisation: Organisation, customer: Customer) -> tuple[App, ...]:
    """The apps of a Customer: those it holds a key for, else (no key is declared, or it is a scope) all."""
    held = {key.app.name for key in organisation.keys if key.customer.code == customer.code}
    return tuple(app for app in organisation.apps.values() if app.name in held or not held)


def subject_of(organisation: Organisation, sight: Sight, customer: str = "", app: str = "") -> Subject | None:
    """One Customer's app by name; ``None`` when it is not there or not this reader's, which look alike.

    Without a name it is the first the reader sees.
    """
    for seen in sight.customers:
        if customer in ("", seen.name):
            for its_app in apps_of(organisation, seen):
                if app in ("", its_app.name):
                    return Subject(seen, its_app)
    return None

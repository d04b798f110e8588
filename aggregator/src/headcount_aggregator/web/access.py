"""Who may see whose numbers: the one place that decides.

A reader's token names a scope. Own scope sees one Customer's releases. Partner and product scope
see none of them: numbers across Customers are released under differential privacy, and until that
rule runs there is no such number. Nothing else in the API or the dashboard looks at a scope.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from headcount_wire.app_key import fingerprint, is_key
from headcount_wire.organisation import App, Customer, Organisation, Reader

COOKIE = "headcount"
COOKIE_SECONDS = 30 * 86_400

WITHHELD = (
    "Numbers across Customers come with a later release rule: differential privacy, which keeps any one Customer "
    "from being recognised in them. Until it runs there is no such number, so there is nothing to show for this scope."
)
"""Why partner and product scope see nothing yet."""


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


def sight_of(reader: Reader) -> Sight:
    """What a reader sees."""
    if reader.scope == "own" and reader.customer is not None:
        return Sight(reader, (reader.customer,))
    return Sight(reader, (), WITHHELD)


def apps_of(organisation: Organisation, customer: Customer) -> tuple[App, ...]:
    """The apps of a Customer: those it holds a key for, else (no key is declared) all."""
    held = {key.app.name for key in organisation.keys if key.customer.name == customer.name}
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

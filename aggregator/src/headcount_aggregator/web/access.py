"""Who may see whose numbers: the one place that decides.

A reader's token names a scope. Own scope sees one Customer's releases. Partner and product scope
see none of them: numbers across Customers need a rule of their own, which is not built.
"""

from __future__ import annotations

from aiohttp import web
from headcount_wire.app_key import fingerprint
from headcount_wire.organisation import Customer, Organisation, Reader

COOKIE = "headcount"
COOKIE_SECONDS = 30 * 86_400


def reader_of(request: web.Request, organisation: Organisation) -> Reader | None:
    """The reader whose token a request carries, as a header or as the dashboard's cookie."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = request.cookies.get(COOKIE, "")
    return organisation.reader_by_fingerprint.get(fingerprint(token)) if token else None


def customer_of(reader: Reader) -> Customer | None:
    """The Customer whose own numbers a reader may see."""
    return reader.customer if reader.scope == "own" else None

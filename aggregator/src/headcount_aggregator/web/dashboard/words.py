"""Names that a catalog or an organisation gives, as words."""

from __future__ import annotations

from headcount_wire.catalog import Measure
from headcount_wire.organisation import Customer

from headcount_aggregator.scopes import is_scope
from headcount_aggregator.web.dashboard.wording import Wording


def title_of(measure: Measure) -> str:
    """A measure's name as words: ``meeting.joined`` is Meeting joined."""
    return words_of(measure.name)


def words_of(name: str) -> str:
    """A measure's name as words."""
    return name.replace(".", " ").replace("_", " ").capitalize()


def whose(wording: Wording, customer: Customer) -> str:
    """Whose numbers these are: a Customer by its name, a scope in the reader's language."""
    if not is_scope(customer.code):
        return customer.title
    if customer.partner:
        return wording.say("{partner}: all Customers", partner=customer.partner.title)
    return wording.say("All Customers")

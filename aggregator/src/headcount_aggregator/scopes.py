"""Scopes across Customers, and the code under which a scope's releases stand: beside those of Customers.

A scope is to the API and the dashboard what a Customer is: it has releases of its own, under a code that
no Customer can have.
"""

from __future__ import annotations

from collections.abc import Iterable

from headcount_wire import limits
from headcount_wire.organisation import PRESETS, Customer, Organisation, Partner
from headcount_wire.policy import Policy

PRODUCT = 0
"""The code of all Customers together; a Customer's is at least 1."""

PARTNERS_FROM = 2**32
"""A Partner's code is this and its own; a Customer's is below it."""

NOISE = "standard"
"""The preset of the noise in shares that are drawn for these scopes."""

LEAST_CUSTOMERS = 5
"""Fewer than these are never added up."""


def code_of(partner: Partner | None) -> int:
    """The code of a Partner's scope, or of all Customers."""
    return PARTNERS_FROM + partner.code if partner else PRODUCT


def is_scope(code: int) -> bool:
    """Whether a code stands for several Customers."""
    return code == PRODUCT or code >= PARTNERS_FROM


def customers_in(organisation: Organisation, partner: Partner | None = None) -> tuple[Customer, ...]:
    """The Customers that let their numbers be added to others', of one Partner or of all."""
    return tuple(
        customer
        for customer in organisation.customers.values()
        if customer.cross_customer and (partner is None or customer.partner == partner)
    )


def noise_of(customers: Iterable[Customer]) -> str:
    """The lightest noise in a sum of Customers: where a Customer's own numbers have noise, they are its share."""
    own = [customer.noise for customer in customers if customer.rule == "dp"]
    return max((NOISE, *own), key=lambda preset: PRESETS[preset])


def scope_of(organisation: Organisation, partner: Partner | None = None) -> Customer:
    """A scope as who reads its numbers sees it: as one Customer, whose rule is noise and Customer protection."""
    purposes = {purpose for app in organisation.apps.values() for purpose in app.catalog.purposes}
    context = {field.field for app in organisation.apps.values() for field in app.catalog.context}
    return Customer(
        name=f"partner-{partner.name}" if partner else "all-customers",
        code=code_of(partner),
        title=f"{partner.title}: all Customers" if partner else "All Customers",
        partner=partner,
        region=organisation.region,
        policy=Policy(1, dict.fromkeys(sorted(purposes), 1), frozenset(context)),
        retention_months=120,
        k=limits.K_MIN,
        cross_customer=True,
        cells_months=120,
        agreement_ends=None,
        rule="dp",
        noise=noise_of(customers_in(organisation, partner)),
    )

"""What a changed organisation must not do to the one in force, and what in it is likely a mistake.

A file alone can be sound and still be wrong behind the one before: cut off in the middle, or with another meaning
for a code that devices already send.
"""

from __future__ import annotations

from collections.abc import Iterator

from headcount_wire.catalog import Catalog, Measure
from headcount_wire.organisation import Organisation
from headcount_wire.policy import Policy


def breaks(before: Organisation, after: Organisation) -> tuple[str, ...]:
    """Why an organisation cannot follow the one before it, each reason in a sentence; empty if it can."""
    return tuple(_breaks(before, after))


def doubts(before: Organisation, after: Organisation) -> tuple[str, ...]:
    """What in an organisation is likely a mistake, seen from the one before it, each in a sentence."""
    return tuple(_doubts(before, after))


def _breaks(before: Organisation, after: Organisation) -> Iterator[str]:
    if before.keys and not after.keys:
        yield 'declares no app key any more; is it cut off? To end the use of a key, set state = "revoked"'
    for name, app in after.apps.items():
        if name not in before.apps:
            continue
        known = {catalog.version: catalog for catalog in before.apps[name].catalogs}
        for catalog in app.catalogs:
            if catalog.version in known:
                yield from _changes(known[catalog.version], catalog)


def _changes(before: Catalog, after: Catalog) -> Iterator[str]:
    """Measures that devices with this version of the catalog know otherwise."""
    kept = {measure.code: measure for measure in after.measures.values()}
    for measure in before.measures.values():
        now = kept.get(measure.code)
        if now is None or not _means_the_same(measure, now):
            what = "is gone" if now is None else "means something else"
            yield (
                f"{after.file}: {measure.name} (code {measure.code}) {what}, in the same version {after.version}, "
                "which devices have already; put the change into a new file with a higher version"
            )


def _means_the_same(before: Measure, after: Measure) -> bool:
    """Whether what devices send under a code is still what it was; more values of a label are no change."""
    one, other = ((of.name, of.kind, of.purpose, of.unit, of.steps, of.window_minutes) for of in (before, after))
    if one != other:
        return False
    if before.label is None or after.label is None:
        return before.label is after.label
    return after.label.values[: len(before.label.values)] == before.label.values


def _doubts(before: Organisation, after: Organisation) -> Iterator[str]:
    for name, customer in after.customers.items():
        known = before.customers.get(name)
        if known is None or known.policy == customer.policy:
            continue
        was, now = known.policy.version, customer.policy.version
        if now < was:
            yield (
                f"the policy of {name} went back from version {was} to {now}: consents that were given under a later "
                "one count no more; give it a higher version"
            )
        elif now == was and _said(known.policy) != _said(customer.policy):
            yield f"the policy of {name} changed, but has the version it had ({now}); raise it with each change"


def _said(policy: Policy) -> object:
    """What a person's consent is about; a pause, or a newer SDK, asks nobody anything."""
    return policy.consent_since, policy.context

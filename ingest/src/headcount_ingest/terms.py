"""What an app key stands for here, and the terms a report under it is held to: looked up, not worked out each time."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from headcount_wire.catalog import Catalog
from headcount_wire.dimensions import Dimension
from headcount_wire.organisation import AppKey
from headcount_wire.policy import Policy
from headcount_wire.problems import Dropped

from headcount_ingest.admission import Admission, Allowance, Verdicts, admission_of

TERMS_MOST = 64
"""Terms that are remembered under the same conditions; a device can make up sets of purposes and versions."""


class Terms:
    """What one catalog, one policy and one set of granted purposes allow.

    ``verdicts``: by purpose, why nothing of it counts, or ``None``. ``fields``: the context fields that count.
    """

    def __init__(self, admission: Admission, policy: Policy, granted: Mapping[str, int]) -> None:
        self.verdicts: Verdicts = {name: _consent(name, granted, policy) for name in admission.purposes}
        self.fields: tuple[tuple[str, Dimension], ...] = tuple(
            (name, dimension)
            for name, dimension, purpose in admission.fields
            if self.verdicts[purpose] is None and name in policy.context
        )
        # Of an allowance nothing is kept here: those of all accounts are the admission's, so that they have a bound.
        self._admission = admission
        self._said = tuple([self.verdicts[name] for name in admission.counting])

    @property
    def consent_is_old(self) -> bool:
        """Whether a purpose was granted under a policy version that is no longer valid."""
        return Dropped.CONSENT_OLD in self.verdicts.values()

    def allowance(self, day: int) -> Allowance:
        """Which tallies of a day may be counted."""
        return self._admission.allowance(self.verdicts, self._said, day)

    @property
    def measures(self) -> Container[int]:
        """The codes that the catalog declares."""
        return self._admission.measures


class Conditions:
    """What reports are held to: an app's catalogs, and a policy. Accounts of which both are alike share them."""

    def __init__(self, catalogs: Sequence[Catalog], policy: Policy) -> None:
        self.policy = policy
        self._catalogs = catalogs
        self._terms: dict[tuple[object, ...], Terms] = {}

    def terms(self, catalog: int, granted: Mapping[str, int]) -> Terms | None:
        """The terms for reports by a catalog version with these purposes; ``None``: the version is not admitted."""
        key = (catalog, *granted.items())
        found = self._terms.get(key)
        if found is None:
            declared = next((one for one in self._catalogs if one.version == catalog), None)
            if declared is None:
                return None
            if len(self._terms) >= TERMS_MOST:
                self._terms.clear()
            found = self._terms[key] = Terms(admission_of(declared), self.policy, granted)
        return found


class Account:
    """An app key with what its organisation declares of it. ``debug``: what it sends is kept apart.

    ``conditions``: what its reports are held to. ``live_app``: the app's code; 0 for a debug key.
    """

    def __init__(self, key: AppKey, conditions: Conditions, *, debug: bool) -> None:
        self.key = key
        self.customer = key.customer
        self.app = key.app
        self.conditions = conditions
        self.debug = debug
        self.live_app = 0 if debug else key.app.code


def _consent(purpose: str, granted: Mapping[str, int], policy: Policy) -> Dropped | None:
    if purpose not in granted:
        return Dropped.NOT_GRANTED
    if not policy.allows(purpose):
        return Dropped.POLICY
    return None if policy.consent_counts(purpose, granted[purpose]) else Dropped.CONSENT_OLD

"""How a report stands under its account, by what it says around its tallies: worked out once for all that are alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headcount_wire.dimensions import UNKNOWN, Dimension, canonical
from headcount_wire.problems import Problem
from headcount_wire.segment import Values

from headcount_ingest.admission import Allowance
from headcount_ingest.outcomes import Refused
from headcount_ingest.said import Said
from headcount_ingest.terms import Account, Terms

STANDINGS_MOST = 4096
"""Standings that are remembered, some 3.5 kB each at most with what was said; then all are forgotten."""


class Whose:
    """Whose a record is, of which day, by which catalog and in which context: codes and canonical values.

    ``source``: the same as a record holds it, once it was written so (``strip.py``).
    """

    __slots__ = ("account", "catalog", "context", "created", "origin", "source")

    def __init__(self, account: Account, said: Said, terms: Terms) -> None:
        self.account: Final = account
        self.catalog: Final = said.catalog
        self.created: Final = said.created
        self.context: Final = _values(terms, said.context)
        self.origin: Final = None if said.origin is None else _values(terms, said.origin)
        self.source: bytes | None = None


class Standing:
    """What of a report may be counted: its terms, and whose it is."""

    __slots__ = ("_allowance", "_day", "terms", "whose")

    def __init__(self, account: Account, said: Said, terms: Terms) -> None:
        self.terms: Final = terms
        self.whose: Final = Whose(account, said, terms)
        self._day = -1
        self._allowance: Allowance | None = None

    def allowance(self, day: int) -> Allowance:
        """Which tallies of a day may be counted."""
        found = self._allowance
        if found is None or day != self._day:
            found = self._allowance = self.terms.allowance(day)
            self._day = day
        return found


_standings: dict[tuple[Account, Said], Standing | Refused] = {}


def standing_of(account: Account, said: Said) -> Standing | Refused | None:
    """How a report stands under an account; ``None``: its catalog version is not admitted, so nothing of it counts."""
    key = account, said
    found = _standings.get(key)
    if found is None and (found := _standing_of(account, said)) is not None:
        if len(_standings) >= STANDINGS_MOST:
            _standings.clear()
        _standings[key] = found
    return found


def forget_standings() -> None:
    """Let go of all that was worked out: another organisation is in force."""
    _standings.clear()


def _standing_of(account: Account, said: Said) -> Standing | Refused | None:
    policy = account.customer.policy
    if policy.paused:
        return Refused(Problem.PAUSED)
    if policy.minimum_sdk and not policy.takes(said.sdk):
        return Refused(Problem.SDK_OLD)
    if said.policy > policy.version:
        return Refused(Problem.POLICY_OLD)
    terms = account.terms(said.catalog, said.purposes)
    return None if terms is None else Standing(account, said, terms)


def _values(terms: Terms, told: Mapping[str, str]) -> Values:
    """What a report told of its context, as far as it counts, in canonical form."""
    found = dict.fromkeys(Dimension, UNKNOWN)
    for name, dimension in terms.fields:
        if name in told:
            found[dimension] = canonical(dimension, told[name])
    os, os_version, language, time_zone, app_version, device_class = found.values()
    return (os, os_version, language, time_zone, app_version, device_class)

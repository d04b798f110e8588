"""How a report stands under its conditions, by what it says around its tallies: worked out once for all alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headcount_wire.dimensions import UNKNOWN, Dimension, canonical
from headcount_wire.problems import Problem
from headcount_wire.segment import Values

from headcount_ingest.admission import Allowance
from headcount_ingest.outcomes import Refused
from headcount_ingest.said import Said
from headcount_ingest.terms import Conditions, Terms

STANDINGS_MOST = 4096
"""Standings that are remembered, some 3.5 kB each at most with what was said; then all are forgotten."""


class Whence:
    """Of which day a record is, by which catalog and in which context: canonical values, whoever they are of.

    ``values``: context and origin as a record holds them, once they were written so (``strip.py``).
    """

    __slots__ = ("catalog", "context", "created", "origin", "values")

    def __init__(self, said: Said, terms: Terms) -> None:
        self.catalog: Final = said.catalog
        self.created: Final = said.created
        self.context: Final = _values(terms, said.context)
        self.origin: Final = None if said.origin is None else _values(terms, said.origin)
        self.values: bytes | None = None


class Standing:
    """What of a report may be counted: its terms, and whence it is."""

    __slots__ = ("_allowance", "_day", "terms", "whence")

    def __init__(self, said: Said, terms: Terms) -> None:
        self.terms: Final = terms
        self.whence: Final = Whence(said, terms)
        self._day = -1
        self._allowance: Allowance | None = None

    def allowance(self, day: int) -> Allowance:
        """Which tallies of a day may be counted."""
        found = self._allowance
        if found is None or day != self._day:
            found = self._allowance = self.terms.allowance(day)
            self._day = day
        return found


_standings: dict[tuple[Conditions, Said], Standing | Refused] = {}


def standing_of(conditions: Conditions, said: Said) -> Standing | Refused | None:
    """How a report stands under its account's conditions.

    ``None``: its catalog version is not admitted, so nothing of it counts.
    """
    key = conditions, said
    found = _standings.get(key)
    if found is None and (found := _standing_of(conditions, said)) is not None:
        if len(_standings) >= STANDINGS_MOST:
            _standings.clear()
        _standings[key] = found
    return found


def forget_standings() -> None:
    """Let go of all that was worked out: another organisation is in force."""
    _standings.clear()


def _standing_of(conditions: Conditions, said: Said) -> Standing | Refused | None:
    policy = conditions.policy
    if policy.paused:
        return Refused(Problem.PAUSED)
    if policy.minimum_sdk and not policy.takes(said.sdk):
        return Refused(Problem.SDK_OLD)
    if said.policy > policy.version:
        return Refused(Problem.POLICY_OLD)
    terms = conditions.terms(said.catalog, said.purposes)
    return None if terms is None else Standing(said, terms)


def _values(terms: Terms, told: Mapping[str, str]) -> Values:
    """What a report told of its context, as far as it counts, in canonical form."""
    found = dict.fromkeys(Dimension, UNKNOWN)
    for name, dimension in terms.fields:
        if name in told:
            found[dimension] = canonical(dimension, told[name])
    os, os_version, language, time_zone, app_version, device_class = found.values()
    return (os, os_version, language, time_zone, app_version, device_class)

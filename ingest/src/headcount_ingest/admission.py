"""What one catalog admits, prepared so that most days are admitted in one pass over a table (``bounds.py``)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

from headcount_wire.catalog import Catalog, Measure
from headcount_wire.facts import FACT_RULES, Fact
from headcount_wire.problems import Dropped

from headcount_ingest.bounds import Bounds, Row

ONE_SLOT = frozenset({Fact.GAP, Fact.AGE, Fact.WEEK_AGE, Fact.STEP, Fact.VALUE})
"""Once-a-day facts of which a device-day has one slot; each slot of the others is a fact of its own."""

ALLOWANCES_MOST = 64

Verdicts = Mapping[str, Dropped | None]
"""By purpose: why nothing of it counts in this report, or ``None``."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The bounds of one (measure, label, fact): slots from ``least`` to ``most``, ``n`` up to ``cap``.

    What is said ``once`` a day may be ``n`` at once; the rest of a day's tallies share the cap, labels and slots
    alike: ``share`` numbers those that do. From ``base`` on, each thing that may be said under it has a number;
    they rise in the order in which an SDK tells a day.
    """

    purpose: str
    expires: int | None
    least: int
    most: int
    cap: int
    once: bool
    share: int
    base: int

    def number(self, fact: int, slot: int) -> int:
        """Of what is said by a slot: the same for whatever may not stand beside it."""
        return self.base if fact in ONE_SLOT else self.base + slot - self.least


class Admission:
    """A catalog's rules by (measure, label, fact), its context fields each with its purpose, and its allowances.

    ``counting``: the purposes that something is counted for; the others are for the context alone. ``allowing``: what
    a rule hangs on, each purpose with an expiry.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.rules: dict[tuple[int, int, int], Rule] = {}
        self.measures: dict[int, Measure] = dict(catalog.by_code)
        self.fields = tuple((dimension.field, dimension, purpose) for dimension, purpose in catalog.context.items())
        self.purposes = tuple(catalog.purposes)
        used = {found.purpose for found in self.measures.values()}
        self.counting = tuple(name for name in self.purposes if name in used)
        self._expiries = sorted({found.expires for found in self.measures.values() if found.expires is not None})
        self._allowances: dict[tuple[object, ...], Allowance] = {}
        shares: dict[tuple[int, Fact], int] = {}
        base = 0
        for code, measure in sorted(self.measures.items()):
            for label in (0, *sorted(measure.label_codes)):
                for fact in Fact:
                    if measure.allows(label, fact):
                        share = shares.setdefault((code, fact), len(shares) + 1)
                        rule = self.rules[code, label, fact] = _rule(measure, fact, share, base)
                        base += rule.most - rule.least + 1
        self.allowing = tuple(dict.fromkeys((rule.purpose, rule.expires) for rule in self.rules.values()))
        self.bounds = Bounds(self._rows())

    def _rows(self) -> Iterator[Row]:
        numbers = {by: number for number, by in enumerate(self.allowing)}
        for (measure, label, fact), rule in sorted(self.rules.items(), key=itemgetter(0)):
            alone = rule.once or (not label and rule.least == rule.most)
            by = numbers[rule.purpose, rule.expires]
            bounds = (rule.least, rule.most, rule.cap, rule.base)
            yield measure, label, fact, *bounds, fact not in ONE_SLOT, 0 if alone else rule.share, by

    def allowance(self, verdicts: Verdicts, said: tuple[Dropped | None, ...], day: int) -> Allowance:
        """What may be counted of a report with these verdicts, on a day; ``said``: those on ``counting``, in order."""
        expired = bisect_left(self._expiries, day)
        key = (expired, said)
        found = self._allowances.get(key)
        if found is None:
            if len(self._allowances) >= ALLOWANCES_MOST:
                self._allowances.clear()
            found = self._allowances[key] = Allowance(self, verdicts, self._expiries[:expired])
        return found


class Allowance:
    """What of a catalog may be counted under one set of verdicts, between two expiries."""

    def __init__(self, admission: Admission, verdicts: Verdicts, expiries: list[int]) -> None:
        # Not the admission itself, which holds this: in a cycle both would wait for a collector that seldom comes.
        self._rules, self._measures = admission.rules, admission.measures
        self._verdicts = dict(verdicts)
        self._expired = frozenset(expiries)
        self._bounds = admission.bounds
        self._allowed = bytes([self._why_not(*by) is None for by in admission.allowing])

    def holds(self, tallies: bytes) -> bool:
        """Whether all of a day may be counted, by a quick look: of most days that is enough."""
        return self._bounds.hold(tallies, self._allowed)

    def look_at(self, measure: int, label: int, fact: int, slot: int, n: int) -> Rule | Dropped:
        """The rule of a tally that may be counted if it stands once and its day's caps hold; or why it cannot be."""
        rule = self._rules.get((measure, label, fact))
        if rule is None:
            return self._why_no_rule(measure, label)
        if reason := self._why_not(rule.purpose, rule.expires):
            return reason
        if not rule.least <= slot <= rule.most:
            return Dropped.OUT_OF_BOUNDS
        if n > rule.cap:
            return Dropped.OUT_OF_BOUNDS if rule.once else Dropped.OVER_CAP
        return rule

    def _why_not(self, purpose: str, expires: int | None) -> Dropped | None:
        return self._verdicts[purpose] or (Dropped.EXPIRED if expires in self._expired else None)

    def _why_no_rule(self, measure: int, label: int) -> Dropped:
        known = self._measures.get(measure)
        if known is None:
            return Dropped.UNKNOWN_MEASURE
        return Dropped.UNKNOWN_LABEL if label and label not in known.label_codes else Dropped.WRONG_FACT


def _rule(measure: Measure, fact: Fact, share: int, base: int) -> Rule:
    bounds, slots = FACT_RULES[fact], measure.slots(fact)
    cap = 1 if bounds.once and not bounds.valued else measure.cap
    return Rule(measure.purpose, measure.expires, slots[0], slots[-1], cap, bounds.once, share, base)


class _Box:
    """Makes a catalog hashable by identity; the cache keeps it alive, so an identity is never used twice."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def __hash__(self) -> int:
        return id(self.catalog)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Box) and other.catalog is self.catalog


@lru_cache(maxsize=256)
def _admission_of(box: _Box) -> Admission:
    return Admission(box.catalog)


def admission_of(catalog: Catalog) -> Admission:
    """The prepared rules of a catalog."""
    return _admission_of(_Box(catalog))


def forget_admissions() -> None:
    """Let go of all prepared rules: each organisation reads its catalogs anew, and those before never come again."""
    _admission_of.cache_clear()

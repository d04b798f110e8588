"""Funnels: of the devices that began on a day, how many came to each step. Pure.

Each step is a subset of the one before it, and all are subsets of the people of the day they began on. A
step is shown only if it and its complement in the last shown one are none or at least k; so every
difference of shown steps is. They are rounded to tens: who takes the first step while an attempt is under way
begins none, and the exact people of the first step would tell how many did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from headcount_wire.catalog import Measure
from headcount_wire.facts import Fact

from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.day_sums import DaySums, Sums
from headcount_aggregator.release.family import Decision, Rule
from headcount_aggregator.release.people import TENS, Everyone, Exact, codes_of, exact, family
from headcount_aggregator.released import Number, State, Statistic

MINUTES_A_DAY = 1440


def days_open(funnel: Measure) -> int:
    """For how many days after the day it began on an attempt can still take a step."""
    return -(-funnel.window_minutes // MINUTES_A_DAY)


def of_day(funnel: Measure, day: int, steps: DaySums, everyone: Everyone | None, rule: Rule) -> Iterator[Number]:
    """The steps of the attempts that began on a day, the first one included.

    ``steps`` are the day's, as far as they came until its window and its freeze were over.
    """
    period = period_of(PeriodKind.DAY, day)
    around, within = _around(funnel, everyone)
    for number in range(1, len(funnel.steps) + 1):
        reached = _reached(funnel, number, steps)
        found = family(Statistic.FUNNEL, period, funnel, reached, around)
        found = replace(found, slot=number, step=TENS, cut_step=TENS)
        decision = rule.decide(found, within)
        yield from decision.numbers
        if decision.state is State.SHOWN:
            around, within = reached, decision


def _around(funnel: Measure, everyone: Everyone | None) -> tuple[Exact | None, Decision | None]:
    """The set that the first step is a subset of: as for every measure, where it is sure or shown."""
    if everyone is None:
        return None, None
    sure = funnel.purpose == everyone.measure.purpose or everyone.decision.state is State.SHOWN
    return (everyone.exact, everyone.decision) if sure else (None, None)


def _reached(funnel: Measure, step: int, steps: DaySums) -> Exact:
    """Devices that came to a step or further, by every cut."""

    def sums_of(code: int) -> Sums:
        found: Counter[tuple[str, str]] = Counter()
        for slot, sums in steps.slots(funnel.code, Fact.STEP, code).items():
            if slot >= step:
                found.update(sums)
        return found

    return exact(codes_of(funnel), sums_of)

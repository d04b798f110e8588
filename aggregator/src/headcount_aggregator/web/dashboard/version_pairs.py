"""A timing version by version: each with the one before it, and whether the difference is more than noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headcount_wire.catalog import Measure
from headcount_wire.dimensions import OTHER_VALUE, UNKNOWN, Dimension

from headcount_aggregator import certainty
from headcount_aggregator.certainty import Estimate, Verdict
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Number, Statistic
from headcount_aggregator.web.dashboard.by_value import version_key
from headcount_aggregator.web.dashboard.figure import Figure, Remark, Row, Series, Shape, Weight, cell_of
from headcount_aggregator.web.dashboard.view import View
from headcount_aggregator.web.dashboard.wording import LATE_VALUE

SLOTS = (50, 75, 95)
BY_VERSION = Dimension.APP_VERSION * 8


async def by_version(view: View, measure: Measure) -> Figure:
    """Percentiles by version over the newest longest period of the days, newest version first, each with a verdict."""
    say, wording = view.wording.say, view.wording
    kind, numbers = await _newest(view, measure)
    found = {(number.value1, number.slot): number for number in numbers}
    versions = sorted(
        {n.value1 for n in numbers if n.value is not None} - {OTHER_VALUE, UNKNOWN, LATE_VALUE}, key=version_key
    )
    counted = await _counted(view, measure, kind, numbers)
    rows: list[Row] = []
    remark: Remark | None = None
    for place, version in enumerate(versions):
        cells = tuple(cell_of(found.get((version, slot))) for slot in SLOTS)
        note = say("the first of these")
        if place:
            before = versions[place - 1]
            medians = (_median(found, counted, before), _median(found, counted, version))
            note, remark = _verdict(view, *medians, version, before)
        rows.append(Row(version, version, cells, note=note))
    days = wording.days(max(numbers[0].first, view.freshness.first_day or 0), numbers[0].last) if numbers else ""
    return Figure(
        key="by-version",
        title=say("By app version"),
        sentence=say("What half, three quarters and 19 of 20 are under, newest version first: {days}.", days=days)
        if days
        else "",
        shape=Shape.RANK,
        head=wording.dimension_name(Dimension.APP_VERSION),
        series=(
            Series("p50", say("Half under"), Weight.STRONG, measure.unit),
            Series("p75", say("75% under"), Weight.PLAIN, measure.unit),
            Series("p95", say("95% under"), Weight.PLAIN, measure.unit),
        ),
        rows=tuple(reversed(rows)),
        rule=view.rule,
        k=view.k,
        unit=measure.unit,
        notes=(
            *view.tens(say("Off by less than 2 percent.")),
            say("A difference is real where chance would make it in fewer than 5 of 100 cases."),
        ),
        remark=remark,
        wide=True,
        empty=say("No two versions have enough people in these days."),
    )


def _verdict(view: View, old: Estimate | None, new: Estimate | None, version: str, before: str) -> tuple[str, Remark]:
    say = view.wording.say
    verdict = certainty.compare(old, new)
    if old is None or new is None or not old.value:
        said = say("{version} cannot be compared with {before}.", version=version, before=before)
        return said, Remark(say("Not enough to compare"), said, "open")
    change = new.value / old.value - 1
    names = {"version": version, "before": before, "share": view.wording.percent(abs(change))}
    if verdict is Verdict.WITHIN_NOISE:
        said = say("{version} is as fast as {before}: {share} apart, within noise.", **names)
        return said, Remark(say("Within noise"), said, "noise")
    slower = say("{version} is {share} slower than {before}.", **names)
    faster = say("{version} is {share} faster than {before}.", **names)
    said = slower if change > 0 else faster
    return said, Remark(say("Real change"), said, "real")


async def _newest(view: View, measure: Measure) -> tuple[PeriodKind, Sequence[Number]]:
    """The percentiles of the newest period in the days of the longest kind that has at least two versions."""
    for kind in (PeriodKind.MONTH, PeriodKind.WEEK, PeriodKind.DAY):
        numbers = await view.numbers([Statistic.QUANTILE], [kind], measure, breakdown=BY_VERSION)
        last = max((n.last for n in numbers if n.value is not None), default=None)
        newest = [number for number in numbers if number.last == last]
        if len({number.value1 for number in newest if number.value is not None} - {OTHER_VALUE, UNKNOWN}) > 1:
            return kind, newest
    return PeriodKind.DAY, ()


async def _counted(view: View, measure: Measure, kind: PeriodKind, of: Sequence[Number]) -> Mapping[str, int]:
    """How many values there are of each version, in the same period."""
    if not of:
        return {}
    found = await view.numbers(
        [Statistic.COUNT], [kind], measure, breakdown=BY_VERSION, first=of[0].last, last=of[0].last
    )
    return {number.value1: number.value or 0 for number in found}


def _median(found: Mapping[tuple[str, int], Number], counted: Mapping[str, int], version: str) -> Estimate | None:
    """A version's median, and how sure it is; nothing where it is not known how many values there are."""
    at = {slot: found[version, slot] for slot in SLOTS if (version, slot) in found}
    return certainty.percentile(at, 50, counted[version]) if counted.get(version) else None

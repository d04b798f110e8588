"""Counts told apart: journeys by where from and where to, problems by how bad and on which screen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from headcount_wire.catalog import Measure
from headcount_wire.dimensions import OTHER_VALUE
from headcount_wire.facts import OTHER, WHOLE, Severity

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Number, Statistic
from headcount_aggregator.web.dashboard.figure import Figure, Row, Series, Shape, Weight
from headcount_aggregator.web.dashboard.sums import Sum
from headcount_aggregator.web.dashboard.view import View

MOVES_MOST = 15
REST = "rest"


async def journeys(view: View, screens: Measure) -> Figure:
    """From which screen to which, most often first."""
    say = view.wording.say
    numbers = await _of_days(view, screens, Statistic.MOVES)
    sums: defaultdict[tuple[int, int], Sum] = defaultdict(Sum)
    for number in numbers:
        sums[OTHER if number.value1 == OTHER_VALUE else number.slot, number.label].add(number)
    names = {key: f"{_screen(view, screens, key[0])} → {_screen(view, screens, key[1])}" for key in sums}
    ranked = sorted(sums, key=lambda key: -sums[key].value)
    rows = [(f"{key[0]}-{key[1]}", names[key], sums[key]) for key in ranked[:MOVES_MOST]]
    if ranked[MOVES_MOST:]:
        rest = Sum()
        for key in ranked[MOVES_MOST:]:
            rest.merge(sums[key])
        rows.append((REST, say("all others"), rest))
    return _bars(view, "journeys", say("Journeys"), say("From which screen people came to which, how often."), rows)


async def by_severity(view: View, problem: Measure) -> Figure:
    """Reported problems by how much they were in the way."""
    say = view.wording.say
    names = {Severity.MINOR: say("Minor"), Severity.MAJOR: say("Major"), Severity.BLOCKING: say("Blocking")}
    sums: defaultdict[str, Sum] = defaultdict(Sum)
    for number in await _of_days(view, problem, Statistic.SEVERITY):
        sums[OTHER_VALUE if number.value1 == OTHER_VALUE else names[Severity(number.slot)]].add(number)
    rows = _ranked(view, sums)
    return _bars(view, "severity", say("How bad"), say("How much it was in the way, as its reporter said."), rows)


async def by_screen(view: View, problem: Measure) -> Figure:
    """Reported problems by the screen they were met on."""
    say = view.wording.say
    screens = next((m for m in view.subject.app.catalog.measures.values() if m.journeys or m.kind == "screen"), None)
    sums: defaultdict[str, Sum] = defaultdict(Sum)
    for number in await _of_days(view, problem, Statistic.PROBLEM_SCREEN):
        name = OTHER_VALUE if number.value1 == OTHER_VALUE or screens is None else ""
        sums[name or _screen(view, screens or problem, number.slot)].add(number)
    rows = _ranked(view, sums)
    return _bars(view, "problem-screens", say("Where"), say("On which screen the problem was met."), rows)


async def _of_days(view: View, measure: Measure, statistic: Statistic) -> list[Number]:
    found = await view.numbers([statistic], [PeriodKind.DAY], measure, label=None, breakdown=None)
    return [number for number in found if number.value is not None]


def _ranked(view: View, sums: Mapping[str, Sum]) -> list[tuple[str, str, Sum]]:
    return [(name, view.wording.label_name(name), sums[name]) for name in sorted(sums, key=lambda n: -sums[n].value)]


def _screen(view: View, screens: Measure, code: int) -> str:
    if code == WHOLE:
        return view.wording.say("start")
    return view.wording.label_name(view.vocabulary.label_name(screens.code, code) if code != OTHER else OTHER_VALUE)


def _bars(view: View, key: str, title: str, sentence: str, rows: list[tuple[str, str, Sum]]) -> Figure:
    say = view.wording.say
    return Figure(
        key=key,
        title=title,
        sentence=sentence,
        shape=Shape.BARS,
        head=title,
        series=(Series("value", say("Times"), Weight.STRONG),),
        rows=tuple(Row(name, words, (n.cell(),)) for name, words, n in rows),
        rule=view.rule,
        k=view.k,
        unit=say("times"),
        notes=view.tens(say("What too few people stand behind is merged into other.")),
        empty=view.never_a_sum(view.too_few(say("Too few people stand behind each of these in these days."))),
    )

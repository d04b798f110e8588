"""A figure over time beside the same figure of earlier days."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from headcount_aggregator.web.dashboard.change import Change, Verdict, change_of_pairs
from headcount_aggregator.web.dashboard.figure import MISSING, Cell, Figure, Remark, Series, Weight
from headcount_aggregator.web.dashboard.span import Compare
from headcount_aggregator.web.dashboard.view import View
from headcount_aggregator.web.dashboard.wording import Wording

Build = Callable[[View], Awaitable[Figure]]


async def compared(view: View, build: Build) -> Figure:
    """A figure; where the address asks for it, with its main series of the days it is compared with."""
    figure = await build(view)
    if view.span.compare is Compare.NOTHING:
        return figure
    return beside(view.wording, figure, await build(view.earlier()), said_before(view))


def beside(wording: Wording, figure: Figure, earlier: Figure, named: str) -> Figure:
    """A figure with the main series of an earlier one, row by row from the last sealed one back."""
    if earlier.head != figure.head:
        earlier = replace(earlier, rows=())  # days beside weeks would say nothing
    main = next((n for n, series in enumerate(figure.series) if series.weight is Weight.STRONG), 0)
    sealed = [row for row in figure.rows if not row.provisional]
    before = [row.cells[main] for row in earlier.rows if not row.provisional]
    cells = [MISSING] * max(0, len(sealed) - len(before)) + before[max(0, len(before) - len(sealed)) :]
    paired: dict[str, Cell] = {row.key: cell for row, cell in zip(sealed, cells, strict=True)}
    rows = tuple(replace(row, cells=(*row.cells, paired.get(row.key, MISSING))) for row in figure.rows)
    # Windows that overlap change together: where there are days, the days say whether a change is one.
    judged = next((n for n, series in enumerate(figure.series) if series.key == "day"), main)
    change = _change(figure, earlier, judged)
    name = figure.series[main].name
    title = named if len(figure.series) == 1 else wording.say("{series}, {earlier}", series=name, earlier=named)
    return replace(
        figure,
        series=(*figure.series, Series("before", title, Weight.BEFORE)),
        rows=rows,
        remark=remark_of(wording, change, named if judged == main else wording.say("{days}, day by day", days=named)),
    )


def _change(figure: Figure, earlier: Figure, place: int) -> Change:
    """The change of one series, its sealed rows paired from the last one back."""
    now = [row.cells[place] for row in figure.rows if not row.provisional]
    before = [row.cells[place] for row in earlier.rows if not row.provisional]
    paired = list(zip(reversed(now), reversed(before), strict=False))
    step = max((cell.rounding for cell in now), default=1)
    return change_of_pairs([(a.value, b.value) for a, b in reversed(paired) if a.state], step)


def remark_of(wording: Wording, change: Change, named: str) -> Remark:
    """What may be said of a change, as a badge and a sentence."""
    say = wording.say
    if change.verdict is Verdict.OPEN:
        return Remark(
            say("Not enough to compare"), say("Too few of these numbers are shown in both stretches."), "open"
        )
    share = wording.percent(abs(change.share))
    if change.share > 0:
        said = say("{share} more than {earlier}.", share=share, earlier=named)
    elif change.share < 0:
        said = say("{share} less than {earlier}.", share=share, earlier=named)
    else:
        said = say("As many as {earlier}.", earlier=named)
    if change.verdict is Verdict.REAL:
        return Remark(say("Real change"), said, "real")
    return Remark(say("Within noise"), said + " " + say("The days vary by as much anyway."), "noise")


def said_before(view: View) -> str:
    """The earlier days by name: 22 Sep to 19 Oct 2026."""
    span = view.span.earlier()
    return view.wording.days(span.first, span.last)


def named_choices(view: View) -> list[tuple[str, str]]:
    """What a page's days can be compared with."""
    say = view.wording.say
    return [
        ("", say("Nothing")),
        (Compare.BEFORE, say("Days before")),
        (Compare.WEEKDAYS, say("Same weekdays before")),
        (Compare.YEAR, say("A year before")),
    ]

"""Where a hidden number is shown: the shortest longer time whose page was built and shows it, or nothing.

What a longer time shows is decided by the rule and not to be guessed, so each address is tried before it is offered:
its page is built as the reader would see it, and a cell leads there only if its number stands there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from urllib.parse import parse_qsl, urlsplit

from headcount_wire import days

from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.web.dashboard.figure import Figure, Link, Place, Row, Series, Shape, Weight
from headcount_aggregator.web.dashboard.span import GRAINS
from headcount_aggregator.web.dashboard.view import Page, View
from headcount_aggregator.web.dashboard.wording import mark

BY = {
    "week": mark("see it by week"),
    "month": mark("see it by month"),
    "quarter": mark("see it by quarter"),
    "year": mark("see it by year"),
}
LONGER = {"28": 28, "90": 90, "quarter": 92, "365": 365}
"""Ranges that are tried for what is no line over time, with about how many days they have."""

MANY_DAYS = 180
"""Days in which some whole months and quarters lie; fewer are made a year."""

OVER_TIME = frozenset({Shape.LINES, Shape.COLUMNS, Shape.STACK, Shape.GRID})
"""Shapes whose rows are times: the row of a longer time stands in for that of a shorter one."""

ALL = Place("", "")
"""The place of all of a figure."""

Build = Callable[[Mapping[str, str], frozenset[str]], Awaitable[Page]]
"""Builds figures of the page that an address leads to: given what stands behind its question mark, and their keys."""


@dataclass(frozen=True, slots=True)
class Step:
    """One address to try: by a longer period (``kind``), or over more days."""

    href: str
    words: str
    kind: PeriodKind | None = None


async def led_on(page: Page, view: View, build: Build) -> Page:
    """A page whose hidden cells lead to where their numbers are shown, each as near as it can be."""
    waiting = {figure.key: _hidden(figure) for section in page.sections for figure in section.figures}
    waiting = {key: places for key, places in waiting.items() if places}
    found: dict[str, dict[Place, Link]] = {key: {} for key in waiting}
    for step in _steps(page, view):
        mine = frozenset(key for key, places in waiting.items() if places and _helps(page.figure(key), step))
        if not mine:
            continue
        there = await build(dict(parse_qsl(urlsplit(step.href).query)), mine)
        for key in mine:
            figure, longer = page.figure(key), there.figure(key)
            if figure is not None and longer is not None:
                link = Link(f"{step.href}#{key}-title", view.wording.say(step.words))
                shown = _shown(longer, step.kind, figure, waiting[key])
                found[key] |= dict.fromkeys(shown, link)
                waiting[key] = waiting[key] - shown
    sections = tuple(
        replace(section, figures=tuple(_with(figure, found.get(figure.key)) for figure in section.figures))
        for section in page.sections
    )
    return replace(page, sections=sections)


def _with(figure: Figure, wider: Mapping[Place, Link] | None) -> Figure:
    return figure if wider is None else replace(figure, wider=wider, searched=True)


def _hidden(figure: Figure) -> frozenset[Place]:
    """The places of hidden cells; of a figure that has no number at all, one that stands for all of it."""
    if not figure.has_numbers:
        return frozenset({ALL})
    if not figure.hidden:
        return frozenset()
    return frozenset(
        Place(row.key, series.key)
        for row in figure.rows
        for series, cell in zip(figure.series, row.cells, strict=True)
        if cell.hidden
    )


def _steps(page: Page, view: View) -> Iterator[Step]:
    """The addresses to try, the nearest first."""
    if not page.ranged:
        return
    span = view.span
    names = list(GRAINS)
    for name in names[names.index(view.by) + 1 :]:
        if name in page.grains:
            yield Step(_by(view, name), BY[name], GRAINS[name])
    for name, length in LONGER.items():
        if length > span.length:
            yield Step(view.link(range=name), mark("see it over a longer time"))


def _by(view: View, name: str) -> str:
    """The address by a longer period, of days that hold whole ones."""
    span, kind = view.span, GRAINS[name]
    if not span.preset:
        # Days of one's own: from the beginning of the first period to the end of the last.
        newest = view.freshness.sealed_through or span.last
        first, last = period_of(kind, span.first).first, min(period_of(kind, span.last).last, max(newest, span.last))
        return view.link(by=name, **{"from": view.iso(first), "to": view.iso(last)})
    longer = {} if kind is PeriodKind.WEEK or span.length > MANY_DAYS else {"range": "365"}
    return view.link(by=name, **longer)


def _helps(figure: Figure | None, step: Step) -> bool:
    """Whether a step could change a figure: over more days a line has more rows, and the hidden ones stay."""
    return figure is not None and (step.kind is not None or figure.shape not in OVER_TIME)


def _shown(longer: Figure, kind: PeriodKind | None, figure: Figure, places: frozenset[Place]) -> frozenset[Place]:
    """The places whose numbers the figure of a longer time shows, all of their days included."""
    rows = {row.key: row for row in longer.rows}
    kind = kind if figure.shape in OVER_TIME else None

    @cache
    def row_of(key: str) -> Row | None:
        day = _day(key) if kind else None
        return rows.get(key if kind is None or day is None else days.text(period_of(kind, day).first))

    @cache
    def column_of(key: str) -> int | None:
        series = _series(longer, figure, key)
        return None if series is None else longer.series.index(series)

    def shows(place: Place) -> bool:
        if place == ALL:
            return longer.has_values
        row, column = row_of(place.row), column_of(place.series)
        if row is None or column is None:
            return False
        cell = row.cells[column]
        return cell.value is not None and not cell.left_out and not cell.provisional

    return frozenset(filter(shows, places))


def _day(key: str) -> int | None:
    """The first day of a row; of one that is no time (how much later somebody came back) there is none."""
    try:
        return days.parse(key)
    except ValueError:
        return None


def _series(longer: Figure, figure: Figure, key: str) -> Series | None:
    """The series that says the same: of a grid by day, the week in which the day lies; else by name, or the main."""
    if figure.shape is Shape.GRID and len(figure.series) and key != "0":
        key = str(int(key) // 7 or -1)
        return next((series for series in longer.series if series.key == key), None)
    named = next((series for series in longer.series if series.key == key), None)
    return named or next((series for series in longer.series if series.weight is Weight.STRONG), None)

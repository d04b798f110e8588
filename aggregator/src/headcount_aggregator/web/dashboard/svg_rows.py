"""The marks of figures that the page lays out as tables, for a file: bars, spreads, ranks, the grid of cohorts."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from headcount_aggregator.web.dashboard.figure import Figure, Row
from headcount_aggregator.web.dashboard.svg_style import ACCENT, FAINT, INK, MID, RAIL, SOFT
from headcount_aggregator.web.dashboard.wording import Wording

Drawn = tuple[Markup, float, float]
ROW = 28
NAME = 260
NUMBER = 120
LETTERS = 34
FROM_WHITE = 0.75
"""The share from which a cell of the grid is so dark that its word is white."""


def bars(figure: Figure, wording: Wording, width: int) -> Drawn:
    """A bar a row, with its number and its share of all."""
    whole = sum(row.cells[0].value_or_zero for row in figure.rows)
    parts: list[Markup] = []
    for at, row in enumerate(figure.rows):
        cell, y = row.cells[0], at * ROW
        share = wording.percent(cell.value / whole) if whole and cell.value is not None else ""
        grey = row.key in ("other", "unknown", "-")
        parts += _named(row, y)
        parts += _bar(y, width, cell.value_or_zero / (figure.largest or 1), FAINT if grey else ACCENT)
        parts += _numbers(y, width, [wording.cell(cell, figure.k), share])
    return Markup().join(parts), width, ROW * len(figure.rows)


def spreads(figure: Figure, wording: Wording, width: int) -> Drawn:
    """A bar to the median and a thin one to the 95th percentile."""
    parts = _heads(figure, width, 2)
    for at, row in enumerate(figure.rows, 1):
        y, half, most = at * ROW, row.cells[0], row.cells[1]
        parts += _named(row, y)
        parts += _bar(y, width, most.value_or_zero / (figure.largest or 1), FAINT, thin=True)
        parts += _bar(y, width, half.value_or_zero / (figure.largest or 1), ACCENT, rail=False)
        parts += _numbers(y, width, [wording.cell(cell, figure.k, figure.unit) for cell in (half, most)])
    return Markup().join(parts), width, ROW * (len(figure.rows) + 1)


def ranks(figure: Figure, wording: Wording, width: int) -> Drawn:
    """A bar of the first number, and up to three numbers beside it."""
    shown = min(3, len(figure.series))
    parts = _heads(figure, width, shown)
    for at, row in enumerate(figure.rows, 1):
        y = at * ROW
        parts += _named(row, y)
        parts += _bar(y, width, row.cells[0].value_or_zero / (figure.largest_first or 1), ACCENT, numbers=shown)
        units = [series.unit or figure.unit for series in figure.series[:shown]]
        words = [wording.cell(cell, figure.k, unit) for cell, unit in zip(row.cells[:shown], units, strict=True)]
        parts += _numbers(y, width, words)
    return Markup().join(parts), width, ROW * (len(figure.rows) + 1)


def grid(figure: Figure, wording: Wording, width: int) -> Drawn:
    """Cohorts down, time across: the darker, the more came back; hidden cells are a dot."""
    across = max(1, len(figure.series) - 1)
    side = min(64.0, (width - NAME - NUMBER) / across)
    parts = [_text(NAME + NUMBER - 8, 18, figure.series[0].name, "end", SOFT)]
    for at, series in enumerate(figure.series[1:]):
        parts.append(_text(NAME + NUMBER + (at + 0.5) * side, 18, series.key, "middle", SOFT))
    for place, row in enumerate(figure.drawn_rows, 1):
        y, cohort = place * ROW, row.cells[0]
        parts += _named(row, y)
        parts.append(_text(NAME + NUMBER - 8, y + 18, wording.cell(cohort, figure.k), "end", INK))
        for at, cell in enumerate(row.cells[1:]):
            if cell.state is None:
                continue
            x = NAME + NUMBER + at * side
            if cell.value is None or not cohort.value:
                parts.append(_text(x + side / 2, y + 18, "·", "middle", MID))
                continue
            share = min(1.0, cell.value / cohort.value)
            parts.append(_rect(x + 1, y + 1, side - 2, ROW - 2, ACCENT, opacity=0.06 + 0.94 * share))
            if side >= 30:
                ink = "#ffffff" if share >= FROM_WHITE else INK
                parts.append(_text(x + side / 2, y + 18, wording.percent(share), "middle", ink))
    return Markup().join(parts), width, ROW * (len(figure.drawn_rows) + 1)


def _heads(figure: Figure, width: int, numbers: int) -> list[Markup]:
    names = [series.name for series in figure.series[:numbers]]
    places = [width - NUMBER * (numbers - 1 - at) for at in range(numbers)]
    return [_text(x, 18, name, "end", SOFT) for x, name in zip(places, names, strict=True)]


def _named(row: Row, y: float) -> list[Markup]:
    name = row.name if len(row.name) <= LETTERS else f"{row.name[: LETTERS - 1]}…"
    return [_text(0, y + 18, name, "start", INK)]


def _bar(
    y: float, width: int, share: float, fill: str, *, thin: bool = False, rail: bool = True, numbers: int = 2
) -> list[Markup]:
    whole = width - NAME - NUMBER * numbers - 12
    high, drop = (6, 12) if thin else (12, 9)
    long = round(whole * min(1.0, max(0.0, share)), 1)
    behind = [_rect(NAME, y + drop, whole, high, RAIL)] if rail else []
    return [*behind, _rect(NAME, y + drop, long, high, fill)]


def _numbers(y: float, width: int, words: Sequence[str]) -> list[Markup]:
    places = [width - NUMBER * (len(words) - 1 - at) for at in range(len(words))]
    return [_text(x, y + 18, word, "end", INK) for x, word in zip(places, words, strict=True)]


def _rect(x: float, y: float, width: float, height: float, fill: str, opacity: float = 1.0) -> Markup:
    faded = Markup(' fill-opacity="{}"').format(f"{opacity:.2f}") if opacity < 1 else ""
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" rx="2" fill="{}"{}/>').format(
        f"{x:g}", f"{y:g}", f"{width:g}", f"{height:g}", fill, faded
    )


def _text(x: float, y: float, words: str, anchor: str, fill: str) -> Markup:
    return Markup('<text x="{}" y="{}" font-size="13" text-anchor="{}" fill="{}">{}</text>').format(
        f"{x:g}", f"{y:g}", anchor, fill, words
    )

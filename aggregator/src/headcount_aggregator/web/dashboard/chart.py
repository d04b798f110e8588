"""Charts as SVG, drawn on the server: lines with their intervals, stacked columns, shares, bars.

Nothing in the SVG carries a style: colours and widths are classes in ``hc.css``, so that the strict
Content-Security-Policy holds, and light, dark, print and forced colours are the style sheet's.

Marks lie in a nested viewBox of ``WIDTH`` x ``HEIGHT`` that is stretched to the page's width; the
words lie beside it at percentages, so they keep their size on a phone. Heights are pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from markupsafe import Markup, escape

from headcount_aggregator.web.dashboard.columns import HEIGHT, WIDTH, Part, columns_by_weight, divided, stacked
from headcount_aggregator.web.dashboard.figure import Cell, Figure, Row, Shape, Weight

WIDEST = 180.0
"""A column is no wider, however few there are: it is a mark, not a wall."""
APART, FINE = 9.0, 4.0
"""How wide the place of a column is, at least, for a gap beside it: of one that is divided whole, and of others."""
HEAD = 16.0
LETTER = 6.5
"""How wide a letter at a mark is, at most on the average."""

NARROW, WIDE = 260, 700
"""How wide a chart is, at least: on a phone or beside another one, and where it has the page to itself."""

FOOT = 24.0
TICKS_MOST = 6

Ticks = Callable[[float], str]


def draw(figure: Figure, number: Ticks) -> Markup:
    """The chart of a figure over time; ``number`` writes the axis' numbers for people."""
    match figure.shape:
        case Shape.LINES:
            return lines(figure, number)
        case Shape.STACK:
            return shares(figure, number)
        case _:
            return columns(figure, number)


def lines(figure: Figure, number: Ticks) -> Markup:
    """One line a series. A hidden cell is a gap and a tick at the foot; a provisional stretch is hatched."""
    top = axis_top(figure)
    marks = [_updating(figure), *(_band(figure, index, top) for index in range(len(figure.series)))]
    for index in range(len(figure.series)):
        marks += _line(figure, index, top)
    return _frame(figure, top, [*marks, _hidden_ticks(figure)], number)


def columns(figure: Figure, number: Ticks) -> Markup:
    """One column a row, its series stacked. A provisional part is pale, a hidden cell a tick at the foot.

    Earlier days, which are no part of the stack, are a line across it.
    """
    top = axis_top(figure)
    marks: list[Markup] = []
    slot = WIDTH / max(1, len(figure.rows))
    width = slot if slot < FINE else min(WIDEST, slot * (0.72 if slot > 12 else 0.86))
    sealed: list[Sequence[Part | None]] = []
    for row, entry in enumerate(figure.rows):
        parts = stacked(figure, entry, top)
        sealed.append([None if cell.provisional else part for cell, part in zip(entry.cells, parts, strict=True)])
        for series, cell, part in zip(figure.series, entry.cells, parts, strict=True):
            if part and cell.provisional:
                box = _x(figure, row) - width / 2, part.head, width, part.foot - part.head
                marks += _rect(*box, f"column {series.weight} open"), _rect(*box, "hatch", figure.key)
    for index, series in enumerate(figure.series):
        if series.weight is Weight.BEFORE:
            marks += _line(figure, index, top)
    marks += _whiskers(figure, top)
    return _frame(figure, top, [*_columns(figure, sealed, width), *marks, _hidden_ticks(figure)], number)


def interval_mark(figure: Figure) -> str:
    """As what the intervals of a figure over time are drawn, for its legend; nothing where there are none."""
    if not any(cell.low is not None and cell.high is not None for row in figure.rows for cell in row.cells):
        return ""
    return {Shape.LINES: "band", Shape.COLUMNS: "whisker" if _stands_alone(figure) else ""}.get(figure.shape, "")


def _stands_alone(figure: Figure) -> bool:
    return len([series for series in figure.series if series.weight is not Weight.BEFORE]) == 1


def _whiskers(figure: Figure, top: float) -> Iterable[Markup]:
    """The interval of each column that stands by itself; of a stack's parts the table tells."""
    if not _stands_alone(figure):
        return
    for row, entry in enumerate(figure.rows):
        cell = entry.cells[0]
        if cell.low is not None and cell.high is not None:
            low, high = _y(figure, cell.low, top), _y(figure, cell.high, top)
            yield _path(f"M{_x(figure, row):.1f} {low:.1f}V{high:.1f}", "whisker")


def shares(figure: Figure, number: Ticks) -> Markup:
    """One full column a row that its series divide; a row without a shown part is empty."""
    slot = WIDTH / max(1, len(figure.rows))
    parts = [divided(row) for row in figure.rows]
    marks = _columns(figure, parts, slot - 1 if slot >= APART else slot)
    return _frame(figure, 100.0, [*marks, _hidden_ticks(figure, of_empty=True)], number)


def _columns(figure: Figure, rows: Sequence[Sequence[Part | None]], width: float) -> Iterable[Markup]:
    """The columns of each weight as one mark: a year by day has a thousand, and each mark is asked for its style."""
    found = columns_by_weight(figure.series, rows, width)
    return (_path(path, f"column {weight}") for weight, path in found.items())


def bar(share: float, css: str = "") -> Markup:
    """A bar that fills ``share`` (0 to 1) of its place: the mark of a table's row."""
    width = round(100 * min(1.0, max(0.0, share)), 2)
    return Markup(
        '<svg class="bar {}" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="rail" x="0" y="0" width="100" height="10"/>'
        '<rect class="fill" x="0" y="0" width="{}" height="10"/></svg>'
    ).format(css, f"{width:g}")


def spread(half: float, most: float) -> Markup:
    """A bar to the median and a thin one on to the 95th percentile, both shares (0 to 1) of their place."""
    first, last = (round(100 * min(1.0, max(0.0, share)), 2) for share in (half, most))
    return Markup(
        '<svg class="bar spread" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="rail" x="0" y="0" width="100" height="10"/>'
        '<rect class="reach" x="0" y="3" width="{}" height="4"/>'
        '<rect class="fill" x="0" y="0" width="{}" height="10"/></svg>'
    ).format(f"{last:g}", f"{first:g}")


def axis_top(figure: Figure) -> float:
    """The end of the value axis: a round number that no mark exceeds; axes start at 0."""
    if figure.ceiling is not None:
        return float(figure.ceiling)
    if figure.shape is Shape.COLUMNS:
        most = max((_tallest(figure, row) for row in figure.rows), default=0)
    else:
        most = figure.largest
    if figure.shape in (Shape.LINES, Shape.COLUMNS):
        # Intervals are marks too: cut off at the axis, one would look surer than it is.
        most = max([most, *(cell.high for row in figure.rows for cell in row.cells if cell.high is not None)])
    return steps_to(most / figure.scale)[-1] * figure.scale


def _tallest(figure: Figure, row: Row) -> int:
    """The most a row reaches up to: its stack, or what it is compared with."""
    stacked = before = 0
    for series, cell in zip(figure.series, row.cells, strict=True):
        if series.weight is Weight.BEFORE:
            before = max(before, cell.value or 0)
        else:
            stacked += cell.value or 0
    return max(stacked, before)


def steps_to(most: float) -> Sequence[float]:
    """Round numbers from 0 to at least ``most``, 2 to 5 of them."""
    if most <= 0:
        return (0.0, 1.0)
    magnitude = 10.0 ** (len(str(int(most))) - 1)
    for factor in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0):
        step = max(1.0, magnitude * factor)
        if step == int(step) and step * 4 >= most:
            count = int(-(-most // step))
            return tuple(step * i for i in range(max(1, count) + 1))
    raise AssertionError("magnitude * 5 * 4 is never below a number of that magnitude")


def tick_rows(rows: int) -> range:
    """The rows that get a word on the time axis: at most ``TICKS_MOST``, evenly spread, by weeks where it fits."""
    every = max(1, -(-rows // TICKS_MOST))
    if every > 3:
        every = -(-every // 7) * 7
    return range(0, rows, every)


def _x(figure: Figure, row: int) -> float:
    return (row + 0.5) * WIDTH / max(1, len(figure.rows))


def _y(figure: Figure, value: float, top: float) -> float:
    return HEIGHT * (1 - min(1.0, max(0.0, (value - figure.floor) / (top - figure.floor))))


def _points(figure: Figure, cells: Sequence[Cell], top: float) -> Sequence[tuple[float, float, bool] | None]:
    """Where each cell's value lies, and whether it may still change; ``None`` where none is shown."""
    slot, floor, reach = WIDTH / max(1, len(cells)), figure.floor, top - figure.floor
    return [
        None
        if cell.value is None
        else ((row + 0.5) * slot, HEIGHT * (1 - min(1.0, max(0.0, (cell.value - floor) / reach))), cell.provisional)
        for row, cell in enumerate(cells)
    ]


def _line(figure: Figure, index: int, top: float) -> Iterable[Markup]:
    cells = [row.cells[index] for row in figure.rows]
    for run in _runs(_points(figure, cells, top), cells):
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in run)
        state = f"{' open' if run[-1][2] else ''}{' dot' if len(run) == 1 else ''}"
        # A point alone is a line of no length with round ends: a dot that the stretched box leaves round.
        css = f"line {figure.series[index].weight}{state}"
        yield _path(path + ("h0" if len(run) == 1 else ""), css)


def _band(figure: Figure, index: int, top: float) -> Markup:
    """The intervals of a series as one area a stretch; nothing where numbers have none."""
    found = Markup()
    stretch: list[tuple[float, float, float]] = []
    for row, entry in enumerate([*figure.rows, None]):
        cell = entry.cells[index] if entry else None
        if cell is not None and cell.low is not None and cell.high is not None:
            stretch.append((_x(figure, row), _y(figure, cell.low, top), _y(figure, cell.high, top)))
            continue
        if len(stretch) > 1:
            there = "L".join(f"{x:.1f} {low:.1f}" for x, low, _ in stretch)
            back = "L".join(f"{x:.1f} {high:.1f}" for x, _, high in reversed(stretch))
            found += _path(f"M{there}L{back}Z", f"band {figure.series[index].weight}")
        stretch = []
    return found


def _runs(
    points: Sequence[tuple[float, float, bool] | None], cells: Sequence[Cell]
) -> Iterable[list[tuple[float, float, bool]]]:
    """Unbroken stretches of a line; where sealed meets provisional, the two share their joint."""
    run: list[tuple[float, float, bool]] = []
    for point, cell in zip(points, cells, strict=True):
        if point is None:
            if run:
                yield run
            run = []
            continue
        if run and run[-1][2] != cell.provisional:
            joint = run[-1]
            yield run
            run = [(joint[0], joint[1], cell.provisional)]
        run.append(point)
    if run:
        yield run


def _updating(figure: Figure) -> Markup:
    rows = [row for row, entry in enumerate(figure.rows) if any(cell.provisional for cell in entry.cells)]
    if not rows:
        return Markup()
    slot = WIDTH / len(figure.rows)
    left = rows[0] * slot
    return _rect(left, 0, (rows[-1] + 1) * slot - left, HEIGHT, "hatch", figure.key)


def _hidden_ticks(figure: Figure, *, of_empty: bool = False) -> Markup:
    """A tick at each row that hides something; ``of_empty``: only where nothing is drawn that it would stand on."""
    if not figure.hidden:
        return Markup()
    hiding = [(row, entry.cells) for row, entry in enumerate(figure.rows) if any(cell.hidden for cell in entry.cells)]
    found = [_x(figure, row) for row, cells in hiding if not (of_empty and any(cell.value for cell in cells))]
    return _path("".join(f"M{x:.1f} {HEIGHT:g}v-7" for x in found), "hidden-mark") if found else Markup()


def _path(path: str, css: str) -> Markup:
    return Markup('<path class="{}" d="{}"/>').format(css, path)


def _rect(x: float, y: float, width: float, height: float, css: str, pattern: str = "") -> Markup:
    fill = Markup(' fill="url(#hatch-{})"').format(pattern) if pattern else ""
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"{}/>').format(
        css, f"{x:.1f}", f"{max(0.0, y):.1f}", f"{width:.1f}", f"{height:.1f}", fill
    )


def _frame(figure: Figure, top: float, marks: Iterable[Markup], number: Ticks) -> Markup:
    steps = _steps(figure, top)
    base = 0 if figure.shape is Shape.STACK else figure.floor
    heights = [HEIGHT * (1 - (step - base) / (top - base)) for step in steps]
    grid = Markup().join(_path(f"M0 {y:.1f}H{WIDTH:g}", "foot" if y == HEIGHT else "grid-line") for y in heights)
    labels = Markup().join(
        Markup('<text x="100%" y="{}" text-anchor="end">{}</text>').format(f"{HEAD + y + 4:.1f}", number(step))
        for step, y in zip(steps, heights, strict=True)
    )
    words: list[Markup] = []
    for row in tick_rows(len(figure.rows)):
        x = _x(figure, row) / WIDTH * 100
        anchor = "start" if x < 6 else "end" if x > 94 else "middle"
        at = 0.0 if anchor == "start" else 100.0 if anchor == "end" else x
        words.append(
            Markup('<text class="tick" x="{}%" y="{}" text-anchor="{}">{}</text>').format(
                f"{at:.2f}", f"{HEAD + HEIGHT + 17:g}", anchor, figure.rows[row].tick or figure.rows[row].name
            )
        )
    marks = [*marks, *(_path(f"M{_x(figure, row):.1f} 0V{HEIGHT:g}", "marker") for row, _ in _marked(figure))]
    return Markup(
        '<svg class="steps" width="{gutter}" height="{total}" aria-hidden="true" focusable="false">{labels}</svg>'
        '<svg class="chart" width="100%" height="{total}" role="img" aria-labelledby="{key}-title" '
        'aria-describedby="{key}-sentence" focusable="false"><defs>'
        '<pattern id="hatch-{key}" width="9" height="9" '
        'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch-line" d="M0 0V9"/></pattern>'
        "</defs>"
        '<svg class="plot" x="0" y="{head}" width="100%" height="{height}" viewBox="0 0 {width} {height}" '
        'preserveAspectRatio="none">{grid}{marks}<path class="cursor" d="M0 0V{height}"/></svg>'
        "{words}{flags}</svg>"
    ).format(
        gutter=max(len(number(step)) for step in steps) * 8 + 2,
        labels=labels,
        total=f"{HEAD + HEIGHT + FOOT:g}",
        key=escape(figure.key),
        head=f"{HEAD:g}",
        height=f"{HEIGHT:g}",
        width=f"{WIDTH:g}",
        grid=grid,
        marks=Markup().join(marks),
        words=Markup().join(words),
        flags=_flags(figure),
    )


def _flags(figure: Figure) -> Markup:
    """The words at the marks, as far as they have room: of those that would lie over one another, the first.

    One that has room in a wide place only is of class ``tight``: the style leaves it out in a narrow one.
    """
    found: list[Markup] = []
    ends = {NARROW: -1.0, WIDE: -1.0}
    for row, text in _marked(figure):
        x = _x(figure, row) / WIDTH
        anchor = "end" if row * 8 > 7 * len(figure.rows) else "start" if x < 1 / 16 else "middle"
        roomy = []
        for width in ends:
            wide = (len(text) * LETTER + LETTER) / width
            begin = x - wide * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
            if begin >= ends[width]:
                roomy.append(width)
                ends[width] = begin + wide
        if roomy:
            kind = "flag" if NARROW in roomy else "flag tight"
            found.append(
                Markup('<text class="{}" x="{}%" y="{}" text-anchor="{}">{}</text>').format(
                    kind, f"{x * 100:.2f}", f"{HEAD - 2:g}", anchor, text
                )
            )
    return Markup().join(found)


def _marked(figure: Figure) -> list[tuple[int, str]]:
    """The rows something happened on, in order, and what."""
    at = {entry.key: row for row, entry in enumerate(figure.rows)}
    return sorted((at[marker.row], marker.text) for marker in figure.markers if marker.row in at)


def _steps(figure: Figure, top: float) -> Sequence[float]:
    if figure.shape is Shape.STACK or figure.ceiling is not None:
        base = 0.0 if figure.shape is Shape.STACK else float(figure.floor)
        return tuple(base + (top - base) * i / 4 for i in range(5))
    steps = [step * figure.scale for step in steps_to(top / figure.scale)]
    assert all(low < high for low, high in pairwise(steps))
    return steps if steps[-1] == top else (0.0, top)

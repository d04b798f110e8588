"""Charts: whatever the numbers, every mark lies in its box, and every row has its mark."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace
from xml.etree import ElementTree

from headcount_aggregator.released import State
from headcount_aggregator.web.dashboard.chart import (
    FINE,
    LETTER,
    NARROW,
    TICKS_MOST,
    WIDE,
    axis_top,
    bar,
    draw,
    interval_mark,
    steps_to,
    tick_rows,
)
from headcount_aggregator.web.dashboard.columns import HEIGHT, WIDTH
from headcount_aggregator.web.dashboard.figure import MISSING, Cell, Figure, Marker, Row, Series, Shape, Weight
from hypothesis import given
from hypothesis import strategies as st

WEIGHTS = tuple(Weight)
SVG = "{http://www.w3.org/2000/svg}"

values = st.integers(0, 10**9).map(lambda n: Cell(n, State.SHOWN))
open_values = st.integers(0, 10**6).map(lambda n: Cell(n, State.SHOWN, 10, provisional=True))
cells = (
    values | open_values | st.sampled_from([Cell(state=s) for s in State if s is not State.SHOWN]) | st.just(MISSING)
)


@st.composite
def figures(draw_from: st.DrawFn) -> Figure:
    """A figure over time of any shape and size."""
    count = draw_from(st.integers(1, 3))
    rows = draw_from(st.lists(st.tuples(*[cells] * count), min_size=1, max_size=100))
    return Figure(
        key="k",
        title="<T>",
        sentence="",
        shape=draw_from(st.sampled_from([Shape.LINES, Shape.COLUMNS])),
        head="Day",
        series=tuple(Series(str(n), str(n), WEIGHTS[n]) for n in range(count)),
        rows=tuple(Row(str(n), f"Day {n} & <b>", row) for n, row in enumerate(rows)),
        rule="",
        k=20,
    )


def drawn(figure: Figure) -> ElementTree.Element:
    svg = str(draw(figure, lambda n: f"{n:g}"))
    return ElementTree.fromstring(f'<g xmlns="http://www.w3.org/2000/svg">{svg}</g>')  # noqa: S314 (our own)


def plot(root: ElementTree.Element) -> ElementTree.Element:
    (found,) = (node for node in root.iter(f"{SVG}svg") if node.get("class") == "plot")
    return found


@given(figures(), st.integers(0, 10**6))
def test_an_interval_is_drawn_whole(figure: Figure, margin: int) -> None:
    """The axis reaches to the end of every interval, which would else look surer than it is."""
    rows = tuple(
        replace(row, cells=tuple(with_margin(cell, margin) if cell.value is not None else cell for cell in row.cells))
        for row in figure.rows
    )
    noisy = replace(figure, rows=rows)
    assert all(cell.high <= axis_top(noisy) for row in rows for cell in row.cells if cell.high is not None)


def columns_of(path: ElementTree.Element) -> list[tuple[float, ...]]:
    """The columns that a path draws: left, top, width, height."""
    found = re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-\3z", path.get("d") or "")
    return [tuple(map(float, column)) for column in found]


def level_sides(path: ElementTree.Element) -> list[tuple[float, float, float]]:
    """The level sides of outlines that have only level and upright ones: from where, to where, how far down."""
    found: list[tuple[float, float, float]] = []
    x = y = 0.0
    for command, numbers in re.findall(r"([MHVz])([\d. ]*)", path.get("d") or ""):
        before = x
        if command == "M":
            x, y = map(float, numbers.split())
        elif command == "H":
            x = float(numbers)
            found.append((min(before, x), max(before, x), y))
        elif command == "V":
            y = float(numbers)
    return found


def ticks_of(root: ElementTree.Element) -> int:
    """How many ticks of hidden cells there are."""
    marks = [node.get("d") or "" for node in root.iter(f"{SVG}path") if node.get("class") == "hidden-mark"]
    return sum(len(re.findall("M", mark)) for mark in marks)


def with_margin(cell: Cell, margin: int) -> Cell:
    value = cell.value or 0
    return cell._replace(low=max(0, value - margin), high=value + margin)


@given(figures())
def test_every_mark_lies_in_the_viewbox(figure: Figure) -> None:
    """Coordinates are finite numbers inside the box, for any values, hidden, missing or huge."""
    found = plot(drawn(figure))
    assert found.get("viewBox") == f"0 0 {WIDTH:g} {HEIGHT:g}"
    for node in found.iter(f"{SVG}rect"):
        x, y, width, height = (float(node.get(name) or "nan") for name in ("x", "y", "width", "height"))
        assert -0.05 <= x <= x + width <= WIDTH + 0.15
        assert -0.05 <= y <= y + height <= HEIGHT + 0.15
    for node in found.iter(f"{SVG}path"):
        points = re.findall(r"[ML]([-\d.e+naif]+) ([-\d.e+naif]+)", node.get("d") or "")
        for x_text, y_text in points:
            assert math.isfinite(float(x_text))
            assert 0 <= float(x_text) <= WIDTH
            assert 0 <= float(y_text) <= HEIGHT
        for x, y, width, height in columns_of(node):
            assert x + width <= WIDTH + 0.15
            assert y + height <= HEIGHT + 0.15


@given(figures())
def test_every_row_has_its_mark(figure: Figure) -> None:
    """A shown value is a point or a part of a column, a hidden one a tick; nothing else is drawn."""
    found = plot(drawn(figure))
    classes = [node.get("class") or "" for node in found.iter()]
    hidden_rows = sum(any(cell.hidden for cell in row.cells) for row in figure.rows)
    assert ticks_of(found) == hidden_rows
    shown = [cell for row in figure.rows for cell in row.cells if cell.value is not None]
    if figure.shape is Shape.COLUMNS:
        sealed = [node for node in found.iter(f"{SVG}path") if (node.get("class") or "").startswith("column")]
        pale = [node for node in found.iter(f"{SVG}rect") if (node.get("class") or "").endswith("open")]
        assert sum(len(columns_of(node)) for node in sealed) == sum(not cell.provisional for cell in shown)
        assert len(pale) == classes.count("hatch") == sum(cell.provisional for cell in shown)
    else:
        lines = [
            node.get("d") or "" for node in found.iter(f"{SVG}path") if (node.get("class") or "").startswith("line")
        ]
        # Where a sealed stretch meets an open one, both hold the joint.
        joints = sum(
            a.value is not None and b.value is not None and a.provisional != b.provisional
            for series in range(len(figure.series))
            for a, b in zip(
                [row.cells[series] for row in figure.rows], [row.cells[series] for row in figure.rows][1:], strict=False
            )
        )
        assert sum(len(re.findall("[ML]", line)) for line in lines) == len(shown) + joints


@given(figures())
def test_a_chart_carries_no_style_and_no_script(figure: Figure) -> None:
    """What the strict policy forbids is not in it, and names are escaped."""
    svg = str(draw(figure, str))
    assert "style" not in svg
    assert "<script" not in svg
    assert "<b>" not in svg
    assert not re.search(r"\son\w+=", svg)


@given(st.integers(0, 10**15))
def test_axes_have_few_round_steps(most: int) -> None:
    """An axis starts at 0, ends at or above the largest value, and has 2 to 5 even steps, whole ones."""
    steps = steps_to(most)
    assert steps[0] == 0
    assert most <= steps[-1] <= max(1, 2 * most)
    assert 2 <= len(steps) <= 5
    assert len({b - a for a, b in itertools.pairwise(steps)}) == 1
    assert all(step == int(step) for step in steps)


@given(figures())
def test_an_axis_is_never_too_short(figure: Figure) -> None:
    """The axis ends at or above every mark; stacked columns are measured as a stack."""
    tops = [sum(c.value or 0 for c in row.cells) for row in figure.rows]
    assert axis_top(figure) >= (max(tops) if figure.shape is Shape.COLUMNS else figure.largest)


@given(st.integers(1, 1000))
def test_few_rows_get_a_word(rows: int) -> None:
    """The time axis stays readable: at most six words, the first row among them."""
    found = tick_rows(rows)
    assert 1 <= len(found) <= TICKS_MOST
    assert found[0] == 0


@given(st.floats(-1, 2))
def test_a_bar_stays_on_its_rail(share: float) -> None:
    """A bar is 0 to 100 wide."""
    (width,) = re.findall(r'class="fill" x="0" y="0" width="([^"]+)"', str(bar(share)))
    assert 0 <= float(width) <= 100


def test_a_column_that_is_hidden_whole_is_a_tick() -> None:
    """Of shares, a row that shows nothing of what it hides has a tick; one that shows a part of it is a column."""
    hidden, part = Cell(state=State.FEWER_THAN_K), Cell(30, State.SHOWN)
    rows = [(hidden, hidden), (part, hidden), (MISSING, MISSING)]
    figure = Figure(
        key="k",
        title="T",
        sentence="",
        shape=Shape.STACK,
        head="Day",
        series=(Series("a", "a", WEIGHTS[0]), Series("b", "b", WEIGHTS[1])),
        rows=tuple(Row(str(n), f"Day {n}", row) for n, row in enumerate(rows)),
        rule="",
        k=20,
    )
    found = plot(drawn(figure))
    assert ticks_of(found) == 1
    assert [len(columns_of(node)) for node in found if (node.get("class") or "").startswith("column")] == [1]


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6), st.sampled_from([Shape.STACK, Shape.COLUMNS]))
def test_columns_without_a_gap_are_outlines(some: list[tuple[Cell, Cell]], shape: Shape) -> None:
    """Where columns are too fine for a gap an outline has in each row's place the head and the foot of its column."""
    rows = some * (int(WIDTH / FINE) // len(some) + 1)
    whole = Figure(
        key="k",
        title="T",
        sentence="",
        shape=shape,
        head="Day",
        series=(Series("a", "a", Weight.STRONG), Series("b", "b", Weight.PLAIN)),
        rows=tuple(Row(str(n), str(n), row) for n, row in enumerate(rows)),
        rule="",
        k=20,
    )
    found = {node.get("class"): level_sides(node) for node in plot(drawn(whole)).iter(f"{SVG}path")}
    for row in (*range(len(some)), *range(len(rows) - len(some), len(rows))):
        lower, upper = rows[row]
        full = sum(cell.value or 0 for cell in (lower, upper)) if shape is Shape.STACK else axis_top(whole)
        foot = HEIGHT
        for weight, cell in (("strong", lower), ("plain", upper)):
            head = foot - (HEIGHT * cell.value / full if cell.value else 0)
            x = (row + 0.5) * WIDTH / len(rows)
            reached = sorted(y for begin, end, y in found.get(f"column {weight}", []) if begin < x < end)
            if cell.value and not (cell.provisional and shape is Shape.COLUMNS):
                assert len(reached) == 2
                assert all(abs(one - other) < 0.06 for one, other in zip(reached, (max(0, head), foot), strict=True))
            else:
                assert not reached or reached[0] == reached[1]
            foot = head


@given(figures(), st.lists(st.tuples(st.integers(0, 99), st.text("abc ", min_size=1, max_size=18)), max_size=12))
def test_words_at_marks_do_not_lie_over_one_another(figure: Figure, marked: list[tuple[int, str]]) -> None:
    """Every mark has its line; of words that would touch, the first stand, more of them where there is more room."""
    markers = tuple(Marker(str(row), text) for row, text in marked)
    root = drawn(replace(figure, markers=markers))
    there = [(row, text) for row, text in marked if row < len(figure.rows)]
    assert len([path for path in root.iter(f"{SVG}path") if path.get("class") == "marker"]) == len(there)
    flags = [text for text in root.iter(f"{SVG}text") if "flag" in text.get("class", "")]
    assert bool(flags) == bool(there)
    for width in (NARROW, WIDE):
        shown = [flag for flag in flags if width == WIDE or flag.get("class") == "flag"]
        spans = sorted(_span_of(flag, width) for flag in shown)
        assert all(before[1] <= after[0] + 0.1 for before, after in itertools.pairwise(spans)), spans


def _span_of(flag: ElementTree.Element, width: int) -> tuple[float, float]:
    x = float(flag.get("x", "").rstrip("%")) / 100 * width
    wide = len(flag.text or "") * LETTER
    begin = x - wide * {"start": 0.0, "middle": 0.5, "end": 1.0}[flag.get("text-anchor", "")]
    return begin, begin + wide


@given(figures(), st.lists(st.integers(0, 1000), max_size=100))
def test_the_marks_of_intervals_are_in_the_legend(figure: Figure, margins: list[int]) -> None:
    """What is drawn for an interval, a whisker or a band, is what the legend names; and it names nothing else."""
    assert not interval_mark(figure)
    rows = [
        replace(row, cells=tuple(_with_margin(cell, margin) for cell in row.cells))
        for row, margin in itertools.zip_longest(figure.rows, margins[: len(figure.rows)], fillvalue=7)
        if isinstance(row, Row)
    ]
    unsure = replace(figure, rows=tuple(rows))
    marks = {"band", "whisker"} & {word for mark in drawn(unsure).iter() for word in mark.get("class", "").split()}
    assert marks <= {interval_mark(unsure)}
    if figure.shape is Shape.COLUMNS:
        assert marks == ({interval_mark(unsure)} - {""})


def _with_margin(cell: Cell, margin: int) -> Cell:
    return cell if cell.value is None else cell._replace(low=max(0, cell.value - margin), high=cell.value + margin)

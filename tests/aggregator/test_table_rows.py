"""Tables: what each cell says, and that no name is taken for markup."""

from __future__ import annotations

import re

from headcount_aggregator.released import State
from headcount_aggregator.web.dashboard.figure import Cell, Figure, Link, Place, Row, Series, Shape
from headcount_aggregator.web.dashboard.table_rows import grid_rows, table_rows
from headcount_aggregator.web.dashboard.wording import Wording

SERIES = (Series("half", "Half", unit="ms"), Series("share", "Share", unit="%"))


def test_a_cell_says_what_is_the_matter_with_it_and_with_no_other_one() -> None:
    """Cells of one number differ by their unit, their interval, the days left out of them, and being open."""
    rows = [
        Row("a", "A", (Cell(40), Cell(40))),
        Row("b", "B", (Cell(40, low=30, high=50), Cell(40, left_out=1))),
        Row("c", "C", (Cell(40, provisional=True), Cell(40, left_out=2))),
        Row("d", "D", (Cell(), Cell(state=State.FEWER_THAN_K))),
        Row("e", "E", (Cell(state=State.COMPLEMENT), Cell(state=State.FEWER_THAN_K))),
    ]
    figure = _figure(rows, wider={Place("e", "share"): Link("/c/c1/meet/overview?by=week", "see it by week")})
    lines = str(table_rows(Wording(), figure)).split("</tr>")[:-1]
    written = [line.split("</th>")[1] for line in lines]
    assert [[re.sub(r"<[^>]+>", "", cell) for cell in line.split("</td>")[:-1]] for line in written] == [
        ["40\N{NO-BREAK SPACE}ms", "40%"],
        ["40\N{NO-BREAK SPACE}ms ± 10\N{NO-BREAK SPACE}ms", "40% 1 day not in it"],
        ["40\N{NO-BREAK SPACE}ms updating", "40% 2 days not in it"],
        ["–", "fewer than 20 people"],  # noqa: RUF001  # an en dash, as the page has it
        ["hidden to protect a few others", "fewer than 20 people see it by week"],
    ]
    assert [line.startswith('<tr class="open">') for line in lines] == [False, False, True, False, False]


def test_no_name_is_markup() -> None:
    """A row's name, and where a number is shown, are text: a version called <b> does not write into the page."""
    row = Row("<i>", "<b>& 1", (Cell(state=State.FEWER_THAN_K), Cell(1)))
    link = Link('/?a="b"&c=<d>', "see <it>")
    written = str(table_rows(Wording(), _figure([row], wider={Place("<i>", "half"): link})))
    assert '<th scope="row">&lt;b&gt;&amp; 1</th>' in written
    assert '<a href="/?a=&#34;b&#34;&amp;c=&lt;d&gt;">see &lt;it&gt;</a>' in written


def test_hidden_cells_side_by_side_are_one_cell() -> None:
    """Cells of a grid that say the same words are one over their columns; no column is lost, no share is merged."""
    back = Cell(30, State.SHOWN)
    few, none, low = Cell(state=State.FEWER_THAN_K), Cell(), Cell(state=State.FEW_ON_A_SIDE)
    rows = [
        Row("a", "A", (Cell(100), few, few, back, back, low, few)),
        Row("b", "B", (few, few, few, back, few, none, none)),
        Row("c", "C", (Cell(100), Cell(0, State.SHOWN), Cell(100, State.SHOWN), few, none, none, none)),
    ]
    written = str(grid_rows(Wording(), _figure(rows, wider={}))).split("</tr>")[:-1]
    cells = [
        re.findall(r'<td(?: class="(\w+)")?(?: colspan="(\d)")?>(?:<span class="sr">)?([^<]*)', line)
        for line in written
    ]
    few_words, of_few = "fewer than 20 people", "fewer than 20 people in it, or fewer than 20 not in it"
    assert cells == [
        [
            ("cohort", "", "100"),
            ("hid", "2", few_words),
            ("g3", "", "30%"),
            ("g3", "", "30%"),
            ("hid", "", "too few in it, or not in it"),
            ("hid", "", few_words),
        ],
        [
            ("cohort", "", few_words),
            ("hid", "2", few_words),
            ("hid", "", of_few),
            ("hid", "", few_words),
            ("", "2", ""),
        ],
        [("cohort", "", "100"), ("g0", "", "0%"), ("g10", "", "100%"), ("hid", "", few_words), ("", "3", "")],
    ]
    for row, line in zip(rows, cells, strict=True):
        assert sum(int(over or 1) for _, over, _ in line) == len(row.cells)


def _figure(rows: list[Row], wider: dict[Place, Link]) -> Figure:
    return Figure("f", "F", "", Shape.LINES, "Day", SERIES, tuple(rows), "", 20, wider=wider)

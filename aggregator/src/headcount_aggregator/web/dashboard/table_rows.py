"""The rows of a figure's table, written in place: thousands of cells a page, each too dear for a template's macro.

A cell of which there is nothing to say but its number is that number; any other says what is the matter with it.
"""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup, escape

from headcount_aggregator.web.dashboard.figure import Cell, Figure, Link
from headcount_aggregator.web.dashboard.wording import Wording


def table_rows(wording: Wording, figure: Figure) -> Markup:
    """Every row of a figure over time; one that begins with an open day is marked as such."""
    units = [series.unit or figure.unit for series in figure.series]
    known: dict[tuple[object, ...], str] = {}  # numbers are rounded, so that most cells say what another one said
    written: list[str] = []
    for row in figure.rows:
        opened = '<tr class="open">' if row.cells[0].provisional else "<tr>"
        written.append(f'{opened}<th scope="row">{escape(row.name)}</th>')
        for series, unit, cell in zip(figure.series, units, row.cells, strict=True):
            link = figure.link_at(row, series) if cell.value is None else None
            about = cell, unit, link
            said = known.get(about)
            if said is None:
                number = escape(wording.cell(cell, figure.k, unit)) if cell.plain else ""
                said = known[about] = f"<td>{number or cell_words(wording, cell, figure, unit, link)}</td>"
            written.append(said)
        written.append("</tr>")
    return Markup("".join(written))  # noqa: S704  # each part is escaped


def grid_rows(wording: Wording, figure: Figure) -> Markup:
    """Every row that is drawn of a grid of cohorts; cells side by side that show no number and say the same are one."""
    written: list[str] = []
    for row in figure.drawn_rows:
        cohort, *later = row.cells
        size = escape(wording.cell(cohort, figure.k))
        if cohort.hidden:
            size = Markup('<span class="sr">{}</span><span aria-hidden="true">·</span>').format(size)
        written.append(f'<tr><th scope="row">{escape(row.name)}</th><td class="cohort">{size}</td>')
        why = [_why_not(wording, figure, cell, cohort) for cell in later]
        at = 0
        for words, run in groupby(why):
            columns = len(list(run))
            if words is None:
                written += (_share(wording, cell, cohort) for cell in later[at : at + columns])
            else:
                written.append(_not_shown(words, columns))
            at += columns
        written.append("</tr>")
    return Markup("".join(written))  # noqa: S704  # each part is escaped


def _why_not(wording: Wording, figure: Figure, cell: Cell, cohort: Cell) -> str | None:
    """Why a cell of a grid shows no share: no word where no number was released, ``None`` where it shows one."""
    if cell.state is None:
        return ""
    if cell.hidden:
        return wording.cell(cell, figure.k)
    return None if cohort.value else wording.why_hidden(figure)


def _share(wording: Wording, cell: Cell, cohort: Cell) -> str:
    """A cell of a grid that shows its share, in a tone for each tenth."""
    tone = min(10 * cell.value_or_zero // cohort.value_or_zero, 10)
    return f'<td class="g{tone}">{escape(wording.share_of(cell, cohort))}</td>'


def _not_shown(words: str, columns: int) -> str:
    """One cell over so many columns that show no share: one each would take as long as any to lay out, and to hear."""
    css, over = ' class="hid"' if words else "", f' colspan="{columns}"' if columns > 1 else ""
    return f"<td{css}{over}>{escape(words)}</td>"


def cell_words(wording: Wording, cell: Cell, figure: Figure, unit: str = "", link: Link | None = None) -> Markup:
    """A cell in words, with what there is to say of it; of a hidden one, where its number is shown."""
    css = "v hidden-words" if cell.hidden else "v none" if cell.state is None else "v"
    said = [f'<span class="{css}">{escape(wording.cell(cell, figure.k, unit or figure.unit))}']
    if cell.provisional:
        said.append(f" <em>{escape(wording.say('updating'))}</em>")
    if cell.left_out and cell.value is not None:
        days = wording.plural("{n} day not in it", "{n} days not in it", cell.left_out)
        said.append(f" <em>{escape(days)}</em>")
    said.append("</span>")
    if cell.hidden and link:
        said.append(f' <a href="{escape(link.href)}">{escape(link.text)}</a>')
    return Markup("".join(said))  # noqa: S704  # each part is escaped

"""The rows of a table of which there is nothing to say but their numbers: thousands, so they are written in place."""

from __future__ import annotations

from markupsafe import Markup, escape

from headcount_aggregator.web.dashboard.figure import Figure, Row
from headcount_aggregator.web.dashboard.wording import Wording


def plain_cells(wording: Wording, figure: Figure, row: Row) -> Markup:
    """The cells of a row; nothing where one of them is hidden, missing, updating or in part."""
    if not all(cell.plain for cell in row.cells):
        return Markup()
    said = (
        escape(wording.cell(cell, figure.k, series.unit or figure.unit))
        for series, cell in zip(figure.series, row.cells, strict=True)
    )
    return Markup("".join(f"<td>{words}</td>" for words in said))  # noqa: S704  # each is escaped

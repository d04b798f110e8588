"""Notes on a page: a mark on every chart over time where something happened, and its words beneath."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from headcount_wire import days

from headcount_aggregator.web.dashboard.figure import Figure, Link, Marker, Shape
from headcount_aggregator.web.dashboard.view import Page, View
from headcount_aggregator.web.desk import Note, SavedView

FLAG_LETTERS = 18
"""So much of a note stands at its mark; all of it stands beneath the chart."""

_BEGINS_WITH_A_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def noted(page: Page, notes: Sequence[Note], view: View) -> Page:
    """A page whose charts over time show the notes of its days."""
    if not notes:
        return page
    sections = tuple(
        replace(section, figures=tuple(_noted(figure, notes, view) for figure in section.figures))
        for section in page.sections
    )
    return replace(page, sections=sections)


def saved_views(view: View, saved: Sequence[SavedView]) -> list[Link]:
    """The addresses of saved views, each of this Customer's app."""
    place = f"/c/{view.subject.customer.name}/{view.subject.app.name}"
    return [Link(f"{place}/{one.page}" + (f"?{one.state}" if one.state else ""), one.name) for one in saved]


def _noted(figure: Figure, notes: Sequence[Note], view: View) -> Figure:
    if figure.shape not in (Shape.LINES, Shape.COLUMNS, Shape.STACK) or not figure.rows:
        return figure
    keys = [row.key for row in figure.rows]
    if not all(_BEGINS_WITH_A_DAY.match(key) for key in keys):
        return figure  # its rows are not days of the calendar: a curve of those who came back, by how much later
    found: list[Marker] = []
    words: list[str] = []
    for note in notes:
        place = bisect_right(keys, days.text(note.day)) - 1
        if place >= 0:
            text = note.text if len(note.text) <= FLAG_LETTERS else f"{note.text[: FLAG_LETTERS - 1]}…"
            found.append(Marker(keys[place], text))
            words.append(f"{view.wording.day_short(note.day)}: {note.text}.".replace("..", "."))
    return replace(figure, markers=(*figure.markers, *found), notes=(*figure.notes, *words))

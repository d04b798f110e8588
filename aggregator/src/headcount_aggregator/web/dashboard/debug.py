"""Debug: what developers' own keys reported in the last day, kept apart from everybody's numbers."""

from __future__ import annotations

from headcount_aggregator.web.dashboard.figure import Figure, Row, Series, Shape, Weight, cell_of
from headcount_aggregator.web.dashboard.view import Page, Section, View
from headcount_aggregator.web.vocabulary import breakdown_of


async def debug(view: View) -> Page:
    """Build the page: a watermarked table, threshold 1."""
    say, vocabulary = view.wording.say, view.vocabulary
    rows: list[Row] = []
    for number in await view.released.debug(*view.subject.codes):
        cut = breakdown_of(number.breakdown)
        values = " / ".join(value for value in (number.value1, number.value2) if value)
        parts = (
            vocabulary.measure_name(number.measure),
            vocabulary.label_name(number.measure, number.label),
            f"{cut.name}: {values}" if cut else "",
            number.statistic.value.replace("_", " "),
            view.wording.period(number.period, number.first, number.last),
        )
        name = ", ".join(part for part in parts if part)
        rows.append(Row(name, name, (cell_of(number),)))
    figure = Figure(
        key="debug",
        title=say("The last day of debug keys"),
        sentence=say("Shown from one device up, and forgotten after a day."),
        shape=Shape.TABLE,
        head=say("Number"),
        series=(Series("value", say("Value"), Weight.STRONG),),
        rows=tuple(rows),
        rule=say("At least 1 device: these are developers' own devices."),
        k=1,
        empty=say(
            "No debug key has reported in the last day. Give your development build an hc_debug_ key, open it, and its "
            "counts stand here."
        ),
    )
    headline = say("What developers' own devices report")
    return Page(headline, (Section("", (figure,)),), grains=(), ranged=False)

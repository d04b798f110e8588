"""The switches of a page: which days, by which period, in which window, compared with what. Each choice is a link."""

from __future__ import annotations

from dataclasses import dataclass

from headcount_aggregator.web.dashboard.compare import named_choices, said_before
from headcount_aggregator.web.dashboard.span import GRAINS, WINDOWS, Compare
from headcount_aggregator.web.dashboard.view import STATE, Page, View

Choice = tuple[str, str, bool]
"""An address, its words, and whether it is in force."""

LONG_GRAINS, LONG_DAYS = ("quarter", "year"), 180
"""Quarters and years are offered where some can lie in the days."""

DAYS_OF_ONES_OWN = ("range", "from", "to")


@dataclass(frozen=True, slots=True)
class Toolbar:
    """What can be chosen; ``kept`` is the state that the form of days takes along."""

    ranges: tuple[Choice, ...]
    wholes: tuple[Choice, ...]
    grains: tuple[Choice, ...]
    windows: tuple[Choice, ...]
    compares: tuple[Choice, ...]
    kept: tuple[tuple[str, str], ...]
    before: str


def toolbar_of(view: View, page: Page) -> Toolbar:
    """The switches of a page in the state of its address."""
    say, span = view.wording.say, view.span
    ranges = (("28", say("28 days")), ("90", say("90 days")), ("365", say("A year")), ("month", say("Last month")))
    wholes = (("week", say("Last week")), ("quarter", say("Last quarter")), ("year", say("Last year")))
    long = span.length > LONG_DAYS
    grains = [
        (name, kind)
        for name, kind in GRAINS.items()
        if name in page.grains and (long or name not in LONG_GRAINS or kind is span.by)
    ]
    return Toolbar(
        tuple((view.link(range=name), text, span.preset == name) for name, text in ranges),
        tuple((view.link(range=name), text, span.preset == name) for name, text in wholes),
        tuple((view.link(by=name), view.wording.by(kind), view.by == name) for name, kind in grains),
        tuple((view.link(window=name), say("{n} days", n=name), span.window is kind) for name, kind in WINDOWS.items()),
        tuple((view.link(compare=name), text, span.compare == name) for name, text in named_choices(view)),
        tuple((name, view.query[name]) for name in STATE if name not in DAYS_OF_ONES_OWN and view.query.get(name)),
        said_before(view) if span.compare is not Compare.NOTHING else "",
    )

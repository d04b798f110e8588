"""The demo says how far it is, and simulates people whose retention can be shown."""

from __future__ import annotations

import inspect
import io
from collections import defaultdict

from headcount.demo.ground import CUSTOMERS
from headcount.demo.population import DEVICES, SPAN, people, use_of
from headcount.demo.progress import progress_of
from headcount_wire import days
from rich.console import Console

from headcount import command

FIRST = days.parse("2026-10-13")
K = 20


def test_a_pipe_gets_plain_lines() -> None:
    """Without a terminal each tenth of the days is one whole line, at once, the last one included."""
    text = io.StringIO()
    with progress_of(Console(file=text), 42) as step:
        for day in range(42):
            step(day * 1000)
            lines = text.getvalue().splitlines()
            assert len(lines) == (day + 1) // 4 + (day == 41)
    assert lines[0] == "day 4 of 42: 3,000 reports on disk"
    assert lines[-1] == "day 42 of 42: 41,000 reports on disk"
    assert "\x1b" not in text.getvalue()


def test_retention_is_more_than_hidden_cells() -> None:
    """The first Customer has several weeks of newcomers of whom 20 or more come back, and 20 or more do not."""
    first_week: dict[int, set[int]] = defaultdict(set)
    active: dict[int, set[int]] = {}
    for person in people(DEVICES, SPAN, CUSTOMERS, seed=1):
        weeks = [days.week_start(FIRST + day) for day in range(SPAN) if use_of(person, day, FIRST, 1) is not None]
        if person.customer == CUSTOMERS[0][0] and person.consents() and weeks:
            first_week[min(weeks)].add(person.number)
            active[person.number] = set(weeks)
    shown = 0
    for week, cohort in first_week.items():
        for later in range(week + 7, days.week_start(FIRST + SPAN), 7):
            back = sum(later in active[number] for number in cohort)
            shown += back >= K and len(cohort) - back >= K
    assert shown >= 8


def test_the_usual_size_is_that_of_the_command() -> None:
    """The command's defaults are the size whose pages are looked at here."""
    defaults = inspect.signature(command.demo).parameters
    assert (defaults["devices"].default, defaults["days"].default) == (DEVICES, SPAN)

"""Funnels on the device: how far attempts came, kept as one small state and told as one number a day. Pure.

An attempt begins with the first step, when none is under way; a later step moves it on if it waits for that
step and its window is not over. Of all attempts begun on a local day only the furthest step is told, once the
day is over and none of its attempts is under way any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from headcount_wire.catalog import Catalog, Measure
from headcount_wire.facts import WHOLE
from headcount_wire.record import Record, made

from headcount_sdk.markers import Context


class Attempt(Record):
    """Attempts begun on one local day: ``begun`` is the last one's first minute, ``open`` whether it is under way.

    ``reached``: how many steps the last one has taken. ``furthest``: the most any took. ``context``: the first one's.
    """

    context: Context
    begun: int
    reached: int = 1
    furthest: int = 1
    open: bool = True


class Progress(Record):
    """One funnel's attempts by the local day they began on, until they are told."""

    days: dict[int, Attempt] = made(factory=dict)


Funnels = dict[int, Progress]
"""Progress by the funnel's code."""


def steps_of(catalog: Catalog) -> dict[int, tuple[tuple[Measure, int, int], ...]]:
    """For each measure that is a step: the funnels, which step it is (1 for the first), and under which label."""
    found: dict[int, list[tuple[Measure, int, int]]] = {}
    for funnel in catalog.measures.values():
        for number, step in enumerate(funnel.steps, 1):
            found.setdefault(step.measure, []).append((funnel, number, step.label))
    # The latest step first: one recording takes one step, also where two steps are the same measure.
    return {code: tuple(sorted(steps, key=lambda step: -step[1])) for code, steps in found.items()}


def taken(steps: Iterable[tuple[Measure, int, int]], label: int) -> Iterator[tuple[Measure, int]]:
    """The funnels and steps that one recording under a label may take."""
    for funnel, number, wanted in steps:
        if wanted in (WHOLE, label):
            yield funnel, number


def advances(funnels: Funnels, funnel: Measure, step: int, minute: int) -> bool:
    """Whether a step changes anything."""
    attempt = _under_way(funnels, funnel, minute)
    return step == 1 if attempt is None else attempt.reached == step - 1


def advance(funnels: Funnels, funnel: Measure, step: int, minute: int, day: int, context: Context) -> None:
    """Take a step that ``advances`` said yes to."""
    attempt = _under_way(funnels, funnel, minute)
    if attempt is not None:
        attempt.reached = step
        attempt.furthest = max(attempt.furthest, step)
        attempt.open = step < len(funnel.steps)
        return
    progress = funnels.setdefault(funnel.code, Progress())
    again = progress.days.get(day)
    if again is None:
        progress.days[day] = Attempt(context, minute)
    else:
        again.begun, again.reached, again.open = minute, 1, True


def ended(funnels: Funnels, catalog: Catalog, minute: int, today: int) -> bool:
    """Whether some day's attempts are over and not told yet."""
    return any(
        _is_over(attempt, catalog.by_code.get(code), minute) and day < today
        for code, progress in funnels.items()
        for day, attempt in progress.days.items()
    )


def take_ended(funnels: Funnels, catalog: Catalog, minute: int, today: int) -> Iterator[tuple[Measure, int, Attempt]]:
    """Remove and return the days whose attempts are over: the funnel, the day, and how far they came."""
    for code in list(funnels):
        funnel, days = catalog.by_code.get(code), funnels[code].days
        for day in sorted(days):
            if day < today and _is_over(days[day], funnel, minute):
                attempt = days.pop(day)
                if funnel is not None:
                    yield funnel, day, attempt
        if not days:
            del funnels[code]


def forget(funnels: Funnels, gone: Callable[[int], bool], fields: Iterable[str]) -> None:
    """Erase the funnels for whose code ``gone`` says so, and of the others these context fields."""
    for code in [code for code in funnels if gone(code)]:
        del funnels[code]
    erased = frozenset(fields)
    for progress in funnels.values():
        for attempt in progress.days.values():
            attempt.context = tuple(pair for pair in attempt.context if pair[0] not in erased)


def _under_way(funnels: Funnels, funnel: Measure, minute: int) -> Attempt | None:
    progress = funnels.get(funnel.code)
    attempts = progress.days.values() if progress else ()
    return next((attempt for attempt in attempts if not _is_over(attempt, funnel, minute)), None)


def _is_over(attempt: Attempt, funnel: Measure | None, minute: int) -> bool:
    """Whether no step can move the attempt on; a clock set back does not keep it open for ever."""
    if funnel is None or not attempt.open:
        return True
    return not attempt.begun <= minute <= attempt.begun + funnel.window_minutes

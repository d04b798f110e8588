"""From held days to one sealed report, and what its fate changes. Pure.

A report takes the longest run of held parts, oldest day first, that share one context. Its gap,
age and first-in-period facts are made here, relative to what the server has acknowledged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from headcount_wire import limits
from headcount_wire.catalog import Catalog
from headcount_wire.report import Report, ReportDay, Tally

from headcount_sdk.markers import Markers, active_facts, gap_fact
from headcount_sdk.state import Sealed, State
from headcount_sdk.tallies import Day, Part

SDK_NAME = "python/0.1.0"


def take(state: State, open_day: int | None, oldest: int, most: int = limits.DAYS_PER_REPORT) -> list[tuple[int, Part]]:
    """Remove and return the parts of the next report, in day order; empty when nothing is due.

    Days from ``oldest`` on are sendable; ``open_day`` is left alone (``None``: it goes too).
    ``most`` bounds the days, as after a 413.
    """
    taken: list[tuple[int, Part]] = []
    size = 0
    for day in sorted(state.days):
        held = state.days[day]
        if day == open_day:
            break
        if day < oldest:
            continue
        while held.parts:
            part = held.parts[0]
            lines = len(part.sums) + 8 * len(part.touched)
            full = len({d for d, _ in taken} | {day}) > most or size + lines > limits.TALLIES_PER_REPORT
            if taken and (part.context != taken[0][1].context or full):
                return taken
            held.parts.pop(0)
            if not part.empty:
                taken.append((day, part))
                size += lines
    return taken


def report_of(
    taken: list[tuple[int, Part]],
    markers: Markers,
    catalog: Catalog,
    purposes: Mapping[str, int],
    policy: int,
    created: int,
) -> Report:
    """The report for some parts; ``markers`` is read as it will be when the report arrives."""
    ahead = markers.copy()
    lines: dict[int, list[Tally]] = {}
    for day, part in taken:
        found = lines.setdefault(day, [])
        for measure in part.touched:
            is_active = catalog.active is not None and measure == catalog.active.code
            found += active_facts(ahead, measure, day) if is_active else [gap_fact(ahead, measure, day)]
            ahead.advance(measure, day)
        found += [Tally(*key, n) for key, n in part.sums.items()]
    context = dict(taken[0][1].context)
    origin = dict(markers.origin)
    return Report(
        sdk=SDK_NAME,
        catalog=catalog.version,
        policy=policy,
        created=created,
        purposes=dict(purposes),
        days=tuple(ReportDay(day, tuple(sorted(found))) for day, found in sorted(lines.items())),
        context=context,
        origin=origin if markers.first_use is not None and origin != context else None,
    )


def advance(markers: Markers, sealed: Sealed, refused: Collection[int] = ()) -> None:
    """The server has the report: its measures' markers move, those of refused measures stay."""
    for day, part in sealed.days:
        for measure in part.touched:
            if measure not in refused:
                markers.advance(measure, day)


def give_back(state: State, sealed: Sealed) -> None:
    """A report that was never sent is undone: its parts are held again, in front."""
    for day, part in reversed(sealed.days):
        held = state.days.get(day)
        if held is not None:
            held.parts.insert(0, part)
        else:
            state.days[day] = Day([part])


def forget_sent_days(state: State, today: int) -> None:
    """Drop days of which nothing is left to send and nothing can be added any more."""
    under_way = {day for day, _ in state.sealed.days} if state.sealed else set[int]()
    for day in [day for day, held in state.days.items() if day < today and not held.parts and day not in under_way]:
        del state.days[day]

"""From held days to one sealed report. Pure; ``state.py`` has what its fate changes.

A report takes the longest run of held parts, oldest day first, that share one context. Its gap,
age and first-in-period facts are made here, relative to what the server has acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from headcount_wire import limits
from headcount_wire.catalog import Catalog
from headcount_wire.facts import WHOLE, Fact
from headcount_wire.report import Report, ReportDay, Tally

from headcount_sdk.ages import active_facts, gap_fact
from headcount_sdk.markers import Markers
from headcount_sdk.state import SDK_NAME, State
from headcount_sdk.tallies import Part


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One tally about to be sealed into a report, in words: what ``before_send`` is asked about.

    ``day``: the local day, days since 1970. ``label``: the label's value, empty for the measure as a whole.
    A gap stands for all that follows from it: the measure's age and first-in-period facts go with it.
    """

    day: int
    measure: str
    label: str
    fact: str
    slot: int
    n: int


BeforeSend = Callable[[Outgoing], bool]
"""Says whether a tally may go out. It can only remove."""


@dataclass(frozen=True, slots=True)
class Most:
    """How large a report may be; halved after a 413."""

    days: int = limits.DAYS_PER_REPORT
    lines: int = limits.TALLIES_PER_REPORT

    def half_of(self, days: int, lines: int) -> Most:
        """Half of what was too large: fewer days, or of one day fewer tallies."""
        return Most(days // 2, self.lines) if days > 1 else Most(1, max(LINES_OF_A_DAY, lines // 2))


LINES_OF_A_DAY = 16
"""As many tallies as what follows from an active day needs, at least."""


def lines_of(part: Part) -> int:
    """How many tallies a part can make."""
    return len(part.sums) + 8 * len(part.touched)


def take(state: State, open_day: int | None, oldest: int, most: Most) -> list[tuple[int, Part]]:
    """Remove and return the parts of the next report, in day order; empty when nothing is due.

    Days from ``oldest`` on are sendable; ``open_day`` is left alone (``None``: it goes too). A part that is too
    large by itself is divided: its counts are deltas, and each once-a-day fact is in one piece only.
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
            lines = lines_of(part)
            full = len({d for d, _ in taken} | {day}) > most.days or size + lines > most.lines
            if taken and (part.context != taken[0][1].context or full):
                return taken
            held.parts.pop(0)
            if lines > most.lines:
                part, rest = _divided(part, most.lines)
                held.parts.insert(0, rest)
                lines = lines_of(part)
            if not part.empty:
                taken.append((day, part))
                size += lines
    return taken


def _divided(part: Part, lines: int) -> tuple[Part, Part]:
    """A piece of at most so many tallies, and the rest."""
    touched = part.touched[: lines // 8]
    keys = sorted(part.sums)
    room = max(0, lines - 8 * len(touched))
    first = Part(part.context, {key: part.sums[key] for key in keys[:room]}, touched)
    rest = Part(part.context, {key: part.sums[key] for key in keys[room:]}, part.touched[len(touched) :])
    return first, rest


def keep(
    taken: list[tuple[int, Part]], hooks: Sequence[BeforeSend], catalog: Catalog, failed: Callable[[], None]
) -> list[tuple[int, Part]]:
    """What every hook lets pass; what one raises on is removed, and ``failed`` told."""
    if not hooks:
        return taken

    def passes(day: int, measure: int, label: int, fact: int, slot: int, n: int) -> bool:
        declared = catalog.by_code.get(measure)
        if declared is None:
            return True
        value = declared.label.value_of(label) if declared.label and label != WHOLE else None
        outgoing = Outgoing(day, declared.name, value or "", Fact(fact).name.lower(), slot, n)
        try:
            return all(hook(outgoing) for hook in hooks)
        except Exception:  # the app's fault costs the item, not the app
            failed()
            return False

    kept: list[tuple[int, Part]] = []
    for day, part in taken:
        sums = {key: n for key, n in part.sums.items() if passes(day, *key, n)}
        touched = [code for code in part.touched if passes(day, code, WHOLE, Fact.GAP, 0, 1)]
        if sums or touched:
            kept.append((day, Part(part.context, sums, touched)))
    return kept


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


def forget_sent_days(state: State, today: int) -> list[int]:
    """Drop days of which nothing is left to send and nothing can be added any more; returns them."""
    under_way = {day for day, _ in state.sealed.days} if state.sealed else set[int]()
    over = [day for day, held in state.days.items() if day < today and day not in under_way]
    gone = [day for day in over if not state.days[day].parts and not state.days[day].values]
    for day in gone:
        del state.days[day]
    return gone

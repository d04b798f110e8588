"""Debug: what developers' own keys reported, measure by measure, kept apart from everybody's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headcount_wire import buckets, days
from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.facts import OTHER, WHOLE, Fact, Kind, Severity

from headcount_aggregator.debug_counts import DebugCount
from headcount_aggregator.web.dashboard.view import Page, Stat, View
from headcount_aggregator.web.vocabulary import breakdown_of


@dataclass(frozen=True, slots=True)
class DebugRow:
    """One measure on one local day; ``day`` is empty for a measure nothing came of."""

    name: str
    kind: str
    day: str = ""
    devices: str = ""
    counted: str = ""
    details: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


async def debug(view: View) -> Page:
    """Build the page: each measure with what came of it, what was dropped, and when a device was last seen."""
    say, wording = view.wording.say, view.wording
    found = await view.released.debug(*view.subject.codes)
    by_measure: dict[int, dict[int, list[DebugCount]]] = {}
    for count in found.counts:
        by_measure.setdefault(count.measure, {}).setdefault(count.day, []).append(count)
    rows: list[DebugRow] = []
    for measure in view.vocabulary.measures:
        came = by_measure.get(measure.code, {})
        rows += [_row(view, measure, day, came[day]) for day in sorted(came, reverse=True)]
    rows += [_silent(view, m) for m in view.subject.app.catalog.measures.values() if m.code not in by_measure]
    stats: tuple[Stat, ...] = ()
    if found.seen is not None:
        today = days.utc_day(found.seen) == view.freshness.today
        last = Stat(wording.minute(found.seen), say("last seen, UTC"), say("today") if today else say("yesterday"))
        said = wording.plural("measure reported", "measures reported", len(by_measure))
        stats = (
            last,
            Stat(wording.number(len(by_measure)), said, say("of {n} declared", n=len(view.vocabulary.measures))),
        )
    return Page(
        say("What developers' own devices report"),
        sentence=say("Only what came with an hc_debug_ key. It is in no other page, no release and no export."),
        stats=stats,
        grains=(),
        ranged=False,
        extra={"rows": rows if found.counts else ()},
    )


def _row(view: View, measure: Measure, day: int, counts: Sequence[DebugCount]) -> DebugRow:
    number = view.wording.number
    whole = [count for count in counts if count.breakdown == TOTAL]
    device = Fact.GAP if measure.kind is Kind.ACTIVE else Fact.STEP if measure.kind is Kind.FUNNEL else Fact.DEVICES
    devices = sum(count.n for count in whole if count.fact == device and count.label == WHOLE)
    counted = sum(count.n for count in whole if count.fact in (Fact.COUNT, Fact.BUCKET))
    return DebugRow(
        measure.name,
        measure.kind,
        view.wording.day_name(day),
        number(devices),
        number(counted) if measure.facts & {Fact.COUNT, Fact.BUCKET} else "-",
        tuple(part for part in (*_details(view, measure, whole), _context(view, counts, device)) if part),
        _dropped(view, measure, whole),
    )


def _details(view: View, measure: Measure, counts: Sequence[DebugCount]) -> list[str]:
    """What the counts are made of: labels, percentiles, steps, moves, severities, values."""
    say = view.wording.say
    details: list[str] = []
    if measure.label:
        labels = [(view.vocabulary.label_name(measure.code, c.label), c.n) for c in counts if c.fact == Fact.COUNT]
        details.append(_listed(view, measure.label.key, labels))
    seen: dict[int, int] = {}
    for count in counts:
        if count.fact == Fact.BUCKET:
            seen[count.slot] = seen.get(count.slot, 0) + count.n
    if seen:
        half, most = (view.wording.amount(buckets.quantile(seen, share), measure.unit) for share in (0.5, 1.0))
        details.append(say("half up to {half}, the largest {most}", half=half, most=most))
    steps = [(say("step {n}", n=c.slot), c.n) for c in counts if c.fact == Fact.STEP]
    moves = [(_move(view, measure, c), c.n) for c in counts if c.fact == Fact.MOVE]
    severe = [(Severity(c.slot).name.lower(), c.n) for c in counts if c.fact == Fact.SEVERITY]
    values = [
        (view.vocabulary.label_name(measure.code, c.label) or say("all"), c.n) for c in counts if c.fact == Fact.VALUE
    ]
    for title, parts in (
        (say("furthest"), steps),
        (say("moves"), moves),
        (say("severity"), severe),
        (say("values"), values),
    ):
        details.append(_listed(view, title, parts))
    return details


def _move(view: View, measure: Measure, count: DebugCount) -> str:
    start = view.vocabulary.label_name(measure.code, count.slot) or view.wording.say("start")
    return f"{start} → {view.vocabulary.label_name(measure.code, count.label)}"


def _context(view: View, counts: Sequence[DebugCount], device: Fact) -> str:
    """The context values the devices told, for the dimensions the measure is cut by."""
    parts: dict[str, int] = {}
    for count in counts:
        cut = breakdown_of(count.breakdown)
        if cut is not None and count.fact == device and count.label == WHOLE:
            name = view.wording.value_name(cut.first, count.value)
            parts[f"{cut.first.field} {name}"] = parts.get(f"{cut.first.field} {name}", 0) + count.n
    return _listed(view, view.wording.say("device"), sorted(parts.items()))


def _listed(view: View, title: str, parts: Sequence[tuple[str, int]]) -> str:
    sums: dict[str, int] = {}
    for name, n in parts:
        sums[name] = sums.get(name, 0) + n
    listed = ", ".join(f"{name} \N{MULTIPLICATION SIGN} {view.wording.number(n)}" for name, n in sums.items())
    return f"{title}: {listed}" if listed else ""


def _dropped(view: View, measure: Measure, counts: Sequence[DebugCount]) -> tuple[str, ...]:
    """What is known to be missing: over the daily cap, and values the catalog does not declare."""
    wording = view.wording
    clipped = sum(count.n for count in counts if count.fact == Fact.CLIPPED)
    other = sum(count.n for count in counts if count.fact in (Fact.COUNT, Fact.BUCKET) and count.label == OTHER)
    said: list[str] = []
    if clipped:
        said.append(
            wording.plural(
                "{n} device reached the daily cap of {cap}",
                "{n} devices reached the daily cap of {cap}",
                clipped,
                cap=wording.number(measure.cap),
            )
        )
    if other:
        said.append(
            wording.plural("{n} undeclared value, counted as other", "{n} undeclared values, counted as other", other)
        )
    return tuple(said)


def _silent(view: View, measure: Measure) -> DebugRow:
    """A declared measure of which nothing came, with the reason where it is known here."""
    say = view.wording.say
    if not view.subject.customer.policy.allows(measure.purpose):
        why = say("The Customer's policy does not allow the purpose {purpose}.", purpose=measure.purpose)
    elif measure.expired(view.freshness.today) and measure.expires is not None:
        why = say("Expired on {day}.", day=view.wording.day(measure.expires))
    else:
        why = ""
    return DebugRow(measure.name, measure.kind, dropped=(why,) if why else ())

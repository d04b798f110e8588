"""What changed between two versions of a catalog, in words, and which of it would make numbers mean something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headcount_wire import days
from headcount_wire.catalog import Catalog, Label, Measure
from headcount_wire.facts import WHOLE

ANEW = "take a new name and code"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: where, what in a sentence, and whether it ``breaks`` the meaning of numbers counted before."""

    place: str
    sentence: str
    breaks: bool = False


def changes(old: Catalog, new: Catalog) -> list[Change]:
    """Every change from one version to the next: the catalog's own, purposes, context, then measures by code."""
    found = [*_head(old, new), *_purposes(old, new), *_context(old, new), *_measures(old, new)]
    if new.version > old.version:
        found.insert(0, Change("version", f"rises from {old.version} to {new.version}"))
    elif found or new.version < old.version:
        found.insert(0, Change("version", f"is {new.version}; raise it above {old.version} with any change", True))
    return found


def _head(old: Catalog, new: Catalog) -> Iterator[Change]:
    if old.name != new.name:
        yield Change("name", f"changes from {old.name} to {new.name}: that is another catalog", True)
    if old.cadence != new.cadence:
        yield Change("cadence", f"changes from {old.cadence} to {new.cadence}")
    if old.instances != new.instances:
        who = ("people's devices", "server-side instances")
        sentence = f"are {who[new.instances]} from now on, not {who[old.instances]}: another rule releases the numbers"
        yield Change("instances", f"those who report {sentence}")


def _purposes(old: Catalog, new: Catalog) -> Iterator[Change]:
    for name in sorted(new.purposes.keys() - old.purposes.keys()):
        yield Change(f"purposes.{name}", "is new: nothing is counted for it until the user is asked")
    for name in sorted(old.purposes.keys() - new.purposes.keys()):
        yield Change(f"purposes.{name}", "is gone: what devices hold for it is erased")
    for name in sorted(new.purposes.keys() & old.purposes.keys()):
        if old.purposes[name].sentence != new.purposes[name].sentence:
            yield Change(
                f"purposes.{name}", "is said in other words; where the meaning is another, raise the policy version too"
            )


def _context(old: Catalog, new: Catalog) -> Iterator[Change]:
    for field in sorted(old.context.keys() | new.context.keys()):
        before, after = old.context.get(field), new.context.get(field)
        if before is None:
            yield Change(f"context.{field.field}", f"may be read from now on, for {after}")
        elif after is None:
            yield Change(f"context.{field.field}", "is not read any more, and erased where it is held")
        elif before != after:
            yield Change(f"context.{field.field}", f"is read for {after} instead of {before}, from other people")


def _measures(old: Catalog, new: Catalog) -> Iterator[Change]:
    for code in sorted(old.by_code.keys() | new.by_code.keys()):
        before, after = old.by_code.get(code), new.by_code.get(code)
        if before is None and after is not None:
            yield from _added(after, old)
        elif after is None and before is not None:
            if before.name not in new.measures:
                yield Change(before.name, f"is gone; its code {code} must never be used for another measure")
        elif before is not None and after is not None:
            yield from _measure(before, after, old, new)


def _added(measure: Measure, old: Catalog) -> Iterator[Change]:
    before = old.measures.get(measure.name)
    if before is None:
        yield Change(measure.name, f"is new, with the code {measure.code}")
    else:
        sentence = f"has another code, {measure.code} instead of {before.code}: its numbers would begin anew"
        yield Change(measure.name, sentence, True)


def _measure(old: Measure, new: Measure, before: Catalog, after: Catalog) -> Iterator[Change]:
    if old.name != new.name:
        sentence = f"has the code {new.code}, which stands for {old.name} for ever; take a code never used before"
        yield Change(new.name, sentence, True)
        return
    for what in ("purpose", "kind") if old.kind is not new.kind else ("purpose", "unit"):
        was, becomes = getattr(old, what), getattr(new, what)
        if was != becomes:
            yield Change(new.name, f"changes its {what} from {was} to {becomes}; {ANEW}", True)
    if old.kind is new.kind:
        yield from _label(old, new)
        yield from _steps(old, new, before, after)
    yield from _harmless(old, new)


def _label(old: Measure, new: Measure) -> Iterator[Change]:
    if old.label is None or new.label is None:
        if old.label is not new.label:
            sentence = "gains a label" if old.label is None else "loses its label"
            yield Change(new.name, f"{sentence}: the days before cannot be told apart so; {ANEW}", True)
        return
    yield from _label_values(new.name, old.label, new.label)


def _label_values(name: str, old: Label, new: Label) -> Iterator[Change]:
    if old.key != new.key:
        yield Change(name, f"calls its label {new.key} instead of {old.key}", True)
    removed = [value for value in old.values if value not in new.values]
    if removed:
        yield Change(name, f"loses label values that have codes: {', '.join(removed)}; values stay for ever", True)
    elif new.values[: len(old.values)] != old.values:
        yield Change(name, "has its label values in another order; new ones go to the end", True)
    added = [value for value in new.values if value not in old.values]
    if added:
        yield Change(name, f"tells more label values apart, counted as other before: {', '.join(added)}")


def _steps(old: Measure, new: Measure, before: Catalog, after: Catalog) -> Iterator[Change]:
    was, becomes = _spelled(old, before), _spelled(new, after)
    if old.steps != new.steps and was != becomes:  # else it is the step's own measure that changed, and is told there
        sentence = f"has other steps, {' > '.join(becomes)} instead of {' > '.join(was)}; {ANEW}"
        yield Change(new.name, sentence, True)
    if old.window_minutes != new.window_minutes:
        minutes = f"{new.window_minutes} instead of {old.window_minutes} minutes"
        yield Change(new.name, f"has another window, {minutes}; {ANEW}", True)


def _spelled(funnel: Measure, catalog: Catalog) -> list[str]:
    found: list[str] = []
    for step in funnel.steps:
        measure = catalog.by_code[step.measure]
        value = measure.label.value_of(step.label) if measure.label and step.label != WHOLE else None
        found.append(f"{measure.name}={value}" if value else measure.name)
    return found


def _harmless(old: Measure, new: Measure) -> Iterator[Change]:
    """What may change: the numbers before keep their meaning, and those after have the same one."""
    if old.cap > new.cap:
        yield Change(new.name, f"has its cap lowered from {old.cap:,} to {new.cap:,}: more is clipped, and said to be")
    elif old.cap < new.cap and old.kind is new.kind:
        yield Change(new.name, f"has its cap raised from {old.cap:,} to {new.cap:,}: less is clipped than before")
    if old.expires != new.expires:
        yield Change(new.name, f"is counted {_until(new.expires)}, before {_until(old.expires)}")
    for what in ("reach", "journeys", "things"):
        if getattr(old, what) != getattr(new, what):
            yield Change(new.name, _ON_OFF[what][getattr(new, what)])
    cuts = {cut.name for cut in new.breakdowns} ^ {cut.name for cut in old.breakdowns}
    for cut in sorted(cuts):
        here = cut in {after.name for after in new.breakdowns}
        yield Change(new.name, f"is cut by {cut} from now on" if here else f"is not cut by {cut} any more")
    if old.description != new.description:
        yield Change(new.name, f'is described as "{new.description}", before as "{old.description}"')
    if old.owner != new.owner:
        yield Change(new.name, f"is owned by {new.owner}, before by {old.owner}")


def _until(day: int | None) -> str:
    return "without end" if day is None else f"until {days.text(day)}"


_ON_OFF: Mapping[str, tuple[str, str]] = {
    "reach": ("has no distinct people over windows any more", "counts distinct people over windows from now on"),
    "things": ("is told from 20 up only from now on", "is of things from now on: told however few they are"),
    "journeys": ("counts no moves between screens any more", "counts moves between screens from now on"),
}

"""Everything a device holds, in words: what ``Headcount.export`` hands to the user."""

from __future__ import annotations

from typing import Any

from headcount_wire import days
from headcount_wire.catalog import Catalog
from headcount_wire.facts import WHOLE, Fact

from headcount_sdk import sent
from headcount_sdk.device import Device
from headcount_sdk.state import State
from headcount_sdk.storage import Storage
from headcount_sdk.tallies import Part


def everything(device: Device, storage: Storage, catalog: Catalog) -> dict[str, Any]:
    """Decisions, markers, tallies that wait, funnels and sessions under way, and what was sent."""
    with device.changing() as state:
        return _told(state, storage, catalog)


def _told(state: State, storage: Storage, catalog: Catalog) -> dict[str, Any]:
    sealed = state.sealed
    names = {measure.code: measure.name for measure in catalog.measures.values()}
    return {
        "granted": {name: decision.granted for name, decision in state.decisions.items()},
        "changes_of_consent": [event._asdict() for event in state.events],
        "switched_off": sorted(state.off),
        "refused_by": {name: sorted(purposes) for name, purposes in state.refusing.items()},
        "first_use": None if state.markers.first_use is None else days.text(state.markers.first_use),
        "context_of_first_use": dict(state.markers.origin),
        "last_sent_day": {names.get(code, str(code)): days.text(day) for code, day in state.markers.last.items()},
        "waiting": {
            days.text(day): [_part(part, catalog) for part in held.parts]
            for day, held in sorted(state.days.items())
            if held.parts
        },
        "quantities_of_today": {
            names.get(code, str(code)): value
            for held in state.days.values()
            for (code, _), (value, _) in held.values.items()
        },
        "funnels_under_way": {
            names.get(code, str(code)): {days.text(day): attempt.furthest for day, attempt in progress.days.items()}
            for code, progress in state.funnels.items()
        },
        "report_under_way": sealed
        and {
            "report_id": sealed.report_id,
            "days": [days.text(day) for day, _ in sealed.days],
            "bytes": len(sealed.body),
        },
        "sent": [
            {"at": one.at, "to": one.host, "outcome": one.outcome, "report": one.readable} for one in sent.read(storage)
        ],
    }


def _part(part: Part, catalog: Catalog) -> dict[str, Any]:
    return {
        "context": dict(part.context),
        "tallies": [_line(catalog, *key, n) for key, n in sorted(part.sums.items())],
        "with_gap_and_age": [_name(catalog, code) for code in part.touched],
    }


def _line(catalog: Catalog, code: int, label: int, fact: int, slot: int, n: int) -> dict[str, Any]:
    measure = catalog.by_code.get(code)
    value = measure.label.value_of(label) if measure and measure.label and label != WHOLE else None
    said: dict[str, Any] = {"measure": _name(catalog, code), "fact": Fact(fact).name.lower(), "n": n}
    if value is not None:
        said["label"] = value
    if slot:
        said["slot"] = slot
    return said


def _name(catalog: Catalog, code: int) -> str:
    measure = catalog.by_code.get(code)
    return measure.name if measure else str(code)

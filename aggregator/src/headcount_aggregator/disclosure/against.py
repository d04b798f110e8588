"""The log held against the sealed releases: each stands in it as it is, and nothing else does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from headcount_aggregator.disclosure.entry import Entry, Event
from headcount_aggregator.sealed_chain import record_of


def faults_against(entries: Iterable[Entry], releases: Path) -> list[str]:
    """A sentence for every release that is not as the log says; those that were dropped since are none.

    A release that is not recorded in its chain yet, moments after sealing, is not looked at.
    """
    logged: dict[tuple[str, str], str] = {}
    dropped: list[tuple[int, str]] = []
    for entry in entries:
        if entry.event is Event.RELEASED:
            logged[entry.about["folder"], entry.about["file"]] = entry.about["hash"]
        elif entry.event is Event.DELETED:
            # What stood there before may come again: a Customer that was erased can come back.
            dropped.append((entry.about.get("customer", 0), _through(entry)))
            logged = {key: digest for key, digest in logged.items() if not _is_dropped(key, dropped[-1])}
    faults = []
    for (folder, name), digest in logged.items():
        path = releases / folder / name
        if not path.is_file():
            faults.append(f"{folder}/{name} was released, and is not there")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            faults.append(f"{folder}/{name} is not what was released")
    for place in sorted(path for path in releases.glob("*") if path.is_dir()):
        try:
            recorded = record_of(place)
        except (OSError, ValueError):
            recorded = {}
        faults += [
            f"{place.name}/{name} is sealed, and the log does not say so"
            for name in recorded
            if (place.name, name) not in logged and (place / name).is_file()
        ]
    return faults


def _through(entry: Entry) -> str:
    """The last file that an entry says was dropped: ``folder/place``; empty for all of a Customer's."""
    kind, what = entry.about.get("kind"), entry.about.get("what", "")
    return "" if kind == "all" else str(what) if kind == "releases" else "-"


def _is_dropped(key: tuple[str, str], dropped: tuple[int, str]) -> bool:
    folder, name = key
    customer, through = dropped
    if folder.partition("-")[0] != str(customer) or through == "-":
        return False
    if not through:
        return True
    of, _, place = through.partition("/")
    return of == folder and place.isdecimal() and int(name[:6]) <= int(place)

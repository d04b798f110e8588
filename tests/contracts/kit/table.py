"""Everything the kit checks, as one list, and the table of what holds."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.contracts.kit import behaviour, faults
from tests.contracts.kit.behaviour import NotHeldError
from tests.contracts.kit.driver import DriverFailedError


@dataclass(frozen=True)
class Check:
    """One thing a driver is held to: it is played in a folder of its own."""

    name: str
    sentence: str
    play: Callable[[str, Path], None]


def checks() -> list[Check]:
    """Behaviour first, then the network's faults."""
    found = [
        Check(path.stem, json.loads(path.read_text("utf-8"))["sentence"], partial(_behaviour, path=path))
        for path in behaviour.vectors()
    ]
    found += [Check(fault.name, fault.sentence, partial(_fault, fault=fault)) for fault in faults.FAULTS]
    found += [
        Check("certificate", "A wrong certificate: no byte and no key is sent.", faults.play_wrong_certificate),
        Check("region", "Another region: followed to a listed host.", partial(faults.play_region, listed=True)),
        Check("region-unlisted", "And to no other.", partial(faults.play_region, listed=False)),
        Check(
            "not-owner", "Another node counts it: the same bytes go there.", partial(faults.play_not_owner, listed=True)
        ),
        Check("not-owner-unlisted", "Only if it is listed; else kept.", partial(faults.play_not_owner, listed=False)),
        Check("kills", "Killed after every call, with answers lost: all counts once.", faults.play_kills),
    ]
    return found


def _behaviour(command: str, folder: Path, *, path: Path) -> None:
    behaviour.play(command, path, folder)


def _fault(command: str, folder: Path, *, fault: faults.Fault) -> None:
    faults.play_fault(command, fault, folder)


def held(command: str, check: Check) -> str | None:
    """Why a check does not hold, or ``None``."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            check.play(command, Path(folder))
        except (NotHeldError, DriverFailedError) as error:
            return str(error)
    return None


def markdown(rows: Iterable[tuple[Check, str | None]]) -> str:
    """The table of what holds."""
    lines = ["| check | what it says | holds |", "|---|---|---|"]
    lines += [f"| `{check.name}` | {check.sentence} | {'yes' if why is None else 'no'} |" for check, why in rows]
    return "\n".join(lines) + "\n"

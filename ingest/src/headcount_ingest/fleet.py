"""Which reports this node counts: the maps in force, and what the node remembers of them.

A map never changes for a creation day of which this node may have taken reports: another node would take the same
ones again. So a node keeps beside its spools the maps in force and the last creation day they were used for
(``fleet.json``); its workers agree by that file, under a lock. What is declared and would change such a day is
refused, and the maps before stay in force, wholly. A day is noted before its first report, ahead of time and beside
the answers; while it cannot be, nothing is taken.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from headcount_wire import days, limits
from headcount_wire.fleet import PARTITIONS, Fleet, from_plain, map_of, to_plain, waited_for

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.edge")

FILE, LOCK = "fleet.json", "fleet.lock"
AHEAD_SECONDS = 3600.0
"""So long before a day begins it is noted: what keeps it from being noted has that long to pass."""
_LAST_DAY = 65_535
_MINE = ("",) * PARTITIONS


class FleetFault(Exception):
    """This node cannot begin under what is declared; the text says why."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is in force: this node's name, the maps, and the last creation day they may have been used for."""

    node: str
    fleet: Fleet
    reached: int = -1

    def owners_on(self, created: int) -> tuple[str, ...]:
        """The owner of each partition for a creation day; an empty text is this node."""
        if not self.fleet:
            return _MINE
        return tuple("" if owner == self.node else owner for owner in map_of(self.fleet, created).owners)


class FleetShare:
    """This node's share of the fleet. ``refused``: why what is declared now is not in force, or an empty text.

    Raises ``FleetFault`` when the node has no memory of a fleet and what is declared is none for it. A file that
    cannot be read or written now is no reason to end: ``noted`` says no, and ``declare`` tries again.
    """

    def __init__(self, spool: Path, node: str, declared: Fleet, today: int) -> None:
        spool.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._spool = spool
        self._node = node
        self._declared: Fleet | None = None
        self._told = ""
        self._tried = today
        self.refused = ""
        self._held = Held("", ())
        try:
            self._propose(declared, today)
        except OSError as error:
            self._not_noted(error)

    def declare(self, declared: Fleet, today: int, soon: int = -1) -> None:
        """Take over what is declared now, if it may be; call it again and again, and not from a request.

        ``soon``: the day it is in a while, which is noted too. Raises nothing: what fails is told and tried again.
        """
        try:
            if declared != self._declared:
                self._propose(declared, today)
            self._note(max(today, soon))
        except (OSError, FleetFault) as error:
            self._not_noted(error)
        else:
            self._told = ""

    def noted(self, today: int) -> bool:
        """Whether reports of a day may be taken: it is noted under which maps.

        A day is noted ahead, by ``declare``. One that a clock jumped to is noted here, once; where that fails, later.
        """
        if today + limits.CREATED_FUTURE_DAYS <= self._held.reached:  # as ``_is_noted``, twice a report
            return True
        if self._tried != today:
            self._tried = today
            try:
                self._note(today)
            except (OSError, FleetFault) as error:
                self._not_noted(error)
        return self._is_noted(today)

    def _is_noted(self, today: int) -> bool:
        return today + limits.CREATED_FUTURE_DAYS <= self._held.reached

    def elsewhere(self, report_id: bytes, created: int) -> str | None:
        """The address of the node that counts a report; ``None``: it is this one."""
        held = self._held
        if not held.fleet:
            return None
        owner = map_of(held.fleet, created).owners[report_id[0]]
        return None if owner == held.node else _address(held.fleet, owner)

    def elsewhere_by_id(self, report_id: bytes, today: int) -> str | None:
        """The same for a report whose creation day is not known yet; ``None`` also where that day decides."""
        held = self._held
        if not held.fleet:
            return None
        first, last = today - limits.CREATED_PAST_DAYS, today + limits.CREATED_FUTURE_DAYS
        if map_of(held.fleet, first) is not map_of(held.fleet, last):
            return None
        return self.elsewhere(report_id, last)

    def _note(self, day: int) -> None:
        if not self._is_noted(day):
            with _locked(self._spool / LOCK):
                # What another worker has taken over meanwhile is in force here too, and is not put back.
                self._hold(self._remembered() or self._held, day + limits.CREATED_FUTURE_DAYS)

    def _not_noted(self, error: Exception) -> None:
        """Tell it once, not each second."""
        why = str(error) if isinstance(error, FleetFault) else type(error).__name__
        if why != self._told:
            log.error("fleet_not_noted", why=why, advice="reports of a day that is not noted are answered 507")
        self._told = why

    def _propose(self, declared: Fleet, today: int) -> None:
        """Have what is declared in force, if it changes nothing that was used; else keep what is remembered."""
        reach = today + limits.CREATED_FUTURE_DAYS
        with _locked(self._spool / LOCK):
            before = self._remembered()
            wanted = Held(self._node, declared, reach)
            fault = fault_of(self._node, declared)
            if before is None:
                if fault:
                    raise FleetFault(fault)
                # Workers begin here before they make their folders: whoever left some was a house of one.
                before = Held("", (), reach) if any(path.is_dir() for path in self._spool.iterdir()) else wanted
            fault = fault or _changes(before, wanted, today)
            self._hold(before if fault else wanted, max(before.reached, reach))
        if fault and fault != self.refused:
            log.error("fleet_refused", why=fault, advice="the maps before stay in force; docs/fleet.md")
        self.refused, self._declared = fault, declared

    def _hold(self, held: Held, reached: int) -> None:
        held = replace(held, reached=max(held.reached, reached))
        if held != self._remembered():
            self._write(held)
        self._held = held

    def _remembered(self) -> Held | None:
        try:
            plain = json.loads((self._spool / FILE).read_bytes())
            held = Held(str(plain["node"]), from_plain(plain["maps"]), int(plain["reached"]))
            if -1 <= held.reached <= _LAST_DAY:
                return held
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            pass
        raise FleetFault(f"{self._spool / FILE} is damaged: it says which reports this node counts")

    def _write(self, held: Held) -> None:
        plain = {"node": held.node, "reached": held.reached, "maps": to_plain(held.fleet)}
        new = self._spool / f"{FILE}.new"
        fd = os.open(new, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(json.dumps(plain).encode())
            file.flush()
            os.fsync(file.fileno())
        new.rename(self._spool / FILE)
        folder = os.open(self._spool, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def fault_of(node: str, declared: Fleet) -> str:
    """Why a node of this name cannot be one of what is declared, or an empty text."""
    if declared and not node:
        return "the organisation file declares a fleet, and this node has no name: set node in its settings"
    if node and not declared:
        return f"this node is named {node}, and the organisation file declares no [[fleet]]"
    if node and node not in {name for one in declared for name in one.nodes}:
        return f"no [[fleet]] names this node ({node}); there are: {', '.join(waited_for(declared, -1))}"
    return ""


def _changes(before: Held, wanted: Held, today: int) -> str:
    """What would change for creation days that may have been used, or an empty text."""
    first, last = today - limits.CREATED_PAST_DAYS, before.reached
    begins = {one.since for one in (*before.fleet, *wanted.fleet)}
    for day in sorted({first, *(day for day in begins if first <= day <= last)}):
        if day <= last and before.owners_on(day) != wanted.owners_on(day):
            return (
                f"it changes who counts reports created on {days.text(day)}, and this node has taken reports of days "
                f"up to {days.text(last)}: let it begin later"
            )
    return ""


def _address(fleet: Fleet, owner: str) -> str:
    """A node's newest address: where it is, not where it was when the map was made."""
    return next(one.nodes[owner].address for one in reversed(fleet) if owner in one.nodes)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)

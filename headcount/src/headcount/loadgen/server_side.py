"""What the edge and the centre say of the same reports: metrics of the workers, units and segments of the loader."""

from __future__ import annotations

import http.client
import re
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.spool_reader import SEALED, SET_ASIDE, drained, unsealed
from headcount_aggregator.load.unit import UnitCorrupt, Units
from headcount_wire.clock import Clock

from headcount.loadgen.account import AtCentre, AtEdge

ASK_SECONDS = 10.0
LOOK_SECONDS = 0.2
_OUTCOME = re.compile(r'^headcount_edge_requests_total\{outcome="([^"]+)"\} (\S+)$', re.MULTILINE)
_BUILD = re.compile(r"^headcount_edge_build_info\{([^}]{1,200})\} 1", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([\w.+-]{1,64})"', re.ASCII)
_HANDLERS = (
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPErrorProcessor,
)
METRICS_BYTES = 8 * 1024 * 1024
"""Of an operator port's answer, at most: a worker's is some kilobytes for each Customer."""
_STARTED = re.compile(r"^process_start_time_seconds (\S+)$", re.MULTILINE)


class Unreachable(Exception):
    """Something that was named to be asked does not answer, or is not what it should be."""


@dataclass(frozen=True, slots=True)
class _Worker:
    outcomes: Counter[str]
    started: str
    build: str


class Workers:
    """The operator's ports of all workers behind the target; raises ``Unreachable`` when one does not answer."""

    def __init__(self, admins: Sequence[str]) -> None:
        self._admins = admins
        self._before = [_ask(admin) for admin in admins]

    def since(self) -> AtEdge:
        """What they counted since this was made."""
        after = [_ask(admin) for admin in self._admins]
        counted = Counter[str]()
        for one, other in zip(self._before, after, strict=True):
            counted.update({name: n - one.outcomes[name] for name, n in other.outcomes.items()})
        pairs = zip(self._before, after, strict=True)
        builds = tuple(sorted({one.build for one in after if one.build}))
        if any(one.started != other.started for one, other in pairs):
            return AtEdge({}, restarted=True, builds=builds)
        return AtEdge({name: n for name, n in sorted(counted.items()) if n}, builds=builds)


def _ask(admin: str) -> _Worker:
    try:
        text = _text(f"{admin.rstrip('/')}/metrics")
        found = Counter({name: int(float(value)) for name, value in _OUTCOME.findall(text)})
    except (OSError, ValueError, OverflowError, http.client.HTTPException):
        raise Unreachable(f"{admin}/metrics does not answer as it should") from None
    started, build = _STARTED.search(text), _BUILD.search(text)
    if not found and "headcount_edge" not in text:
        raise Unreachable(f"{admin}/metrics is not an edge's operator port")
    labels: dict[str, str] = dict(_LABEL.findall(build.group(1))) if build else {}
    version = labels.get("version", "")
    told = f"{version}, compiled" if version and labels.get("compiled") == "true" else version
    return _Worker(found, started.group(1) if started else "", told)


def _text(url: str) -> str:
    """What is there, whole and in time, by no proxy; raises ``OSError``, ``ValueError`` or ``HTTPException``."""
    deadline = time.monotonic() + ASK_SECONDS
    found = bytearray()
    opener = urllib.request.OpenerDirector()  # of which nobody asks a proxy or goes elsewhere
    for handler in _HANDLERS:
        opener.add_handler(handler())
    with opener.open(url, timeout=ASK_SECONDS) as answer:
        while piece := answer.read1(65_536):
            found += piece
            if len(found) > METRICS_BYTES or time.monotonic() > deadline:
                raise ValueError
        if answer.length:  # so much is missing
            raise ValueError
    return found.decode()


class Centre:
    """The data folder of a house on this machine: read, never written. Raises ``Unreachable`` when it is none."""

    def __init__(self, data: Path, clock: Clock) -> None:
        if not (data / "units").is_dir() or not (data / "spool").is_dir():
            raise Unreachable(f"{data} is not a house's data folder: it has no units and no spool")
        self._spool = data / "spool"
        self._units = Units(data / "units", Disk())
        self._clock = clock
        try:
            self._newest = max(self._units.numbers(), default=0)
        except ValueError:
            raise Unreachable(f"{data / 'units'} holds a file that is no unit") from None
        self._aside = self._set_aside()

    def since(self, patience: float, stopping: Callable[[], bool]) -> AtCentre:
        """What was counted since this was made, once all that is there now is loaded.

        Or after ``patience`` seconds, or when somebody wants it to end (``stopping``).
        """
        moment = self._clock.now()
        deadline = time.monotonic() + patience
        rest = threading.Event()
        while time.monotonic() < deadline and not stopping():
            if drained(self._spool, moment) and not self._units.pending():
                break
            rest.wait(LOOK_SECONDS)
        waiting = len(unsealed(self._spool, moment)) + len(list(self._spool.glob(f"*/*{SEALED}")))
        pending = set(self._units.pending())
        try:
            headers = [header for header in self._units.headers() if header.number > self._newest]
        except UnitCorrupt as error:
            raise Unreachable(str(error)) from None
        return AtCentre(
            records=sum(header.records for header in headers),
            repeats=sum(header.duplicates for header in headers),
            stored=sum(header.records for header in headers if header.number not in pending),
            segments=0 if drained(self._spool, moment) else waiting,
            units=len(pending),
            set_aside=self._set_aside() - self._aside,
        )

    def _set_aside(self) -> int:
        return len(list(self._spool.glob(f"*/*{SET_ASIDE}")))

"""What one worker holds while it runs, and the organisation it serves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import structlog
from headcount_wire.clock import Clock
from headcount_wire.errors import DeclarationError
from headcount_wire.organisation import Organisation, load_organisation

from headcount_ingest.gate import Gate
from headcount_ingest.metrics import Metrics
from headcount_ingest.rates import Rates
from headcount_ingest.settings import EdgeSettings
from headcount_ingest.spool import Spool

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.edge")


class Keyring:
    """The organisation in force: read at start, read again when its file changes."""

    def __init__(self, file: Path, metrics: Metrics) -> None:
        self._file = file
        self._metrics = metrics
        self._stamp = self._look()
        self.organisation: Organisation = load_organisation(file)

    def reload_if_changed(self, *, force: bool = False) -> bool:
        """Take a changed file over; a faulty one is counted and leaves the old one in force."""
        stamp = self._look()
        if stamp == self._stamp and not force:
            return False
        self._stamp = stamp
        try:
            self.organisation = load_organisation(self._file)
        except (DeclarationError, OSError):
            self._metrics.reloads.labels("faulty").inc()
            log.error("organisation_faulty", advice="check the file; the one before stays in force")
            return False
        self._metrics.reloads.labels("taken").inc()
        log.info("organisation_taken")
        return True

    def _look(self) -> tuple[tuple[str, int, int], ...]:
        folder = self._file.parent
        files = [self._file, *sorted(folder.glob("*.toml"))]
        found: list[tuple[str, int, int]] = []
        for file in files:
            try:
                stat = file.stat()
            except OSError:
                continue
            found.append((file.name, stat.st_mtime_ns, stat.st_size))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Edge:
    """The parts of one worker; what a request may use."""

    settings: EdgeSettings
    clock: Clock
    keyring: Keyring
    rates: Rates
    gate: Gate
    spool: Spool
    metrics: Metrics

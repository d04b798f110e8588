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
        self._read: set[Path] = set()
        self._stamp = self._look()
        self.organisation: Organisation = load_organisation(file)
        self._remember_catalogs()

    def reload_if_changed(self, *, force: bool = False) -> bool:
        """Take a changed file over; a faulty one is counted and leaves the old one in force."""
        stamp = self._look()
        if stamp == self._stamp and not force:
            return False
        self._stamp = stamp
        try:
            self.organisation = load_organisation(self._file)
        except DeclarationError as error:
            self._faulty(lines=[finding.line for finding in error.findings])
            return False
        except (OSError, ValueError, RecursionError):  # cannot be read, is no UTF-8, or is nested without end
            self._faulty(lines=[])
            return False
        self._remember_catalogs()
        self._metrics.reloads.labels("taken").inc()
        log.info("organisation_taken")
        return True

    def _faulty(self, lines: list[int]) -> None:
        self._metrics.reloads.labels("faulty").inc()
        log.error("organisation_faulty", lines=lines, advice="correct the file; the one before stays in force")

    def _remember_catalogs(self) -> None:
        """A catalog may lie in another folder: from now on it is watched too."""
        apps = self.organisation.apps.values()
        self._read = {Path(catalog.file) for app in apps for catalog in app.catalogs}

    def _look(self) -> tuple[tuple[str, int, int], ...]:
        found: list[tuple[str, int, int]] = []
        for file in sorted({self._file, *self._file.parent.glob("*.toml"), *self._read}):
            try:
                stat = file.stat()
            except OSError:
                continue
            found.append((str(file), stat.st_mtime_ns, stat.st_size))
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

"""What one worker holds while it runs, and the organisation it serves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import structlog
from headcount_wire.clock import Clock
from headcount_wire.organisation import Organisation
from headcount_wire.organisation_file import OrganisationFile

from headcount_ingest.gate import Gate
from headcount_ingest.metrics import Metrics
from headcount_ingest.rates import Rates
from headcount_ingest.settings import EdgeSettings
from headcount_ingest.spool import Spool

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.edge")


class Keyring:
    """The organisation in force: read at start, read again when its file changes."""

    def __init__(self, file: Path, metrics: Metrics) -> None:
        self._file = OrganisationFile(file)
        self._metrics = metrics

    @property
    def organisation(self) -> Organisation:
        """What is in force."""
        return self._file.organisation

    def reload_if_changed(self, *, force: bool = False) -> bool:
        """Take a changed file over; a faulty one is counted and leaves the old one in force."""
        faults = self._file.reload_if_changed(force=force)
        if faults is None:
            return False
        self._metrics.reloads.labels("faulty" if faults else "taken").inc()
        if faults:
            log.error("organisation_faulty", faults=faults, advice="correct the file; the one before stays in force")
        else:
            log.info("organisation_taken")
        return not faults


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

"""What one worker holds while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from headcount_wire.clock import Clock

from headcount_ingest.batch import Batch
from headcount_ingest.fleet import FleetShare
from headcount_ingest.gate import Gate
from headcount_ingest.keyring import Keyring
from headcount_ingest.metrics import Metrics
from headcount_ingest.missed import Missed
from headcount_ingest.rates import Rates
from headcount_ingest.settings import EdgeSettings
from headcount_ingest.spool import Spool


@dataclass(frozen=True, slots=True)
class Edge:
    """The parts of one worker; what a request may use."""

    settings: EdgeSettings
    clock: Clock
    keyring: Keyring
    fleet: FleetShare
    rates: Rates
    gate: Gate
    spool: Spool
    metrics: Metrics
    missed: Missed
    batch: Batch

    @property
    def waits(self) -> float:
        """For how many seconds reports have been waiting for the disk, or one more would wait for its turn."""
        return max(self.spool.waited, self.batch.ahead)

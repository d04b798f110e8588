"""What the operator's side looks at: the parts of a worker, and what holds of them now."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass

from headcount_wire import days

from headcount_ingest.disk_look import DiskLook
from headcount_ingest.edge import Edge
from headcount_ingest.machine_clock import synchronised
from headcount_ingest.readiness import Reason
from headcount_ingest.tls import Certificate


@dataclass(frozen=True, slots=True)
class Watch:
    """A worker seen from outside its requests; ``connections``: those open on the public port."""

    edge: Edge
    disk: DiskLook
    certificate: Certificate | None
    connections: Sized

    def reasons(self) -> list[Reason]:
        """The reasons that hold now, in the order of the list."""
        holds = {
            Reason.DRAINING: self.edge.gate.draining,
            Reason.DISK_LOW: self.disk.low,
            Reason.SPOOL_FULL: self.disk.full,
            Reason.DISK_FAILED: self.edge.spool.broken.is_set(),
            Reason.DISK_SILENT: self.disk.silent,
            Reason.ORGANISATION_FAULTY: self.edge.keyring.faulty,
            Reason.FLEET_NOT_NOTED: not self.edge.fleet.noted(days.utc_day(self.edge.clock.now())),
            Reason.FLEET_REFUSED: bool(self.edge.fleet.refused),
            Reason.TLS_FAULTY: self.certificate is not None and self.certificate.faulty,
            Reason.CLOCK_UNSYNCHRONISED: synchronised() is False,
        }
        return [reason for reason in Reason if holds[reason]]

    def text(self) -> bytes:
        """The metrics, with those that are looked up when they are asked for."""
        metrics, found = self.edge.metrics, self.disk.found
        metrics.in_flight.set(self.edge.gate.in_flight)
        metrics.queue.set(self.edge.spool.waiting)
        metrics.connections.set(len(self.connections))
        metrics.disk_free.set(found.free)
        metrics.segments.labels("open").set(found.open_segments)
        metrics.segments.labels("sealed").set(found.sealed_segments)
        metrics.segments.labels("set_aside").set(found.set_aside)
        metrics.spool_bytes.labels("open").set(found.open_bytes)
        metrics.spool_bytes.labels("sealed").set(found.sealed_bytes)
        metrics.oldest_seconds.set(0 if found.oldest is None else max(0.0, self.edge.clock.now() - found.oldest))
        metrics.tls_expires.set(self.certificate.expires if self.certificate else 0)
        holding = self.reasons()
        for reason in Reason:
            metrics.reasons.labels(reason.slug).set(reason in holding)
        return metrics.text()

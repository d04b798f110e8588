"""The edge's own metrics: a closed list, each with its sentence, in a registry of their own.

No label names a device, a key or an address. Customers and measures stand as their codes.
``docs/operate.md`` shows the list, and a test compares the two.
"""

from __future__ import annotations

from headcount_wire.problems import Problem
from headcount_wire.version import VERSION
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from headcount_ingest.compiled import COMPILED
from headcount_ingest.counted import Counts, Sum, Times
from headcount_ingest.fates import ACCEPTED, NO_REPORT, Fates
from headcount_ingest.skew import Skew, skew_of

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Every metric of one worker."""

    def __init__(self) -> None:
        # A second series beside each counter, that nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library states no types here
        self.registry = CollectorRegistry()
        self._gauge(
            "headcount_edge_build_info", "1: the version, and whether it is the compiled edge.", "version", "compiled"
        ).labels(VERSION, str(COMPILED).lower()).set(1)
        self.dropped = Counter(
            "headcount_edge_tallies_dropped",
            "Tallies that were not counted, by Customer code, measure code and reason.",
            ("customer", "measure", "reason"),
            registry=self.registry,
        )
        self.sync_seconds = Histogram(
            "headcount_edge_sync_seconds", "One group commit: write and sync.", buckets=_SECONDS, registry=self.registry
        )
        self.group_records = Histogram(
            "headcount_edge_group_records",
            "Records that one group commit made durable.",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
            registry=self.registry,
        )
        self.storage_failures = Counter(
            "headcount_edge_storage_failures", "Writes, syncs and seals that failed.", registry=self.registry
        )
        self.shut = Counter(
            "headcount_edge_door_shut",
            "Times that more connections came than could be refused, and the system refused them.",
            registry=self.registry,
        )
        self.recovered = Counter(
            "headcount_edge_records_recovered", "Records an earlier process left unsealed.", registry=self.registry
        )
        self.in_flight = Gauge(
            "headcount_edge_bytes_in_flight",
            "Bytes of requests under way: what has arrived of their bodies, and 1 KiB each.",
            registry=self.registry,
        )
        self.reloads = Counter(
            "headcount_edge_reloads",
            "Reloads of the organisation file, by result.",
            ("result",),
            registry=self.registry,
        )
        self.set_aside = Counter(
            "headcount_edge_segments_unreadable",
            "Segments of an earlier process that this version cannot read; the loader sets them aside.",
            registry=self.registry,
        )
        self._declare_counts()
        self._declare_looks()
        self.registry.register(Fates(self.outcomes))
        ProcessCollector(registry=self.registry)
        for result in ("taken", "faulty"):
            self.reloads.labels(result)

    def _declare_counts(self) -> None:
        """What every report counts (``counted.py``)."""
        # A series that begins with its first count has no rate then, and a sum with one is empty.
        self.outcomes = Counts(
            "headcount_edge_requests",
            "Requests by what became of them: accepted, policy, gone, or the problem's name.",
            "outcome",
            (ACCEPTED, *sorted(NO_REPORT), "gone", *(problem.slug for problem in Problem)),
            self.registry,
        )
        self.admitted = Sum("headcount_edge_tallies_admitted", "Tallies that were counted.", self.registry)
        self.seconds = Times(
            "headcount_edge_request_seconds",
            "From the first byte of a report's request to its answer.",
            _SECONDS,
            self.registry,
        )
        self.skews = Counts(
            "headcount_edge_clock_skew",
            "Reports by where their creation day lies from the server's: clocks that are wrong, reports that waited.",
            "created",
            Skew,
            self.registry,
        )

    def _declare_looks(self) -> None:
        """What is looked up when the metrics are asked for (``watch.py``)."""
        self.queue = self._gauge("headcount_edge_queue_records", "Records that wait for the disk to be free.")
        self.connections = self._gauge("headcount_edge_connections", "Connections open on the public port.")
        self.segments = self._gauge(
            "headcount_edge_spool_segments", "Segments of this worker: open, sealed for the loader, set aside.", "state"
        )
        self.spool_bytes = self._gauge(
            "headcount_edge_spool_bytes", "Bytes of this worker's segments that the loader has not taken.", "state"
        )
        self.oldest_seconds = self._gauge(
            "headcount_edge_spool_oldest_seconds", "Since the oldest sealed segment was begun; 0 when none waits."
        )
        self.disk_free = self._gauge("headcount_edge_disk_free_bytes", "Bytes free for the spool on its disk.")
        self.reasons = self._gauge(
            "headcount_edge_reason", "1 while a reason of /readyz holds, those that only warn included.", "reason"
        )
        self.tls_expires = self._gauge(
            "headcount_edge_tls_expires_timestamp_seconds",
            "When the public port's certificate ends, in seconds since 1970; 0 without one.",
        )

    def _gauge(self, name: str, sentence: str, *labels: str) -> Gauge:
        return Gauge(name, sentence, labels, registry=self.registry)

    def skew(self, days_ahead: int) -> None:
        """Count a report whose creation day lies so many days ahead of the server's; negative is behind."""
        self.skews.by[skew_of(days_ahead)] += 1

    def text(self) -> bytes:
        """All of them, in Prometheus's text format."""
        return generate_latest(self.registry)

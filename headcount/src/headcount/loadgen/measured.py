"""What a load measures: two latencies in histograms of high dynamic range, and a line for each second."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from hdrh.histogram import HdrHistogram

LEAST_US, MOST_US, DIGITS = 1, 3_600_000_000, 3
"""From a microsecond to an hour, to three digits."""
WHOLE_SECOND = 0.9
"""Of less no line is kept: it would look like a fall. The account has what came in it."""
PERCENTILES = (50.0, 90.0, 99.0, 99.9, 100.0)


class Latency:
    """How long accepted reports took, in microseconds (HdrHistogram, Gil Tene)."""

    def __init__(self, histogram: HdrHistogram | None = None) -> None:
        self._histogram = histogram or HdrHistogram(LEAST_US, MOST_US, DIGITS)

    def record(self, seconds: float) -> None:
        """Count one."""
        self._histogram.record_value(min(MOST_US, max(LEAST_US, int(seconds * 1e6))))

    def at(self, percentile: float) -> float:
        """Milliseconds that so many of 100 do not exceed; 0 of nothing."""
        return float(self._histogram.get_value_at_percentile(percentile)) / 1e3 if self.count else 0.0

    @property
    def count(self) -> int:
        """How many were counted."""
        return int(self._histogram.get_total_count())

    def encoded(self) -> str:
        """The whole histogram, as every HdrHistogram reads it."""
        return str(self._histogram.encode().decode("ascii"))

    @classmethod
    def decoded(cls, text: str) -> Latency:
        """A histogram out of what ``encoded`` made."""
        return cls(HdrHistogram.decode(text))


@dataclass(slots=True)
class Second:
    """One second of a load: what was meant to leave, what left, what became of it; latencies in milliseconds.

    ``waiting``: reports that have no connection yet, or pause before they are tried again. ``lines``: open connections.
    """

    at: float
    meant: float
    sent: int
    accepted: int
    refused: int
    failed: int
    waiting: int
    lines: int
    p50: float
    p99: float
    most: float


@dataclass(slots=True)
class Measured:
    """``intended``: from when an attempt should have left; ``served``: from when it left on a connection.

    ``taken``: from when a report should have left first until it was accepted, with every pause before it was tried
    again.
    ``lag``: how late the load generator itself was. ``cpu_seconds``: what it used, in ``seconds``.
    """

    intended: Latency = field(default_factory=Latency)
    served: Latency = field(default_factory=Latency)
    taken: Latency = field(default_factory=Latency)
    lag: Latency = field(default_factory=Latency)
    seconds: list[Second] = field(default_factory=list)
    took: float = 0.0
    drained: float = 0.0
    cpu_seconds: float = 0.0
    bytes_sent: int = 0
    accepted_in_time: int = 0

    @property
    def rate(self) -> float:
        """Accepted reports a second, while reports came due."""
        return self.accepted_in_time / self.took if self.took else 0.0

    @property
    def core_share(self) -> float:
        """Of a core that the load generator used; near 1 it may be what is measured."""
        return self.cpu_seconds / self.took if self.took else 0.0

    def to_plain(self) -> dict[str, Any]:
        """As it stands in a result."""
        latencies = {"intended": self.intended, "served": self.served, "taken": self.taken, "lag": self.lag}
        return {
            "rate": self.rate,
            "took_seconds": self.took,
            "drained_seconds": self.drained,
            "core_share": self.core_share,
            "bytes_sent": self.bytes_sent,
            "latency_ms": {
                name: {f"p{share:g}": latency.at(share) for share in PERCENTILES} for name, latency in latencies.items()
            },
            "histograms": {name: latency.encoded() for name, latency in latencies.items()},
            "seconds": [asdict(second) for second in self.seconds],
        }

"""Metrics of what every report counts: plain numbers while it is counted, the library's families when they are read.

The library's own counters take a lock and look at their labels each time, several microseconds a report; only the
event loop counts here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector


class Counts(Collector):
    """A counter by one label, whose values are a closed list and all there from the start.

    ``by``: what was counted, by value; count with ``by[value] += 1``.
    """

    def __init__(
        self, name: str, sentence: str, label: str, values: Iterable[str], registry: CollectorRegistry
    ) -> None:
        self._name, self._sentence, self._label = name, sentence, label
        self.by = dict.fromkeys(values, 0)
        registry.register(self)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The family, as the registry asks for it."""
        family = CounterMetricFamily(self._name, self._sentence, labels=(self._label,))
        for value, count in self.by.items():
            family.add_metric((value,), count)
        yield family


class Sum(Collector):
    """A counter without a label: ``total`` is what was counted."""

    def __init__(self, name: str, sentence: str, registry: CollectorRegistry) -> None:
        self._name, self._sentence = name, sentence
        self.total = 0
        registry.register(self)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The family, as the registry asks for it."""
        yield CounterMetricFamily(self._name, self._sentence, value=self.total)


class Times(Collector):
    """A histogram of seconds, by upper bounds (floats) that are sorted; one more bucket holds what is above them."""

    def __init__(self, name: str, sentence: str, bounds: Sequence[float], registry: CollectorRegistry) -> None:
        self._name, self._sentence = name, sentence
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe(self, seconds: float) -> None:
        """Count one that took so long; a bound belongs to its bucket."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The family, as the registry asks for it."""
        names = [str(bound) for bound in self._bounds] + ["+Inf"]
        buckets = list(zip(names, accumulate(self._counts), strict=True))
        family = HistogramMetricFamily(self._name, self._sentence)
        family.add_metric((), buckets=buckets, sum_value=self._sum)
        yield family

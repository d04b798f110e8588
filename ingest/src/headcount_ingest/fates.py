"""What becomes of reports, for completeness: each request's outcome, by what the device does then."""

from __future__ import annotations

from collections.abc import Iterator

from headcount_wire.problems import Problem, Verdict
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from headcount_ingest.counted import Counts

ACCEPTED = "accepted"
NO_REPORT = frozenset({"policy", Problem.NOT_FOUND.slug, Problem.METHOD.slug})
"""Outcomes of requests that brought no report."""

_VERDICTS = {problem.slug: problem.verdict for problem in Problem} | {"gone": Verdict.KEEP}


class Fates(Collector):
    """Sums the outcomes by fate when they are asked for; answers pay nothing for it."""

    def __init__(self, outcomes: Counts) -> None:
        self._outcomes = outcomes

    def describe(self) -> list[CounterMetricFamily]:
        """The metric without its values."""
        return [
            CounterMetricFamily(
                "headcount_edge_reports",
                "Reports by their fate: accepted, or what the refusal has a device do (drop: lost, keep: comes again).",
                labels=("fate",),
            )
        ]

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The metric, each fate present from the start."""
        sums = dict.fromkeys((ACCEPTED, *(verdict.value for verdict in Verdict)), 0)
        for outcome, count in self._outcomes.by.items():
            if outcome not in NO_REPORT:
                sums[ACCEPTED if outcome == ACCEPTED else _VERDICTS[outcome].value] += count
        (family,) = self.describe()
        for fate, total in sums.items():
            family.add_metric((fate,), total)
        yield family

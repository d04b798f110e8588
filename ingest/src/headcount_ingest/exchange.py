"""One request and what becomes of it: the path is driven here, its one outcome is counted here."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from headcount_wire.problems import Dropped, Problem

from headcount_ingest.arrive import Body
from headcount_ingest.edge import Edge
from headcount_ingest.head import Head
from headcount_ingest.outcomes import Accepted, Outcome, Refused
from headcount_ingest.respond import respond

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.edge")


class Exchange:
    """A request under way, and its ``outcome`` once it is over.

    ``arrived``: nothing more of its body will come. ``last``: the connection ends behind it. ``bare``: a HEAD.
    """

    __slots__ = ("_began", "_edge", "_over", "_path", "arrived", "bare", "body", "last", "outcome")

    def __init__(self, edge: Edge, *, last: bool, bare: bool) -> None:
        self.body = Body()
        self.outcome: Outcome | None = None
        self.arrived = False
        self.last = last
        self.bare = bare
        self._edge = edge
        self._began = edge.clock.monotonic()
        self._path: Coroutine[Any, None, Outcome]
        self._over: Callable[[], None]

    @classmethod
    def refused(cls, edge: Edge, outcome: Refused) -> Exchange:
        """What was no request, with the outcome it gets all the same."""
        made = cls(edge, last=True, bare=False)
        made.outcome = outcome
        count(edge, outcome)
        return made

    def begin(self, head: Head, over: Callable[[], None]) -> None:
        """Set out; ``over`` is called when there is an outcome."""
        self._path, self._over = respond(head, self.body, self._edge), over
        self.go_on()

    def go_on(self) -> None:
        """Follow the path until it waits for something, or is over."""
        try:
            self._path.send(None).then(self.go_on)
            return
        except StopIteration as end:
            outcome: Outcome = end.value
        except Exception as error:  # the last resort: counted and answered, its text never told to anyone
            log.error("request_failed", kind=type(error).__name__)
            outcome = Refused(Problem.FAILED, self._edge.settings.failed_retry_seconds)
        self.outcome = outcome
        count(self._edge, outcome)
        self._edge.metrics.seconds.observe(self._edge.clock.monotonic() - self._began)
        self._over()


def count(edge: Edge, outcome: Outcome) -> None:
    """Count a request's one outcome, and each tally it dropped.

    A measure that no catalog declares has no name here: a client could make up 65,535 of them.
    """
    edge.metrics.outcomes.by[outcome.name] += 1
    if isinstance(outcome, Accepted):
        edge.metrics.admitted.total += outcome.admitted
        if not outcome.drops:
            return
    if isinstance(outcome, Accepted | Refused):
        edge.missed.note(outcome)
        for (measure, reason), times in outcome.drops.items():
            name = "undeclared" if reason is Dropped.UNKNOWN_MEASURE else str(measure)
            edge.metrics.dropped.labels(str(outcome.customer), name, reason.value).inc(times)

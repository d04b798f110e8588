"""The path of a report through the edge, top to bottom: this is all that happens to it."""

from __future__ import annotations

from aiohttp import web
from headcount_wire import days
from headcount_wire.problems import Problem

from headcount_ingest.admit import Admitted, admit
from headcount_ingest.authenticate import authenticate
from headcount_ingest.decode import decode
from headcount_ingest.edge import Edge
from headcount_ingest.outcomes import Accepted, Outcome, Refused
from headcount_ingest.receive import receive
from headcount_ingest.spool import StorageFailed
from headcount_ingest.strip import strip

STORAGE_RETRY_SECONDS = 30
DRAIN_RETRY_SECONDS = 5


async def take(request: web.Request, edge: Edge) -> Outcome:
    """receive -> authenticate -> decode -> admit -> strip -> spool (sync) -> accepted.

    Each step takes only what the one before it makes, and returns it or a refusal.
    """
    if edge.gate.draining:
        return Refused(Problem.DRAINING, DRAIN_RETRY_SECONDS)
    if edge.gate.disk_is_low:
        return Refused(Problem.STORAGE, STORAGE_RETRY_SECONDS)
    received = await receive(request, edge.rates, edge.gate, edge.settings.body_seconds)
    if isinstance(received, Refused):
        return received
    authentic = authenticate(received, edge.keyring.organisation, edge.rates)
    if isinstance(authentic, Refused):
        return authentic
    decoded = decode(authentic)
    if isinstance(decoded, Refused):
        return decoded
    admitted = admit(decoded, days.utc_day(edge.clock.now()))
    if isinstance(admitted, Refused):
        return admitted
    anonymous = strip(admitted)
    try:
        await edge.spool.append(anonymous)
    except StorageFailed:
        return Refused(Problem.STORAGE, STORAGE_RETRY_SECONDS)
    return _accepted(admitted, edge)


def _accepted(admitted: Admitted, edge: Edge) -> Accepted:
    for (measure, reason), times in admitted.dropped.items():
        edge.metrics.dropped.labels(admitted.app_key.customer.code, measure, reason.value).inc(times)
    refused = sorted({measure for measure, _ in admitted.dropped})
    return Accepted(len(admitted.tallies), admitted.dropped.total(), tuple(refused))

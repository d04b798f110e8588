"""The path of a report through the edge, top to bottom: this is all that happens to it."""

from __future__ import annotations

from headcount_wire import days
from msgspec import structs

from headcount_ingest.admit import admit
from headcount_ingest.arrive import Body, arrive
from headcount_ingest.authenticate import authenticate
from headcount_ingest.decode import decode
from headcount_ingest.edge import Edge
from headcount_ingest.head import Head
from headcount_ingest.outcomes import Accepted, Gone, Outcome, Refused
from headcount_ingest.own import another_s, own
from headcount_ingest.receive import receive
from headcount_ingest.strip import strip
from headcount_ingest.terms import Account

TOGETHER_MOST = 512
"""Reports of so many tallies are held together for the length of a step; larger ones would take too much memory."""

NO_BODY = (Refused, Gone)
"""What there can be instead of a body; a union would be made anew for each report."""


async def take(head: Head, body: Body, edge: Edge) -> Outcome:
    """receive -> authenticate -> arrive -> decode -> own -> admit -> strip -> spool (sync) -> accepted.

    Each step takes only what the one before it makes, and returns it or a refusal. Until a key is
    known a request costs a look at its head. It waits for its body, for the others of its turn, and for the disk.
    """
    received = receive(head, edge.rates)
    if isinstance(received, Refused):
        return received
    authentic = authenticate(received, edge.keyring, edge.rates)
    if isinstance(authentic, Refused):
        return authentic
    if refused := another_s(authentic, edge.fleet, days.utc_day(edge.clock.now())):
        return refused
    room = edge.gate.enter(edge.waits, head.client)
    if isinstance(room, Refused):
        return room
    with room:
        arrived = arrive(authentic, await body.whole(room), edge.keyring)
        if isinstance(arrived, NO_BODY):
            return _of(authentic.account, arrived)
        decoded = decode(arrived)
        if isinstance(decoded, Refused):
            return _of(authentic.account, decoded)
        if decoded.report.tallies <= TOGETHER_MOST:
            await edge.batch  # decode all, then admit all
        edge.rates.report(head.client, decoded.account.key.fingerprint, decoded.report.tallies)
        today = days.utc_day(edge.clock.now())
        edge.metrics.skew(decoded.report.said.created - today)
        owned = own(decoded, edge.fleet, today)
        if isinstance(owned, Refused):
            return owned
        admitted = admit(owned, today)
        if isinstance(admitted, Refused):
            return _of(authentic.account, admitted)
        anonymous = strip(admitted)
        account = admitted.account
        accepted = Accepted(account.customer.code, admitted.count, admitted.drops, account.live_app)
        # While a report waits for the disk, only its record waits with it.
        del received, authentic, arrived, decoded, owned, admitted, account
        return await edge.spool.append(anonymous) or accepted


def _of(account: Account, outcome: Refused | Gone) -> Refused | Gone:
    """A refusal that says whose report it was: for completeness, and for nothing that is answered."""
    if isinstance(outcome, Gone):
        return outcome
    return structs.replace(outcome, customer=account.customer.code, app=account.live_app)

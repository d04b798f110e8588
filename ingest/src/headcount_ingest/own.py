"""The fifth step: whether this node is the one that counts a report, by its id and its creation day.

Of two nodes that both took a report, each would count it. So one owns it, and every other says where that one is.
"""

from __future__ import annotations

from typing import Final

from headcount_wire.problems import Problem

from headcount_ingest.authenticate import Authentic
from headcount_ingest.decode import Decoded, Plain
from headcount_ingest.fleet import FleetShare
from headcount_ingest.outcomes import Refused
from headcount_ingest.terms import Account

NOT_NOTED = Refused(Problem.STORAGE, 30)
"""No report is taken of a day of which the node could not note under which maps; it is tried each second."""


class Owned:
    """A report that this node counts, and no other."""

    __slots__ = ("account", "report", "report_id")

    def __init__(self, report_id: bytes, account: Account, report: Plain) -> None:
        self.report_id: Final = report_id
        self.account: Final = account
        self.report: Final = report


def another_s(authentic: Authentic, share: FleetShare, today: int) -> Refused | None:
    """The refusal of a report that the id alone shows to be another node's, before its body is read."""
    if not share.noted(today):
        return NOT_NOTED
    address = share.elsewhere_by_id(authentic.report_id, today)
    return None if address is None else _refused(address)


def own(decoded: Decoded, share: FleetShare, today: int) -> Owned | Refused:
    """Refuse what another node counts (``today``: UTC); nothing of it is kept."""
    if not share.noted(today):  # midnight came while the body did
        return NOT_NOTED
    address = share.elsewhere(decoded.report_id, decoded.report.said.created)
    if address is not None:
        return _refused(address)
    return Owned(decoded.report_id, decoded.account, decoded.report)


def _refused(address: str) -> Refused:
    return Refused(Problem.NOT_OWNER, extra={"address": address})

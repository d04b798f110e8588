"""The seventh step: what goes to the disk. Codes, sums, canonical context; no name, no key, no header.

``Anonymous`` is the only thing the spool takes, and it can only be made here.
"""

from __future__ import annotations

from typing import Final

from headcount_wire.segment import Stream, encode_source, frame

from headcount_ingest.admit import Admitted
from headcount_ingest.standing import Whose


class Anonymous:
    """One framed record, ready to append. Beside its sums it holds only the one-time report id."""

    __slots__ = ("framed",)

    def __init__(self, framed: bytes) -> None:
        self.framed: Final = framed


def strip(admitted: Admitted) -> Anonymous:
    """Leave everything behind but codes, sums and canonical context values."""
    whose = admitted.whose
    return Anonymous(frame(admitted.report_id, whose.source or _source(whose), admitted.told))


def _source(whose: Whose) -> bytes:
    """Whose a record is, as it holds that; reports that are alike have it written once."""
    account = whose.account
    source = whose.source = encode_source(
        Stream.DEBUG if account.debug else Stream.LIVE,
        whose.created,
        account.customer.partner_code,
        account.customer.code,
        account.app.code,
        whose.catalog,
        whose.context,
        whose.origin,
    )
    return source

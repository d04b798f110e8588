"""The seventh step: what goes to the disk. Codes, sums, canonical context; no name, no key, no header.

``Anonymous`` is the only thing the spool takes, and it can only be made here.
"""

from __future__ import annotations

from typing import Final

from headcount_wire.segment import Stream, encode_values, encode_whose, frame

from headcount_ingest.admit import Admitted
from headcount_ingest.standing import Whence


class Anonymous:
    """One framed record, ready to append. Beside its sums it holds only the one-time report id."""

    __slots__ = ("framed",)

    def __init__(self, framed: bytes) -> None:
        self.framed: Final = framed


def strip(admitted: Admitted) -> Anonymous:
    """Leave everything behind but codes, sums and canonical context values."""
    account, whence = admitted.account, admitted.whence
    whose = encode_whose(
        Stream.DEBUG if account.debug else Stream.LIVE,
        whence.created,
        account.customer.partner_code,
        account.customer.code,
        account.app.code,
        whence.catalog,
    )
    return Anonymous(frame(admitted.report_id, whose + (whence.values or _values(whence)), admitted.told))


def _values(whence: Whence) -> bytes:
    """A context as a record holds it; reports that are alike have it written once."""
    values = whence.values = encode_values(whence.context, whence.origin)
    return values

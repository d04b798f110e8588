"""The seventh step: what goes to the disk. Codes, sums, canonical context; no name, no key, no header.

``Anonymous`` is the only thing the spool takes, and it can only be made here.
"""

from __future__ import annotations

from headcount_wire.segment import Stream, encode_source, frame

from headcount_ingest.admit import Admitted
from headcount_ingest.step import Step


class Anonymous(Step, frozen=True):
    """One framed record, ready to append. Beside its sums it holds only the one-time report id."""

    framed: bytes


def strip(admitted: Admitted) -> Anonymous:
    """Leave everything behind but codes, sums and canonical context values."""
    account = admitted.account
    source = encode_source(
        Stream.DEBUG if account.debug else Stream.LIVE,
        admitted.created,
        account.customer.partner_code,
        account.customer.code,
        account.app.code,
        admitted.catalog,
        admitted.context,
        admitted.origin,
    )
    return Anonymous(frame(admitted.report_id, source, admitted.told))

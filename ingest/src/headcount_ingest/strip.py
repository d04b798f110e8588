"""The sixth step: what goes to the disk. Codes, sums, canonical context; no name, no key, no header.

``Anonymous`` is the only thing the spool takes, and it can only be made here.
"""

from __future__ import annotations

from dataclasses import dataclass

from headcount_wire.segment import Record, Stream, encode_record

from headcount_ingest.admit import Admitted


@dataclass(frozen=True, slots=True)
class Anonymous:
    """One framed record, ready to append. Beside its sums it holds only the one-time report id."""

    framed: bytes


def strip(admitted: Admitted) -> Anonymous:
    """Leave everything behind but codes, sums and canonical context values."""
    key = admitted.app_key
    record = Record(
        stream=Stream.DEBUG if key.debug else Stream.LIVE,
        created=admitted.created,
        partner=key.customer.partner_code,
        customer=key.customer.code,
        app=key.app.code,
        catalog=admitted.catalog,
        context=admitted.context,
        origin=admitted.origin,
        tallies=tuple(admitted.tallies),
    )
    return Anonymous(encode_record(admitted.report_id, record))

"""What may be counted of a day, as a table that a day is held to in one pass: most days are as an SDK tells them."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from headcount_wire.facts import Fact
from librt.strings import read_i64_le
from mypy_extensions import i64

from headcount_ingest.tallies import SCANS, TALLY_BYTES

FACTS = max(Fact) + 1
"""Places for what is used up of a measure's caps, one for each fact."""
_ROW = Struct("<6q")
_ROW_BYTES = _ROW.size
_SAID = Struct("<4sHI")
"""A tally: measure, label and fact as they stand; slot; ``n``."""

Row = tuple[int, int, int, int, int, int, int, bool, int, int]
"""Measure, label, fact; least and most slot; cap; the first number of what it says; whether each slot has a number of
its own; a number for those of a measure and fact that share a cap, 0 where ``n`` alone decides; one for what allows it.
Numbers of what is said are the same for what may not stand twice, and rise in the order in which an SDK tells a day.
"""


class Bounds:
    """The bounds of all that a catalog declares. ``rows``: in the order of their measures, labels and facts."""

    def __init__(self, rows: Iterable[Row]) -> None:
        table: list[bytes] = []
        self._by_what: dict[bytes, tuple[int, int, int, int, int, int, int]] = {}
        for measure, label, fact, least, most, cap, base, rises, share, by in rows:
            kind = by << 2 | bool(share) << 1 | rises
            table.append(_ROW.pack(measure << 16 | label << 8 | fact, least, most, cap, base, kind))
            if not SCANS:
                what = measure.to_bytes(2, "little") + bytes((label, fact))
                self._by_what[what] = (least, most, cap, base, int(rises), share, by)
        self._table = b"".join(table)

    def hold(self, tallies: bytes, allowed: bytes) -> bool:
        """Whether a day is like most: all of it may be counted, and it stands in an SDK's order.

        ``allowed``: a byte for each number of what allows, 1 where it does. Of a day that is not like most this says
        nothing more: then each tally is looked at.
        """
        return self.scan(tallies, allowed) if SCANS else self.look_up(tallies, allowed)

    def scan(self, tallies: bytes, allowed: bytes) -> bool:
        """The same by the numbers themselves: faster where it is compiled, and only there."""
        table = self._table
        rows: i64 = len(table)
        end: i64 = len(tallies)
        at: i64 = 0
        row: i64 = 0
        last: i64 = -1
        measure: i64 = 0
        used: list[int] = []
        while at < end:
            word: i64 = read_i64_le(tallies, at)
            n: i64 = read_i64_le(tallies, at + 2) >> 32 & 0xFFFFFFFF
            fact: i64 = word >> 24 & 0xFF
            key: i64 = (word & 0xFFFF) << 16 | (word >> 8 & 0xFF00) | fact
            slot: i64 = word >> 32 & 0xFFFF
            row = _place(table, key, row)
            if row == rows or read_i64_le(table, row) != key:
                return False
            least: i64 = read_i64_le(table, row + 8)
            cap: i64 = read_i64_le(table, row + 24)
            kind: i64 = read_i64_le(table, row + 40)
            if slot < least or slot > read_i64_le(table, row + 16) or n > cap or not allowed[kind >> 2]:
                return False
            said: i64 = read_i64_le(table, row + 32)
            if kind & 1:
                said += slot - least
            if said <= last:  # what rises stands once
                return False
            last = said
            if kind & 2:
                if word & 0xFFFF != measure:
                    measure, used = word & 0xFFFF, [0] * FACTS
                total: i64 = used[fact] + n
                if total > cap:
                    return False
                used[fact] = total
            at += 10
        return True

    def look_up(self, tallies: bytes, allowed: bytes) -> bool:
        """The same by looking up what each speaks of."""
        by_what = self._by_what
        last = -1
        used: dict[int, int] = {}
        for what, slot, n in _SAID.iter_unpack(tallies):
            found = by_what.get(what)
            if found is None:
                return False
            least, most, cap, base, rises, share, by = found
            said = base + (slot - least) * rises
            if not (least <= slot <= most and n <= cap and allowed[by] and said > last):
                return False
            last = said
            if share:
                used[share] = used.get(share, 0) + n
                if used[share] > cap:
                    return False
        return True


assert (_ROW_BYTES, TALLY_BYTES) == (48, 10)


def _place(table: bytes, key: i64, at: i64) -> i64:
    """Where the row of a key stands, or would stand, from a place on: near it, for the most part."""
    end: i64 = len(table)
    low: i64 = at
    high: i64 = at
    step: i64 = 48
    while high < end and read_i64_le(table, high) < key:
        low = high + 48
        high += step
        step *= 2
    if high > end:
        high = end
    while low < high:
        middle: i64 = low + (high - low) // 96 * 48
        if read_i64_le(table, middle) < key:
            low = middle + 48
        else:
            high = middle
    return low

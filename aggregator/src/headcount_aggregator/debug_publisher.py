"""Hands what debug keys reported from the warehouse's debug table to the debug page. Part of the store process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headcount_wire.segment import Stream

from headcount_aggregator import debug_counts
from headcount_aggregator.cells import CellQuery, CellReader, Column
from headcount_aggregator.debug_counts import DebugCount, DebugCounts

_BY: tuple[Column, ...] = ("day", "measure", "label", "fact", "slot", "breakdown", "value1")


class DebugPublisher:
    """Writes one file an app. It reads the debug stream only, so that no live number can get in."""

    def __init__(self, releases: Path, reader: CellReader) -> None:
        self._releases = releases
        self._reader = reader

    def publish(self, moment: float) -> None:
        """Write what the debug table holds now; a file whose rows are gone is removed."""
        folder = self._releases / debug_counts.FOLDER
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept: set[Path] = set()
        for customer, app, first, last in {tuple(span[1:]) for span in self._reader.spans(Stream.DEBUG)}:
            path = debug_counts.file_of(self._releases, customer, app)
            kept.add(path)
            self._write(path, self._counts(customer, app, first, last), moment)
        for path in folder.glob("*.json"):
            if path not in kept:
                path.unlink()

    def _counts(self, customer: int, app: int, first: int, last: int) -> list[DebugCount]:
        query = CellQuery(first, last, _BY, customers=(customer,), apps=(app,), breakdowns=None, stream=Stream.DEBUG)
        # One dimension says what a context was; two would only say it again.
        return [
            DebugCount(row.day, row.measure, row.label, row.fact, row.slot, row.breakdown, row.value1, row.n)
            for row in self._reader.sums(query)
            if row.breakdown % 8 == 0
        ]

    def _write(self, path: Path, counts: Sequence[DebugCount], moment: float) -> None:
        before = debug_counts.read(path)
        if list(before.counts) == list(counts):
            return
        sums = {_key(count): count.n for count in before.counts}
        grown = any(count.n > sums.get(_key(count), 0) for count in counts)
        # Rows that went away are no news of a device.
        seen = moment if grown or before.seen is None else before.seen
        path.with_suffix(".tmp").write_bytes(debug_counts.encode(DebugCounts(seen, counts)))
        path.with_suffix(".tmp").rename(path)


def _key(count: DebugCount) -> tuple[int | str, ...]:
    return count.day, count.measure, count.label, count.fact, count.slot, count.breakdown, count.value

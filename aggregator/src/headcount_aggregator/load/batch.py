"""One batch of segments on its way to a unit: gathered by group, then folded one group at a time.

Gathering holds each new report's tallies as the bytes they came in. Only one group's sums are in memory at once, so
what a batch takes is bounded by the bytes of its segments, not by what stands in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from headcount_wire.organisation import Organisation
from headcount_wire.segment import Stream
from headcount_wire.segment_slices import TALLY_BYTES, Source, source_of

from headcount_aggregator.load.account import Account
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.fold import Folder, Part
from headcount_aggregator.load.groups import (
    WHOLE,
    Fate,
    Group,
    GroupKey,
    Groups,
    fate,
    merged,
    pack,
    unpack,
)
from headcount_aggregator.load.rows import Block, RowWriter
from headcount_aggregator.load.seen import Seen
from headcount_aggregator.load.spool_reader import records_of
from headcount_aggregator.load.versions import AppVersions, Versions
from headcount_aggregator.periods import day_frozen_from


class Unbalanced(Exception):
    """More or fewer tallies would be committed than were read: a fault of the program, and nothing is committed."""


@dataclass(slots=True)
class Gathered:
    """New reports of one group: how many, and their tallies by source."""

    reports: int = 0
    told: dict[bytes, list[bytes]] = field(default_factory=dict)


@dataclass(slots=True)
class Batch:
    """What some segments hold that was not counted before."""

    versions: Versions
    groups: dict[GroupKey, Gathered] = field(default_factory=dict)
    ids: dict[bytes, int] = field(default_factory=dict)
    sources: list[Path] = field(default_factory=list)
    account: Account = field(default_factory=Account)
    duplicates: int = 0
    quarantined: int = 0
    damaged: int = 0
    lost: int = 0


@dataclass(slots=True)
class _Route:
    """Where the reports of one source go: by local day, their group and its list of tallies."""

    source: Source
    days: dict[int, tuple[Gathered, list[bytes]]] = field(default_factory=dict)
    read: int = 0
    repeated: int = 0
    counted: int = 0


def gather(paths: list[Path], seen: Seen, versions: Versions, fold_day: int, disk: Disk) -> Batch:
    """Read segments, drop ids that were seen, and put the rest by group. Changes neither ``seen`` nor ``versions``."""
    batch = Batch({whose: dict(mine) for whose, mine in versions.items()})
    routes: dict[bytes, _Route] = {}
    ids = batch.ids
    for path in paths:
        found = records_of(path, disk)
        if found is None:
            batch.quarantined += 1
            continue
        batch.sources.append(path)
        batch.damaged += bool(found.gaps)
        batch.lost += found.gaps
        for report_id, source, told in found.records:
            route = routes.get(source)
            if route is None:
                route = routes[source] = _Route(source_of(source))
            route.read += 1
            if report_id in ids or report_id in seen:
                route.repeated += 1
                continue
            ids[report_id] = route.source.created
            route.counted += 1
            for day, tallies in told:
                place = route.days.get(day)
                if place is None:
                    place = route.days[day] = _place(batch, source, route.source, day, fold_day)
                place[0].reports += 1
                place[1].append(tallies)
    for route in routes.values():
        key = (route.source.app, route.source.created)
        batch.account.read[key] += route.read
        batch.account.repeated[key] += route.repeated
        batch.duplicates += route.repeated
    new = [(route.source, route.counted) for route in routes.values() if route.counted]
    for whose, counted in new:
        batch.account.counted[whose.app, whose.created] += counted
    AppVersions(batch.versions).count(new, fold_day)
    return batch


def _place(batch: Batch, raw: bytes, source: Source, day: int, fold_day: int) -> tuple[Gathered, list[bytes]]:
    late = int(fold_day >= day_frozen_from(day))
    key = GroupKey(source.stream, source.partner, source.customer, source.app, day, late)
    gathered = batch.groups.get(key)
    if gathered is None:
        gathered = batch.groups[key] = Gathered()
    return gathered, gathered.told.setdefault(raw, [])


class BatchSums:
    """The sums of a batch and of what was carried: some are loaded, some are carried on (``carry``).

    ``debug`` and ``live`` are to be read to their end, once each, before ``carry`` is used.
    """

    def __init__(self, batch: Batch, carry: Groups, organisation: Organisation, today: int) -> None:
        self.carry: Groups = {}
        self._groups = batch.groups
        self._carried = carry
        self._folder = Folder(organisation, AppVersions(batch.versions))
        self._told = {key: sum(map(_lines, found.told.values())) for key, found in batch.groups.items()}
        self._summed = self._difference = 0
        self._fates: dict[GroupKey, Fate] = {}
        for key in sorted({*batch.groups, *carry}):
            self._fates[key] = fate(key, self._reports(key), today)

    @property
    def anything(self) -> bool:
        """Whether anything would be loaded."""
        return any(found is not Fate.WAIT for found in self._fates.values())

    def debug(self, load_day: int) -> Iterator[tuple[Block, bytes]]:
        """The rows of what debug keys sent, block by block."""
        return self._rows(load_day, [key for key in self._fates if key.stream == Stream.DEBUG])

    def live(self, load_day: int) -> Iterator[tuple[Block, bytes]]:
        """All other rows, block by block; what waits goes to ``carry``."""
        return self._rows(load_day, [key for key in self._fates if key.stream != Stream.DEBUG])

    def must_balance(self) -> None:
        """Raises ``Unbalanced`` unless each tally that was gathered is in a total, loaded or carried, exactly once."""
        if self._summed != sum(self._told.values()) or self._difference:
            raise Unbalanced

    def _reports(self, key: GroupKey) -> int:
        carried, gathered = self._carried.get(key), self._groups.get(key)
        return (carried.reports if carried else 0) + (gathered.reports if gathered else 0)

    def _rows(self, load_day: int, keys: list[GroupKey]) -> Iterator[tuple[Block, bytes]]:
        writer = RowWriter(load_day)
        for key in keys:
            if key in self._carried and key not in self._groups and self._fates[key] is Fate.WAIT:
                self.carry[key] = self._carried[key]
                continue
            if self._fates[key] is Fate.WAIT:
                self.carry[key] = Group(self._reports(key), pack(merged(part.cuts for part in self._parts(key))))
                continue
            for part in self._parts(key):
                for cut, sums in part.cuts.items():
                    if self._fates[key] is Fate.ALL or cut == WHOLE:
                        yield from writer.add(key, cut, sums)
        yield from writer.end()

    def _parts(self, key: GroupKey) -> Iterator[Part]:
        """What was carried of a group, added to what is new of it; the new tallies are let go of as they are read."""
        carried, gathered = self._carried.get(key), self._groups.pop(key, None)
        held = unpack(carried.packed) if carried else {}
        for part in self._folder.fold(gathered.told if gathered else {}):
            self._summed += part.tallies
            expected = part.total + sum(held.get(WHOLE, {}).values())
            part.cuts, held = merged((held, part.cuts)) if held else part.cuts, {}
            self._difference += abs(sum(part.cuts.get(WHOLE, {}).values()) - expected)
            yield part


def _lines(tallies: list[bytes]) -> int:
    return sum(map(len, tallies)) // TALLY_BYTES

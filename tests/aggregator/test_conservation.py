"""Nothing appears and nothing is lost: small groups wait, every report is accounted for, rows are what they say."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from headcount_aggregator.cells import Cell
from headcount_aggregator.load import rows as rows_module
from headcount_aggregator.load.batch import BatchSums, Unbalanced
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.fold import Folder
from headcount_aggregator.load.groups import WHOLE, GroupKey, unpack, waits_until
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.load.reconcile import checksum
from headcount_aggregator.load.rows import Block, RowWriter
from headcount_aggregator.load.seen import Seen
from headcount_aggregator.load.unit import Units
from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.dialect import Dialect
from headcount_aggregator.warehouse.tables import Table, encode_rows
from headcount_wire import limits
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import Organisation
from headcount_wire.segment import Record, pack_tally
from headcount_wire.segment_slices import unpack_tally
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.aggregator.conftest import TODAY, Spooled, record_of, spool

DAY = 86_400.0
Sum = tuple[int, ...]


class Landed:
    """A warehouse that keeps the rows it is given, by unit and row: what the loader pushes, without an engine."""

    def __init__(self) -> None:
        self.dialect = Dialect((26, 0))
        self.rows: dict[tuple[bytes, int], Cell] = {}

    @property
    def shards(self) -> Sequence[Warehouse]:
        return (self,)

    @property
    def replicas(self) -> Sequence[Warehouse]:
        return (self,)

    def insert(self, table: Table, block: bytes) -> None:
        if table is Table.LANDING:
            self.rows |= {(unit, row): cell for unit, row, cell in decoded(block)}

    def query(self, statement: str) -> list[tuple[int, ...]]:
        assert "watermark" in statement
        return [(0,)]

    def execute(self, statement: str) -> None:
        raise AssertionError(statement)

    def close(self) -> None:
        pass


def decoded(block: bytes) -> list[tuple[bytes, int, Cell]]:
    """RowBinary rows of landing, read by the table's own columns."""
    sizes = {"UInt8": 1, "UInt16": 2, "UInt32": 4, "Int64": 8, "Date": 2}
    found, at = [], 0
    while at < len(block):
        values: list[int | str | bytes] = []
        for _, kind in Table.LANDING.columns:
            if kind == "Text":
                values.append(block[at + 1 : at + 1 + block[at]].decode())
                at += 1 + block[at]
            else:
                size = sizes.get(kind, 16)
                raw, at = block[at : at + size], at + size
                values.append(raw if kind.startswith("Fixed") else int.from_bytes(raw, "little"))
        unit, row, _, *cell = values
        assert isinstance(unit, bytes)
        assert isinstance(row, int)
        found.append((unit, row, Cell(*cell)))  # type: ignore[arg-type]  # as the columns say
    return found


class World:
    """What was sent, by group, and what the loader holds of it."""

    def __init__(self, folder: Path, organisation: Organisation, draw: random.Random) -> None:
        self.folder, self.draw = folder, draw
        self.organisation = organisation
        self.clock = ManualClock(TODAY * DAY + 100.0)
        self.landed = Landed()
        self.sent: dict[GroupKey, Counter[Sum]] = {}
        self.reports: Counter[GroupKey] = Counter()
        self.spooled = Spooled()
        self.waiting: list[Record] = []
        self.repeats: list[tuple[bytes, Record]] = []
        (folder / "spool").mkdir(parents=True)
        self.loader = self.open()

    def open(self) -> Loader:
        return Loader(
            self.folder / "spool", self.folder / "units", self.organisation, self.landed, self.clock
        )  # fmt: skip

    def send(self, count: int, back: int, customer: int) -> None:
        """Some reports of one Customer's day, and some sent before."""
        today = int(self.clock.now() // DAY)
        records = [
            (self.draw.randbytes(16), record_of(self.draw, day=today - back, customer=customer)) for _ in range(count)
        ]
        again = self.draw.sample(self.repeats, k=min(len(self.repeats), 2))
        spool(self.folder / "spool", records + again, f"w{count % 2}", count=self.spooled)
        self.repeats += records
        self.waiting += [record for _, record in records]

    def load(self) -> None:
        """Load what was sent: whether it is late is decided now."""
        today = int(self.clock.now() // DAY)
        for record in self.waiting:
            for day in {tally[0] for tally in record.tallies}:
                late = int(today >= day + 1 + 3)
                key = GroupKey(record.stream, record.partner, record.customer, record.app, day, late)
                self.reports[key] += 1
                for of, *what, n in record.tallies:
                    if of == day:
                        self.sent.setdefault(key, Counter())[tuple(what)] += n
        self.waiting.clear()
        self.loader.load_once()

    def check(self) -> None:
        """No small group is landed before its day froze, then as totals only; landed and carried are what was sent."""
        today = int(self.clock.now() // DAY)
        held: dict[GroupKey, Counter[Sum]] = {}
        cut: Counter[GroupKey] = Counter()
        for cell in self.landed.rows.values():
            key = GroupKey(*cell[:6])
            if cell.breakdown == 0:
                held.setdefault(key, Counter())[cell[6:10]] += cell.n
            else:
                cut[key] += 1
        for key in held:
            small = self.reports[key] < limits.GROUP_REPORTS_MIN
            assert not small or today >= waits_until(key), "a handful of devices is in the warehouse"
            assert not (small and cut[key]), "a handful of devices is cut"
        for key, group in self.loader._carry.items():
            assert group.reports < limits.GROUP_REPORTS_MIN
            for what, n in unpack(group.packed)[WHOLE].items():
                held.setdefault(key, Counter())[unpack_tally(what + bytes(4))[:4]] += n
        assert held == self.sent


STEP = st.one_of(
    st.tuples(st.just("send"), st.integers(1, 30), st.integers(0, 5), st.sampled_from((11, 12))),
    st.tuples(st.just("load")),
    st.tuples(st.just("restart")),
    st.tuples(st.just("day")),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=3, max_size=12), seed=st.integers(0, 1000))
def test_no_handful_is_loaded_and_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory, organisation: Organisation, steps: list[tuple[object, ...]], seed: int
) -> None:
    """After any sending, loading, restarting and passing of days: no small group is loaded, every sum is somewhere."""
    world = World(tmp_path_factory.mktemp("world"), organisation, random.Random(seed))
    for name, *arguments in [*steps, ("load",)]:
        match name:
            case "send":
                world.send(*arguments)  # type: ignore[arg-type]  # as the strategy says
                continue
            case "restart":
                world.loader.close()
                world.loader = world.open()
            case "day":
                world.clock.advance(DAY)
        world.load()
        world.check()
        assert world.loader.account.unexplained() == {}
        assert world.loader.drift() == 0
    account = world.loader.account
    assert sum(account.read.values()) == sum(account.counted.values()) + sum(account.repeated.values())
    assert sum(account.counted.values()) == len(world.spooled.ids)
    world.loader.close()


def test_rows_are_those_of_the_table_and_blocks_are_full(tmp_path: Path) -> None:
    """Rows are byte for byte what the table's encoder writes, with its checksum; no block is larger than it may be."""
    draw = random.Random(1)
    writer, expected = RowWriter(TODAY, rows_most=7), []
    written: list[tuple[Block, bytes]] = []
    for number in range(6):
        key = GroupKey(0, draw.randrange(9), 11, 3, TODAY - number, number % 2)
        cut = (number and 13, "ios" if number else "", "3.1" if number else "")
        sums = {pack_tally(2, n, 1, n * 40, 0)[:6]: draw.randrange(2**40) for n in range(number + 2)}
        written += writer.add(key, cut, sums)
        expected += [(*key, *unpack_tally(what + bytes(4))[:4], *cut, n) for what, n in sums.items()]
    written += writer.end()
    assert [block.rows for block, _ in written] == [7, 7, 7, len(expected) - 21]
    for place, (block, data) in enumerate(written):
        rows = [
            (bytes.fromhex(block.unit), row, TODAY, *cell)
            for row, cell in enumerate(expected[7 * place : 7 * place + 7])
        ]
        assert data == encode_rows(Table.LANDING, rows)
        assert (block.checksum, block.total) == (checksum(rows), sum(int(row[-1]) for row in rows))


def test_a_unit_of_many_blocks_is_pushed_whole(tmp_path: Path, loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit larger than a block is several inserts under one commit; each is reconciled by itself."""
    monkeypatch.setattr(rows_module.RowWriter.__init__, "__defaults__", (100,))
    monkeypatch.setattr(Folder.__init__, "__defaults__", (50,))
    draw, count = random.Random(2), Spooled()
    spool(tmp_path / "spool", [(draw.randbytes(16), record_of(draw)) for _ in range(200)], count=count)
    loader.load_once()
    (header,) = Units(tmp_path / "units", Disk()).headers()
    assert len(header.blocks) > 3
    assert all(block.rows <= 100 for block in header.blocks)
    assert loader.reconcile() == 0
    rows = loader._warehouse.query(
        f"SELECT toUInt16(day), measure, label, fact, slot, toString(sum(n)) FROM {Table.LANDING.sql} FINAL "
        "WHERE breakdown = 0 GROUP BY day, measure, label, fact, slot"
    )
    assert {tuple(row[:5]): int(row[5]) for row in rows} == count.totals


class LosesATally(BatchSums):
    """Bug: the first tally of the batch is dropped."""

    def _rows(self, load_day, keys):  # type: ignore[no-untyped-def]  # as it is there
        for gathered in self._groups.values():
            first = next(iter(gathered.told.values()))
            first[0] = first[0][10:]
            break
        return super()._rows(load_day, keys)


def test_a_batch_that_does_not_add_up_is_not_committed(
    tmp_path: Path, loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tally that was read and would be in no sum stops the commit: the segments stay, no unit is made."""
    draw, count = random.Random(3), Spooled()
    spool(tmp_path / "spool", [(draw.randbytes(16), record_of(draw)) for _ in range(30)], count=count)
    monkeypatch.setattr("headcount_aggregator.load.loader.BatchSums", LosesATally)
    with pytest.raises(Unbalanced):
        loader.load_once()
    monkeypatch.undo()
    assert list((tmp_path / "spool").glob("*/*.seg"))
    assert not Units(tmp_path / "units", Disk()).numbers()
    assert loader.load_once().records == 30


def test_ids_are_remembered_exactly_and_take_little() -> None:
    """Of a hundred thousand ids none is forgotten and none made up, at no more than 32 bytes each; a day goes whole."""
    draw, seen = random.Random(4), Seen()
    ids = [draw.randbytes(16) for _ in range(100_000)] + [bytes(16)]
    seen.add((report_id, TODAY + place % 2) for place, report_id in enumerate(ids))
    seen.add((report_id, TODAY) for report_id in ids[:10:2])
    assert all(report_id in seen for report_id in ids)
    assert not any(draw.randbytes(16) in seen for _ in range(100_000))
    assert seen.size <= 32 * len(ids)
    seen.forget(TODAY + 1)
    assert [report_id in seen for report_id in ids[:6]] == [False, True] * 3


def test_a_unit_of_an_older_form_is_taken_over(tmp_path: Path, loader: Loader, organisation: Organisation) -> None:
    """A store that is upgraded between commit and push pushes the old unit, and goes on with what it carried."""
    draw = random.Random(5)
    name = draw.randbytes(16)
    rows = [(name, row, TODAY, 0, 5, 11, 3, TODAY, 0, 1, 0, 4, row + 1, 0, "", "", 3) for row in range(3)]
    carried = [[0, 5, 11, 3, TODAY, 0, 19, [[1, 0, 5, 2, 0, "", "", 19], [1, 0, 5, 2, 8, "ios", "", 19]]]]
    write_version_3(tmp_path / "units", 1, name, rows, carried)
    loader.close()
    again = Loader(tmp_path / "spool", tmp_path / "units", organisation, loader._warehouse, loader._clock)
    again.load_once()
    count = Spooled()
    spool(tmp_path / "spool", [(draw.randbytes(16), record_of(draw))], count=count)
    again.load_once()
    found = again._warehouse.query(f"SELECT fact, toString(sum(n)) FROM {Table.LANDING.sql} FINAL "
                                   "WHERE breakdown = 0 AND measure = 1 GROUP BY fact ORDER BY fact")  # fmt: skip
    assert [tuple(map(int, row)) for row in found] == [(4, 10), (5, 20)]
    assert again.reconcile() == 0
    loader._lock = os.dup(again._lock)
    again.close()


def write_version_3(
    folder: Path, number: int, name: bytes, rows: Sequence[tuple[int | str | bytes, ...]], carry: object
) -> None:
    """A unit as version 3 wrote it: header, state and rows in one file."""
    import hashlib
    import json

    block = encode_rows(Table.LANDING, rows)
    rest = json.dumps({"carry": carry, "versions": []}).encode() + b"\n" + block
    head = {
        "v": 3, "sha256": hashlib.sha256(rest).hexdigest(), "number": number, "unit": name.hex(), "load_day": TODAY,
        "sources": [], "records": 0, "duplicates": 0, "rows": len(rows), "total": 9,
        "checksum": checksum(rows), "debug_rows": 0,
    }  # fmt: skip
    (folder / f"{number:012d}.unit").write_bytes(json.dumps(head).encode() + b"\n" + rest)

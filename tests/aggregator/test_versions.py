"""Which app versions are kept apart: nobody's made-up ones push another's real ones out."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from headcount_aggregator.cell_reader import WarehouseCells
from headcount_aggregator.cells import CellQuery
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.load.versions import AppVersions, Version, Versions, from_plain, settled, to_plain
from headcount_aggregator.warehouse.embedded import Embedded
from headcount_wire import limits
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import Organisation, parse_organisation
from headcount_wire.segment import Record, Stream, encode_source
from headcount_wire.segment_slices import Source, source_of

from tests.aggregator.conftest import CUT_CATALOG, ORGANISATION, TODAY, Spooled, record_of, spool

FULL = limits.LIVE_APP_VERSIONS
RIVAL = '[customers.rival]\ncode = 12\npolicy = { version = 1, purposes = ["usage", "context"] }\n'


def of_version(
    draw: random.Random, version: str, *, customer: int = 11, stream: Stream = Stream.LIVE, day: int = TODAY
) -> tuple[bytes, Record]:
    record = record_of(draw, day=day, customer=customer, stream=stream)
    context = (*record.context[:4], version, record.context[5])
    return draw.randbytes(16), replace(record, context=context, origin=None)


def source_of_record(record: Record) -> Source:
    return source_of(encode_source(*(getattr(record, name) for name in Source._fields)))


def people_by_version(warehouse: Embedded, customer: int = 11) -> dict[str, int]:
    query = CellQuery(0, 65_000, ("value1",), (customer,), measures=(1,), labels=(0,), facts=(5,), breakdowns=(40,))
    return {row.value1: row.n for row in WarehouseCells(warehouse).sums(query)}


def by_version(folder: Path) -> Organisation:
    (folder / "catalog.toml").write_text(CUT_CATALOG.replace('["os"]', '["os", "app_version"]'))
    return parse_organisation(ORGANISATION + RIVAL, folder)


def test_what_others_make_up_costs_a_customer_nothing(tmp_path: Path, warehouse: Embedded, clock: ManualClock) -> None:
    """Versions made up under a rival's keys, and under a developer's key of its own, leave a Customer's as they are."""
    loader = Loader(tmp_path / "spool", tmp_path / "units", by_version(tmp_path), warehouse, clock)
    draw, count = random.Random(1), Spooled()
    made_up = [
        of_version(draw, f"{9000 + n}.1", customer=customer, stream=stream)
        for n in range(FULL)
        for customer, stream in ((12, Stream.DEBUG), (12, Stream.LIVE), (11, Stream.DEBUG))
        for _ in range(5)
    ]
    spool(tmp_path / "spool", made_up, count=count)
    loader.load_once()
    spool(tmp_path / "spool", [of_version(draw, "3.3") for _ in range(30)], count=count)
    loader.load_once()
    assert people_by_version(warehouse) == {"3.3": 30}
    loader.close()


def test_the_most_reported_take_the_places(tmp_path: Path, warehouse: Embedded, clock: ManualClock) -> None:
    """Made-up versions that fill every place of a Customer's own app give way to real ones, also after a restart."""
    organisation = by_version(tmp_path)
    loader = Loader(tmp_path / "spool", tmp_path / "units", organisation, warehouse, clock)
    draw, count = random.Random(2), Spooled()
    spool(tmp_path / "spool", [of_version(draw, f"{9000 + n}.1") for n in range(FULL)], count=count)
    loader.load_once()
    loader.close()
    again = Loader(tmp_path / "spool", tmp_path / "units", organisation, warehouse, clock)
    spool(tmp_path / "spool", [of_version(draw, version) for version in ("3.3", "3.4") for _ in range(25)], count=count)
    again.load_once()
    found = people_by_version(warehouse)
    assert (found["3.3"], found["3.4"]) == (25, 25)
    spool(tmp_path / "spool", [of_version(draw, f"{8000 + n}.1") for n in range(FULL)], count=count)
    again.load_once()
    found = people_by_version(warehouse)
    assert (found["3.3"], found["other"]) == (25, FULL)
    again.close()


def test_a_version_out_of_use_makes_room() -> None:
    """A version not seen for the days a report can speak of is forgotten; the next one takes its place at once."""
    old = {f"1.{n}": Version(TODAY, 1_000.0, live=True) for n in range(FULL)}
    later = TODAY + limits.TALLY_PAST_DAYS
    for today, taken in ((later, False), (later + 1, True)):
        assert settled({**old, "2.0": Version(today, 1.0)}, today)["2.0"].live is taken


def test_reports_weigh_less_as_they_age() -> None:
    """A version that was reported a thousand times a month ago gives way to one reported two hundred times today."""
    old = {f"1.{n}": Version(TODAY, 1_000.0, live=True) for n in range(FULL)}
    assert settled({**old, "2.0": Version(TODAY + 28, 200.0)}, TODAY + 28)["2.0"].live
    assert not settled({**old, "2.0": Version(TODAY, 200.0)}, TODAY)["2.0"].live


def test_what_is_remembered_is_bounded_and_survives_its_bytes() -> None:
    """However many versions are made up, a Customer's app has a bounded list; a unit gives it back as it was."""
    draw, kept = random.Random(3), Versions()
    versions = AppVersions(kept)
    versions.count([(source_of_record(of_version(draw, f"{n}.1")[1]), 1) for n in range(2_000)], TODAY)
    (mine,) = kept.values()
    assert sum(found.live for found in mine.values()) == FULL
    assert len(mine) == 4 * FULL
    assert from_plain(to_plain(kept)) == kept
    assert from_plain([[3, [["1.0", TODAY]]]]) == {}

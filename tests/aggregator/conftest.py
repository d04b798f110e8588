"""A real chDB in a temporary folder, an organisation, and a spool to write into."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.warehouse import Warehouse
from headcount_ingest.disk import Disk as SpoolDisk
from headcount_ingest.spool import SegmentWriter
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import Organisation, parse_organisation
from headcount_wire.segment import Record, Stream, encode_record

from tests.homes.fresh import fresh_warehouse
from tests.sdk.conftest import CATALOG_TEXT

TODAY = 20_000
CUT_CATALOG = CATALOG_TEXT.replace('description = "Used."', 'description = "Used."\nbreakdowns = ["os"]').replace(
    'description = "Joined."', 'description = "Joined."\nbreakdowns = ["os", "os x app_version"]'
)
ORGANISATION = """\
[operator]
name = "Example Video"
[partners.north]
code = 5
[customers.acme]
code = 11
partner = "north"
policy = { version = 1, purposes = ["usage", "context"] }
[apps.meet]
code = 3
catalogs = ["catalog.toml"]
"""


@pytest.fixture
def organisation(tmp_path: Path) -> Organisation:
    (tmp_path / "catalog.toml").write_text(CUT_CATALOG)
    return parse_organisation(ORGANISATION, tmp_path)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A module with ``HOMES`` proves its claims in each of them; the others use the embedded warehouse."""
    homes = getattr(metafunc.module, "HOMES", None)
    if homes and "warehouse" in metafunc.fixturenames:
        metafunc.parametrize("warehouse", homes, indirect=True)


@pytest.fixture
def warehouse(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """An empty warehouse, of the home that the test is run for."""
    with fresh_warehouse(getattr(request, "param", "embedded"), tmp_path / "warehouse", request) as found:
        yield found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(TODAY * 86_400.0 + 43_200.0)


@pytest.fixture
def loader(tmp_path: Path, organisation: Organisation, warehouse: Warehouse, clock: ManualClock) -> Iterator[Loader]:
    found = Loader(tmp_path / "spool", tmp_path / "units", organisation, warehouse, clock)
    yield found
    found.close()


def record_of(draw: random.Random, day: int = TODAY, stream: Stream = Stream.LIVE, customer: int = 11) -> Record:
    """A record as an edge spools it: an active day, some meetings, a context."""
    system = draw.choice(["ios", "android", "unknown"])
    meetings = draw.randint(1, 5)
    tallies = (
        (day, 1, 0, 4, draw.randint(1, 31), 1),
        (day, 1, 0, 5, draw.randint(0, 31), 1),
        (day, 2, draw.choice([1, 2, 3]), 1, 0, meetings),
        (day, 2, 0, 2, 0, 1),
    )
    context = (system, "unknown", "unknown", "unknown", draw.choice(["3.0", "3.1"]), "unknown")
    origin = ("windows", *context[1:]) if draw.random() < 0.2 else None
    return Record(stream, day, 5, customer, 3, 1, context, origin, tallies)


@dataclass
class Spooled:
    """What was spooled, and the totals that must come out of it."""

    totals: Counter[tuple[int, int, int, int, int]] = field(default_factory=Counter)
    ids: list[bytes] = field(default_factory=list)


def spool(folder: Path, records: list[tuple[bytes, Record]], worker: str = "w0", *, count: Spooled) -> None:
    """Write records into a sealed segment of a worker, and count those whose id is new."""
    writer = SegmentWriter(folder / worker, ManualClock(TODAY * 86_400.0 + len(count.ids)), SpoolDisk())
    writer.commit(b"".join(encode_record(report_id, record) for report_id, record in records))
    writer.close()
    for report_id, record in records:
        if report_id not in count.ids:
            count.ids.append(report_id)
            for day, measure, label, fact, slot, n in record.tallies:
                count.totals[day, measure, label, fact, slot] += n

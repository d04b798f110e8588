"""What is timed: the closed list. Each case makes what it needs when it is first called, in pyperf's own process."""

from __future__ import annotations

import atexit
import gzip
import shutil
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headcount_wire.catalog import Catalog
    from headcount_wire.report import Report

CATALOG_FILE = Path(__file__).parents[1] / "edge/catalog.toml"
TODAY = 20_700
RECORDS = 200
FIELDS = ("os", "os_version", "language", "time_zone", "app_version", "device_class")

Case = Callable[[], object]


def reference() -> object:
    """The loop that all others are measured against: whole numbers, a map, texts, a sorting; no library."""
    counts: dict[int, int] = {}
    for number in range(400):
        key = number * 7919 % 97
        counts[key] = counts.get(key, 0) + number
    return sorted(f"{key}={value}" for key, value in counts.items())


def wire_encode() -> object:
    """A report into canonical JSON."""
    from headcount_wire.codec import encode_json

    return encode_json(_report())


def wire_decode() -> object:
    """A report out of JSON, by the reference codec."""
    from headcount_wire.codec import decode_json

    return decode_json(_json())


def wire_buckets() -> object:
    """A hundred values into their buckets."""
    from headcount_wire.buckets import bucket_of

    return [bucket_of(value) for value in range(0, 40_000, 400)]


def wire_catalog() -> object:
    """The catalog of 20 measures, read and checked."""
    from headcount_wire.catalog_file import parse_catalog

    return parse_catalog(CATALOG_FILE.read_text("utf-8"), "catalog.toml")


def wire_segment() -> object:
    """A segment of 200 records, read and checked."""
    from headcount_wire.segment import salvage

    return salvage(_segment())


def sdk_track() -> object:
    """A count with a label: what an app waits for."""
    return _client()("meeting.joined", entry="link")


def sdk_device_day() -> object:
    """A device's day: its tallies, sealed, coded, compressed."""
    from headcount.loadgen.devices import Devices

    return Devices(_catalog(), 1, TODAY, seed=1).closed_days(11)


def ingest_decompress() -> object:
    """A report's body, inflated under its bounds."""
    from headcount_ingest.decompress import decompress

    return decompress(_body(), "gzip")


def ingest_decode() -> object:
    """A report's body into what the edge admits."""
    from headcount_ingest.decode import decode_body

    return decode_body(_json(), "json")


def aggregator_rows() -> object:
    """A thousand rows for the warehouse."""
    from headcount_aggregator.warehouse.tables import Table, encode_rows

    return encode_rows(Table.LANDING, _rows())


CASES: dict[str, Case] = {
    "wire.codec.encode_json": wire_encode,
    "wire.codec.decode_json": wire_decode,
    "wire.buckets": wire_buckets,
    "wire.catalog_file": wire_catalog,
    "wire.segment": wire_segment,
    "sdk.track": sdk_track,
    "sdk.device_day": sdk_device_day,
    "ingest.decompress": ingest_decompress,
    "ingest.decode": ingest_decode,
    "aggregator.tables": aggregator_rows,
}


@lru_cache(1)
def _catalog() -> Catalog:
    from headcount_wire.catalog_file import parse_catalog

    return parse_catalog(CATALOG_FILE.read_text("utf-8"), "catalog.toml")


@lru_cache(1)
def _body() -> bytes:
    from headcount.loadgen.devices import Devices

    return Devices(_catalog(), 1, TODAY, seed=1).closed_days(11).body


@lru_cache(1)
def _json() -> bytes:
    return gzip.decompress(_body())


@lru_cache(1)
def _report() -> Report:
    from headcount_wire.codec import decode_json

    return decode_json(_json())


@lru_cache(1)
def _segment() -> bytes:
    from headcount_wire.segment import Header, Record, Stream, encode_header, encode_record

    report = _report()
    one, two, three, four, five, six = (report.context.get(name, "unknown") for name in FIELDS)
    values = one, two, three, four, five, six
    tallies = tuple((day.day, *tally) for day in report.days for tally in day.tallies)
    record = Record(Stream.LIVE, report.created, 0, 1, 1, 1, values, None, tallies)
    framed = [encode_record(number.to_bytes(16, "big"), record) for number in range(RECORDS)]
    return encode_header(Header(b"w" * 8, 1, 0)) + b"".join(framed)


@lru_cache(1)
def _rows() -> list[tuple[int | str | bytes, ...]]:
    cell = (1, 1, TODAY, 0, 2, 3, 1, 0, 8, "android", "", 5)
    return [(b"u" * 16, row, TODAY, 0, 0, *cell) for row in range(1_000)]


@lru_cache(1)
def _client() -> Callable[..., object]:
    from headcount_sdk import Headcount
    from headcount_sdk.testing import ManualClock, MemoryTransport
    from headcount_wire.app_key import new_key

    memory = Path("/dev/shm")  # noqa: S108  # one made-up device, in memory where there is such a folder
    folder = tempfile.mkdtemp(prefix="headcount-micro-", dir=memory if memory.is_dir() else None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # A cap that is not reached: what lies beyond one costs less.
    catalog = CATALOG_FILE.read_text("utf-8").replace("cap = 200\n", "cap = 1000000\n")
    clock, network = ManualClock(TODAY * 86_400.0), MemoryTransport()
    address = "http://127.0.0.1:1"
    client = Headcount(new_key("live"), address, catalog, directory=Path(folder), clock=clock, transport=network)
    client.start(thread=False)
    client.consent.grant("usage", "diagnostics", "context")
    return client.track

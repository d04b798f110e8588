"""docs/spool.md is enough to read a segment: this reader is made of its tables, and knows nothing else."""

from __future__ import annotations

import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from headcount_aggregator.load import spool_reader
from headcount_ingest import spool
from headcount_wire import limits, segment
from headcount_wire.dimensions import Dimension
from headcount_wire.segment import Header, Record
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.test_segment import RECORDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/spool.md").read_text("utf-8")
GOLDEN = [ROOT / f"tests/contracts/vectors/segments/version_{version}.json" for version in segment.VERSIONS_READ]
INTEGERS = {"u8": "<B", "u16": "<H", "u32": "<I"}


def table(heading: str) -> list[tuple[str, str]]:
    """The fields and types below a heading of the page."""
    (section,) = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [(row[0].strip(), row[1].strip()) for row in rows[2:]]


class Reader:
    """Reads bytes of a version by the page's tables."""

    def __init__(self, data: bytes, version: int = 0) -> None:
        self.data = data
        self.at = 0
        self._version = version

    def read(self, heading: str) -> dict[str, Any]:
        """The fields of a table, in its order."""
        found: dict[str, Any] = {}
        for name, kind in table(heading):
            found[name] = self._value(kind, found)
        return found

    def _value(self, kind: str, found: dict[str, Any]) -> Any:
        kind, _, condition = kind.partition(", if ")
        if condition and not found[condition]:
            return None
        if kind in INTEGERS:
            return struct.unpack(INTEGERS[kind], self._take(struct.calcsize(INTEGERS[kind])))[0]
        if match := re.fullmatch(r"(\w+) bytes", kind):
            return self._take(found[match[1]] if match[1] in found else int(match[1]))
        if match := re.fullmatch(r"(\d+) texts", kind):
            return [self._take(self._take(1)[0]).decode("ascii") for _ in range(int(match[1]))]
        match = re.fullmatch(r"(u8|u16) times (\w+)", kind)
        assert match, kind
        heading = f"{match[2].capitalize()}, version {self._version}"
        return [list(self.read(heading).values()) for _ in range(self._value(match[1], found))]

    def _take(self, size: int) -> bytes:
        taken = self.data[self.at : self.at + size]
        assert len(taken) == size
        self.at += size
        return taken


def read_segment(data: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A segment's header and records, every crc checked as the page says."""
    reader = Reader(data)
    header = reader.read("Header")
    assert header["magic"] == b"HCSEG"
    assert header["crc"] == zlib.crc32(data[:20])
    assert reader.at == 24
    records = []
    while reader.at < len(data):
        record = reader.read("Record")
        covered = struct.pack("<I", record["length"]) + record["report id"] + record["payload"]
        assert record["crc"] == zlib.crc32(covered)
        payload = Reader(record["payload"], header["version"])
        plain = payload.read("Payload")
        told = payload.read(f"Told, version {header['version']}")
        assert payload.at == len(record["payload"])
        assert plain.pop("kind") == header["version"]
        assert plain.pop("has origin") == (plain["origin"] is not None)
        tallies = told["tallies"] if "tallies" in told else [[day, *one] for day, ones in told["days"] for one in ones]
        records.append({"report_id": record["report id"].hex(), **plain, "tallies": tallies})
    return header, records


def said(report_id: bytes, record: Record) -> dict[str, Any]:
    """A record of the code's, in the words of the page."""
    return {
        "report_id": report_id.hex(),
        "stream": int(record.stream),
        "created": record.created,
        "partner": record.partner,
        "customer": record.customer,
        "app": record.app,
        "catalog": record.catalog,
        "context": list(record.context),
        "origin": None if record.origin is None else list(record.origin),
        "tallies": [list(tally) for tally in record.tallies],
    }


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_a_frozen_segment_is_read_by_the_page_and_by_the_code(golden: Path) -> None:
    """A segment of each version stays readable, by the page's tables and by the code, and both read what is frozen."""
    vector = json.loads(golden.read_text("utf-8"))
    data = bytes.fromhex(vector["bytes_hex"])
    header, records = read_segment(data)
    assert records == vector["decoded"]
    assert {name: header[name] for name in ("version", "sequence", "created")} | {
        "worker": header["worker"].hex()
    } == vector["header"]
    assert [said(*found) for found in segment.records(data)] == vector["decoded"]
    assert segment.decode_header(data) == Header(header["worker"], header["sequence"], header["created"])


@given(st.lists(RECORDS, max_size=4), st.binary(min_size=8, max_size=8), st.integers(0, 2**32 - 1))
def test_what_the_code_writes_is_read_by_the_page(records: list[Record], worker: bytes, sequence: int) -> None:
    """Whatever a worker writes, the page's tables read it."""
    framed = [segment.encode_record(bytes([n]) * 16, record) for n, record in enumerate(records)]
    header, found = read_segment(segment.encode_header(Header(worker, sequence, 20_000)) + b"".join(framed))
    assert (header["worker"], header["sequence"], header["created"]) == (worker, sequence, 20_000)
    assert found == [said(bytes([n]) * 16, record) for n, record in enumerate(records)]


def test_the_page_names_what_the_code_names() -> None:
    """Suffixes, bounds and the order of the context on the page are those of the code."""
    suffixes = set(re.findall(r"^\| `(\.[a-z]+)` \|", PAGE, re.MULTILINE))
    assert suffixes == {spool.OPEN, spool.SEALED, spool_reader.ORPHAN, spool_reader.SET_ASIDE}
    assert {spool.OPEN, spool.SEALED} == {spool_reader.OPEN, spool_reader.SEALED}
    assert f"at most {limits.RECORD_BYTES:,} |" in PAGE
    assert f"or {limits.SEGMENT_BYTES:,} bytes" in PAGE
    assert ", ".join(f"`{dimension.name.lower()}`" for dimension in Dimension) in PAGE

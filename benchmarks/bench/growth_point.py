"""One point of a growth curve in this process: ``python -m benchmarks.bench.growth_point JSON`` prints a line of JSON.

Device-days are drawn as ``headcount load`` draws them, written as an edge leaves them, loaded and rolled up.
"""

from __future__ import annotations

import gzip
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from headcount.loadgen.devices import Devices
from headcount.loadgen.house import organisation
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.warehouse.embedded import Embedded, open_embedded
from headcount_wire.app_key import new_key
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.clock import ManualClock
from headcount_wire.codec import decode_json
from headcount_wire.dimensions import DIMENSIONS, UNKNOWN
from headcount_wire.organisation import load_organisation
from headcount_wire.segment import Header, Stream, Values, encode_header, encode_source, frame, pack_tally

DAY = 86_400.0
TODAY = 20_700
POOL = 500
SEGMENT_BYTES = 4 * 1024 * 1024
WORKER = b"benchmrk"
CUTS = ("os", "language", "time_zone", "app_version", "os x app_version")
HEAD = """\
[catalog]
name = "growth"
version = 1
[purposes.usage]
sentence.en = "Count."
[context]
os = "usage"
language = "usage"
time_zone = "usage"
app_version = "usage"
"""


@dataclass(frozen=True)
class Shape:
    """Devices that report on each day, all Customers together; measures, breakdowns of each, days."""

    devices: int
    customers: int = 10
    measures: int = 20
    breakdowns: int = 5
    days: int = 1


@dataclass(frozen=True)
class Point:
    """What the device-days of a shape cost and left."""

    device_days: int
    load_cpu: float
    roll_up_cpu: float
    rows: int
    stored_bytes: int
    memory_bytes: int


def catalog_text(shape: Shape) -> str:
    """An activity, then counters with labels, flags, timings and screens in turn."""
    cuts = ", ".join(f'"{cut}"' for cut in CUTS[: shape.breakdowns])
    label = 'label = { key = "way", values = ["a", "b", "c", "d"] }\n'
    kinds = {
        "counter": f"cap = 200\n{label}",
        "flag": "",
        "timing": "cap = 200\n",
        "distribution": 'cap = 200\nunit = "kilobytes"\n',
    }
    parts = [HEAD, _measure(1, "active", "", cuts)]
    for code in range(2, shape.measures + 1):
        kind = list(kinds)[code % len(kinds)]
        parts.append(_measure(code, kind, kinds[kind], cuts))
    return "".join(parts)


def _measure(code: int, kind: str, more: str, cuts: str) -> str:
    told = f'[measures."m{code}"]\ncode = {code}\nkind = "{kind}"\npurpose = "usage"\n'
    return f'{told}description = "Counted."\nowner = "a@b.example"\n{more}breakdowns = [{cuts}]\n'


def point(shape: Shape) -> Point:
    """Write, load and roll up day after day."""
    with tempfile.TemporaryDirectory(prefix="headcount-growth-") as name:
        folder = Path(name)
        (folder / "catalog.toml").write_text(catalog_text(shape))
        catalog = parse_catalog(catalog_text(shape), "catalog.toml")
        keys = [new_key("live") for _ in range(shape.customers)]
        (folder / "organisation.toml").write_text(organisation(catalog, keys))
        declared = load_organisation(folder / "organisation.toml")
        (folder / "spool/w0").mkdir(parents=True)
        warehouse = open_embedded(folder / "warehouse")
        clock = ManualClock(TODAY * DAY)
        loader = Loader(folder / "spool", folder / "units", declared, warehouse, clock)
        devices = Devices(catalog, 1, TODAY, seed=1)
        load_cpu = roll_up_cpu = 0.0
        pool = list(_pool(devices))
        for day in range(shape.days):
            _write(folder / "spool/w0", _frames(shape, pool, TODAY + day), TODAY + day)
            began = time.process_time()
            loader.load_once()
            loaded = time.process_time()
            clock.advance(DAY)
            loader.compact()
            load_cpu, roll_up_cpu = load_cpu + loaded - began, roll_up_cpu + time.process_time() - loaded
        warehouse.execute("OPTIMIZE TABLE headcount.final FINAL")
        rows, size = _final(warehouse)
        loader.close()
        warehouse.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Point(shape.devices * shape.days, load_cpu, roll_up_cpu, rows, size, memory)


Said = tuple[Values, int, bytes]
"""A device's context, how many tallies it has, and the tallies, packed."""


def _pool(devices: Devices) -> Iterator[Said]:
    for number in range(POOL):
        report = decode_json(gzip.decompress(devices.closed_days(number).body))
        one, two, three, four, five, six = (report.context.get(name, UNKNOWN) for name in DIMENSIONS)
        tallies = report.days[-1].tallies
        yield (one, two, three, four, five, six), len(tallies), b"".join(pack_tally(*tally) for tally in tallies)


def _frames(shape: Shape, pool: list[Said], day: int) -> Iterator[bytes]:
    draw = random.Random(day)
    for number in range(shape.devices):
        _, count, tallies = draw.choice(pool)
        context = draw.choice(pool)[0]  # of any other device: more combinations than the pool has devices
        source = encode_source(Stream.LIVE, day, 0, number % shape.customers + 1, 1, 1, context, None)
        yield frame(draw.randbytes(16), source, ((day - 1, count, tallies),))


def _write(folder: Path, frames: Iterator[bytes], day: int) -> None:
    """Sealed segments of frames, as an edge worker leaves them."""
    parts: list[bytes] = []
    sequence = 0
    for framed in frames:
        parts.append(framed)
        if len(parts) * len(framed) >= SEGMENT_BYTES:
            sequence += 1
            _seal(folder, parts, day, sequence)
            parts = []
    if parts:
        _seal(folder, parts, day, sequence + 1)


def _seal(folder: Path, parts: list[bytes], day: int, sequence: int) -> None:
    name = f"{int(day * DAY * 1e9) + sequence:020d}-{WORKER.hex()}-{sequence:06d}.seg"
    (folder / name).write_bytes(encode_header(Header(WORKER, sequence, day)) + b"".join(parts))


def _final(warehouse: Embedded) -> tuple[int, int]:
    ((rows, size),) = warehouse.query(
        "SELECT toString(sum(rows)), toString(sum(bytes_on_disk)) FROM system.parts "
        "WHERE active AND database = 'headcount' AND table = 'final'"
    )
    return int(rows), int(size)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(point(Shape(**json.loads(sys.argv[1]))))) + "\n")

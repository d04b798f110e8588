"""The population the benchmarks of the centre load: Customers, devices, contexts, and what a device says of a day.

Device-days are drawn from a pool, made by the same catalog a device would count by; contexts are drawn by
device. Both are heavy-tailed: few Customers have most devices, few versions most users, few days most use.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from headcount_wire import limits
from headcount_wire.catalog import Catalog, Measure
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.facts import Fact, First, Kind
from headcount_wire.organisation import Organisation, parse_organisation
from headcount_wire.segment import HEADER_BYTES, Header, Stream, Values, encode_header, encode_source, frame
from headcount_wire.segment import pack_tally as packed

CUTS = ("os", "app_version", "language", "device_class", "os x app_version")
KINDS = (Kind.ACTIVE, Kind.SESSION, Kind.CRASH_FREE, Kind.SCREEN, Kind.FUNNEL, Kind.PROBLEM)
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "ja", "ko", "zh", "sv", "da", "fi", "tr", "cs")
POOL = 20_000
SEGMENT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large: devices of all Customers, active on a share of days; measures; breakdowns of each measure."""

    customers: int = 10
    devices: int = 100_000
    measures: int = 20
    breakdowns: int = 5
    seed: int = 1


def catalog_text(shape: Shape) -> str:
    """The benchmark's catalog: the built-in kinds, then counters, flags and timings in turn."""
    cuts = ", ".join(f'"{cut}"' for cut in CUTS[: shape.breakdowns])
    parts = ['[catalog]\nname = "benchmark"\nversion = 1\n[purposes.usage]\nsentence.en = "Count."\n[context]\n']
    parts += (f'{name} = "usage"\n' for name in ("os", "os_version", "language", "time_zone", "app_version"))
    parts += ('device_class = "usage"\n',)
    for number in range(1, shape.measures + 1):
        kind = KINDS[number - 1] if number <= len(KINDS) else (Kind.COUNTER, Kind.FLAG, Kind.TIMING)[number % 3]
        parts.append(f'[measures."m{number}"]\ncode = {number}\nkind = "{kind.value}"\npurpose = "usage"\n')
        parts.append('description = "A measure."\nowner = "a@b.example"\n')
        if kind in (Kind.SESSION, Kind.SCREEN, Kind.COUNTER, Kind.TIMING, Kind.CRASH_FREE, Kind.PROBLEM):
            parts.append("cap = 1000\n")
        if kind in (Kind.COUNTER, Kind.PROBLEM):
            parts.append('label = { key = "way", values = ["a", "b", "c", "d"] }\n')
        if kind is Kind.SCREEN:
            values = ", ".join(f'"s{n}"' for n in range(12))
            parts.append(f'label = {{ key = "screen", values = [{values}] }}\n')
        if kind is Kind.FUNNEL:
            parts.append('steps = ["m4=s0", "m4=s1", "m4=s2"]\nwindow_minutes = 60\n')
        if kind is Kind.COUNTER and number % 2:
            parts.append("reach = true\n")
        parts.append(f"breakdowns = [{cuts}]\n")
    return "".join(parts)


def organisation_of(shape: Shape, folder: Path) -> Organisation:
    """The Customers, and the one app, in files of a folder."""
    (folder / "catalog.toml").write_text(catalog_text(shape))
    customers = "".join(
        f'[customers.c{code}]\ncode = {code}\npolicy = {{ version = 1, purposes = ["usage"] }}\n'
        for code in range(1, shape.customers + 1)
    )
    text = f'[operator]\nname = "Benchmark"\n{customers}[apps.meet]\ncode = 1\ncatalogs = ["catalog.toml"]\n'
    (folder / "organisation.toml").write_text(text)
    return parse_organisation(text, folder)


class Population:
    """Devices of a shape, and what they send on a day."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        draw = self._draw = random.Random(shape.seed)
        self.catalog: Catalog = parse_catalog(catalog_text(shape))
        self._pool = [_device_day(self.catalog, draw) for _ in range(POOL)]
        self.interactions = sum(made for _, made in self._pool) / POOL
        weights = [1 / rank for rank in range(1, shape.customers + 1)]
        codes = draw.choices(range(1, shape.customers + 1), weights, k=shape.devices)
        self._devices = [(code, _context(draw)) for code in codes]
        self._weights = list(accumulate(draw.paretovariate(1.3) for _ in range(shape.devices)))

    def day(self, day: int, device_days: int) -> Iterator[bytes]:
        """The framed records of so many device-days, of one local day."""
        draw = self._draw
        devices = draw.choices(self._devices, cum_weights=self._weights, k=device_days)
        told = draw.choices(self._pool, k=device_days)
        for (customer, context), ((number, tallies), _) in zip(devices, told, strict=True):
            source = encode_source(Stream.LIVE, day + 1, 0, customer, 1, 1, context, None)
            yield frame(draw.randbytes(16), source, ((day, number, tallies),))


def write_segments(folder: Path, frames: Iterator[bytes], moment: float) -> tuple[int, int]:
    """Sealed segments of frames, as an edge worker leaves them; how many, and their bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    worker, sequence, size = b"benchmrk", 0, 0
    parts: list[bytes] = []
    held = HEADER_BYTES

    def seal() -> None:
        nonlocal sequence, size, held, parts
        sequence += 1
        data = encode_header(Header(worker, sequence, int(moment // 86_400))) + b"".join(parts)
        (folder / f"{int(moment * 1e9) + sequence:020d}-{worker.hex()}-{sequence:06d}.seg").write_bytes(data)
        size += len(data)
        parts, held = [], HEADER_BYTES

    for framed in frames:
        parts.append(framed)
        held += len(framed)
        if held >= SEGMENT_BYTES:
            seal()
    if parts:
        seal()
    return sequence, size


def _context(draw: random.Random) -> Values:
    system = draw.choices(["ios", "android", "windows", "macos", "web"], [40, 40, 10, 6, 4])[0]
    place = min(int(draw.paretovariate(0.9)), 40) - 1
    language = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "ja", "ko", "zh", "sv", "da", "fi", "tr", "cs")[
        place % 16
    ]
    zone = ("Europe/Berlin", "America/New_York", "Europe/Paris", "Asia/Tokyo", "America/Sao_Paulo")[place % 5]
    device = {"ios": "phone", "android": draw.choice(["phone", "phone", "tablet"])}.get(system, "desktop")
    version = f"4.{20 - min(int(draw.paretovariate(0.8)), 20)}"
    return (system, str(draw.randint(10, 17)), language, zone, version, device)


def _device_day(catalog: Catalog, draw: random.Random) -> tuple[tuple[int, bytes], int]:
    """One device's day: its tallies, packed, and how many interactions they stand for."""
    lines: list[bytes] = []
    busy = min(draw.lognormvariate(0.0, 0.8), 12.0)
    made = 0
    for measure in catalog.measures.values():
        told, count = _tallies(measure, busy, draw)
        lines += told
        made += count
    return (len(lines), b"".join(lines)), made


def _tallies(measure: Measure, busy: float, draw: random.Random) -> tuple[list[bytes], int]:
    code = measure.code

    def line(fact: Fact, slot: int = 0, n: int = 1, label: int = 0) -> bytes:
        return packed(code, label, fact, slot, n)

    if measure.kind is Kind.ACTIVE:
        gap, age = min(31, int(draw.paretovariate(1.0))), min(31, int(draw.expovariate(1 / 25)))
        found = [line(Fact.GAP, gap), line(Fact.AGE, age)]
        if gap > 4:
            found += [line(Fact.FIRST, First.WEEK), line(Fact.WEEK_AGE, min(53, int(draw.expovariate(1 / 12))))]
        return found, 1
    if measure.kind is not Kind.SESSION and draw.random() > 0.35 + 0.5 / code**0.5:
        return [], 0
    count = max(1, int(busy * draw.expovariate(1 / 21)))
    if measure.kind is Kind.FLAG:
        return [line(Fact.DEVICES)], count
    if measure.kind is Kind.FUNNEL:
        return [line(Fact.STEP, draw.choices((1, 2, 3), (5, 3, 2))[0])], 1
    if measure.kind in (Kind.TIMING, Kind.SESSION):
        buckets: dict[int, int] = {}
        for _ in range(min(count, 8)):
            bucket = min(limits.BUCKET_MAX, max(0, int(draw.gauss(180, 30))))
            buckets[bucket] = buckets.get(bucket, 0) + 1
        return [line(Fact.DEVICES), *(line(Fact.BUCKET, slot, n) for slot, n in buckets.items())], min(count, 8)
    labels = draw.sample(list(measure.label_codes), k=min(3, len(measure.label_codes), 1 + count // 6))
    parts = [max(1, count // len(labels)) for _ in labels]
    found = [line(Fact.DEVICES)]
    for label, n in zip(labels, parts, strict=True):
        found += [line(Fact.COUNT, 0, n, label), line(Fact.DEVICES, 0, 1, label)]
    if measure.kind is Kind.PROBLEM:
        found.append(line(Fact.SEVERITY, 1, 1, labels[0]))
    if measure.reach:
        found.append(line(Fact.GAP, min(31, int(draw.paretovariate(1.0)))))
    return found, sum(parts)

"""One population in three forms: reports, the interactions they stand for, and the same tallies as line protocol.

A report is made first; the interactions are those that it counts, one event each, in drawn order. So everybody is
asked to take the same day of the same devices.
"""

from __future__ import annotations

import gzip
import json
import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from headcount.loadgen.bodies import Crowd, make
from headcount_wire.buckets import UPPER
from headcount_wire.catalog import Catalog, Measure
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.codec import decode_json
from headcount_wire.facts import FACT_RULES, Fact, Kind
from headcount_wire.report import Report, Tally

from benchmarks.edge.population import CATALOG_FILE

INTERACTIONS, DRAWN = 200, 223.0
"""How many interactions a device-day stands for, and how many have to be drawn for that: what an app's users do beyond
a measure's cap, or with a flag that is up, is no event of an app that declares the same.
"""
EVENTS_A_REQUEST = 25
CONTEXT = ("os", "os_version", "language", "time_zone", "app_version", "device_class")
SCREEN_TIME = 30.0


@dataclass(frozen=True, slots=True)
class DeviceDay:
    """One device's day. ``body``: as a phone sends it, gzipped JSON. ``interactions``: how many it stands for.

    What it says is read out of the body whenever it is asked for: a day of a house is 100,000 of these.
    """

    customer: int
    device: str
    body: bytes
    interactions: int

    @property
    def report(self) -> Report:
        """What it says."""
        return decode_json(gzip.decompress(self.body))

    @property
    def tallies(self) -> Sequence[Tally]:
        """What it counted."""
        return self.report.days[0].tallies


def catalog() -> Catalog:
    """The catalog of the comparisons."""
    return parse_catalog(CATALOG_FILE.read_text("utf-8"), str(CATALOG_FILE))


def device_days(count: int, customers: int, today: int, seed: int, told: Callable[[int, int], None]) -> list[DeviceDay]:
    """So many devices' days, of devices with one closed day and a right clock; Customers in turn."""
    crowd = Crowd(catalog(), int(count * 1.3) + 50, 1, today, seed, msgpack=False, mean=DRAWN)
    made = make(crowd, count * 1.25 + 40, told)
    draw = random.Random(seed)
    found: list[DeviceDay] = []
    for said in islice((said for said in made.first if said.days == 1 and not said.skew), count):
        report = decode_json(gzip.decompress(said.body))
        device = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        interactions = sum(_events(tally) for tally in report.days[0].tallies)
        found.append(DeviceDay(len(found) % customers + 1, device, said.body, interactions))
    return found


def _events(tally: Tally) -> int:
    """How many events an app of the usual kind would have sent for what one tally says."""
    if tally.fact in (Fact.COUNT, Fact.BUCKET):
        return tally.n
    # A flag and an activity are said once a day: the one as a device, the other as the gap since the last one.
    return int(tally.fact == _ONCE.get(tally.measure))


_FACT_OF = {Kind.FLAG: Fact.DEVICES, Kind.ACTIVE: Fact.GAP}
_ONCE = {one.code: _FACT_OF[one.kind] for one in catalog().measures.values() if one.kind in _FACT_OF}


def events_of(day: DeviceDay, measures: Catalog, draw: random.Random) -> list[dict[str, object]]:
    """The interactions of a day, one event each, in the form that event pipelines take."""
    report = day.report
    context = {name: report.context.get(name, "unknown") for name in CONTEXT}
    began = report.days[0].day * 86_400
    found: list[dict[str, object]] = []
    for tally in report.days[0].tallies:
        measure = measures.by_code[tally.measure]
        for _ in range(_events(tally)):
            properties: dict[str, object] = {**context, "label": _label(measure, tally.label)}
            if tally.fact == Fact.BUCKET:
                properties["value"] = UPPER[tally.slot]
            moment = began + draw.randrange(86_400)
            found.append({
                "event": measure.name,
                "time": moment,
                "device": day.device,
                "customer": day.customer,
                "properties": properties,
            })  # fmt: skip
    draw.shuffle(found)
    return found


def _label(measure: Measure, code: int) -> str:
    return (measure.label.value_of(code) or "") if measure.label and code else ""


def event_requests(days: Sequence[DeviceDay], draw: random.Random) -> Iterator[tuple[int, bytes]]:
    """Batches of 25 events of one device, gzipped JSON, each with how many events it holds."""
    measures = catalog()
    for day in days:
        events = events_of(day, measures, draw)
        for at in range(0, len(events), EVENTS_A_REQUEST):
            batch = events[at : at + EVENTS_A_REQUEST]
            yield len(batch), gzip.compress(json.dumps(batch, separators=(",", ":")).encode(), 6, mtime=0)


def with_tallies(days: Sequence[DeviceDay], count: int) -> list[DeviceDay]:
    """The device-days that have about as many tallies."""
    return [day for day in days if abs(len(day.tallies) - count) <= 2]


def fields_line(day: DeviceDay, measures: Catalog) -> bytes:
    """The tallies of a day as one line with a field each: the form that costs a time-series database least."""
    fields = ",".join(f"{_field(tally, measures)}={tally.n}" for tally in day.tallies)
    return f"app,{_tags(day)} {fields}\n".encode()


def single_lines(day: DeviceDay, measures: Catalog) -> bytes:
    """The tallies of a day as a line each."""
    tags = _tags(day)
    return "".join(f"{_field(tally, measures)},{tags} n={tally.n}\n" for tally in day.tallies).encode()


def _tags(day: DeviceDay) -> str:
    context = day.report.context
    told = {name: context[name] for name in CONTEXT if name in context}
    return ",".join(f"{name}={value}" for name, value in {"customer": str(day.customer), **told}.items())


def _field(tally: Tally, measures: Catalog) -> str:
    measure = measures.by_code[tally.measure]
    fact = Fact(tally.fact).name.lower()
    slot = f"_{tally.slot}" if FACT_RULES[Fact(tally.fact)].slot_max else ""
    label = f"_{tally.label}" if tally.label else ""
    return f"{measure.name.replace('.', '_')}{label}_{fact}{slot}"

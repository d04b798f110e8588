"""Drawn devices, and what each has to say: by the same pure parts of the SDK that a phone runs, no two alike.

Most people do little and a few do a lot; some were offline for days and bring them all; some were new yesterday; some
clocks are wrong; not everybody grants everything. All by seed, so that two runs load with the same devices.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TypeVar

from headcount_sdk.markers import Context, Markers
from headcount_sdk.sealing import report_of
from headcount_sdk.tallies import Day, Part, record
from headcount_sdk.uploader import compress
from headcount_wire import limits
from headcount_wire.buckets import bucket_of
from headcount_wire.catalog import Catalog, Measure
from headcount_wire.codec import JSON, MSGPACK, encode_json, encode_msgpack
from headcount_wire.facts import WHOLE, Fact, Kind

Value = TypeVar("Value")

INTERACTIONS_MEAN = 200.0
"""Interactions a day that a device draws. It tells of fewer: flags stand once, and caps hold."""
INTERACTIONS_MOST = 3_000
SYSTEMS = {"android": 46, "ios": 34, "ipados": 6, "macos": 5, "windows": 7, "web": 2}
CLASSES = {"android": "phone", "ios": "phone", "ipados": "tablet"}
PLACES = {
    ("de", "Europe/Berlin"): 30,
    ("en", "Europe/London"): 17,
    ("en", "America/New_York"): 14,
    ("fr", "Europe/Paris"): 13,
    ("es", "Europe/Madrid"): 10,
    ("pl", "Europe/Warsaw"): 5,
    ("pt", "America/Sao_Paulo"): 4,
    ("ja", "Asia/Tokyo"): 3,
    ("nl", "Europe/Amsterdam"): 2,
    ("en", "Australia/Sydney"): 1,
    ("hi", "Asia/Kolkata"): 1,
}
VERSIONS = {"4.2.1": 58, "4.2.0": 24, "4.1.7": 10, "4.1.6": 3, "3.9.2": 3, "4.3.0-beta1": 1, "3.2": 1}
GRANTS = 0.82
"""How many grant each purpose beyond the one that most measures need; without that one a device says nothing."""
SWITCHED_OFF = 0.05
"""How many switch one context field off."""
OFFLINE = 0.12
"""How many were offline for some days before, and bring those days too."""
WRONG_CLOCKS = {0: 970, 1: 8, -1: 8, -3: 6, 2: 3, -30: 3, 365: 2}
"""Of 1,000 clocks, how many are so many days off."""


@dataclass(frozen=True, slots=True)
class Said:
    """A device's closed days as one report, gzipped, and how many interactions they hold.

    ``media``: their coding. ``days``: how many there are. ``skew``: days by which the device's clock is off.
    """

    body: bytes
    media: str
    days: int
    interactions: int
    skew: int


class NothingToSayError(Exception):
    """A device was drawn that has nothing to report: the catalog declares nothing that each day has."""


class Devices:
    """Draws devices for a catalog: ``policy`` is the version that consents are given under, ``mean`` of how many
    interactions a day is.
    """

    def __init__(
        self,
        catalog: Catalog,
        policy: int,
        today: int,
        seed: int,
        *,
        msgpack: bool = False,
        mean: float = INTERACTIONS_MEAN,
    ) -> None:
        self._catalog = catalog
        self._policy = policy
        self._today = today
        self._seed = seed
        self._msgpack = msgpack
        self._mean = mean
        used = [measure.purpose for measure in catalog.measures.values()]
        self._first_purpose = catalog.active.purpose if catalog.active else max(set(used), key=used.count)

    def closed_days(self, number: int) -> Said:
        """What a device says first: the day before, and the days it was offline, with all that goes once a day."""
        draw = random.Random(f"{self._seed}/{number}")
        purposes = self._consents(draw)
        context = self._context(draw, purposes)
        skew = _weighted(WRONG_CLOCKS, draw)
        today = self._today + skew
        # As many days as lie in the window by its own clock: a phone that was off for long brings what still counts.
        held = 1 + min(6, int(draw.expovariate(0.5)) + 1) if draw.random() < OFFLINE else 1
        age = min(int(draw.expovariate(1 / 40)), 400)
        markers = Markers(first_use=today - held - age)
        if age:
            markers.last = dict.fromkeys(self._catalog.by_code, today - held - 1 - int(draw.expovariate(0.5)))
        return self._said(draw, markers, purposes, context, [today - back for back in range(held, 0, -1)], today, skew)

    def open_day(self, number: int) -> Said:
        """What a device says again: some more of the same day, counts only, as an app that reports by the hour."""
        draw = random.Random(f"{self._seed}/{number}")
        purposes = self._consents(draw)
        context = self._context(draw, purposes)
        day = Day()
        for measure in self._catalog.measures.values():
            for label in (WHOLE, *measure.label_codes):
                day.once.update((measure.code, label, int(fact)) for fact in (Fact.DEVICES, Fact.GAP, Fact.CLIPPED))
        held = tuple(sorted(context.items()))
        count = self._use(draw, day, held, purposes, share=0.15)
        taken = [(self._today, part) for part in day.parts if not part.empty]
        if not taken:  # only what goes once a day was used: there is nothing to add to it
            return self.closed_days(number)
        return self._sealed(taken, Markers(), purposes, self._today, 1, count, 0)

    def _said(
        self,
        draw: random.Random,
        markers: Markers,
        purposes: dict[str, int],
        context: dict[str, str],
        dates: list[int],
        today: int,
        skew: int,
    ) -> Said:
        held = tuple(sorted(context.items()))
        taken: list[tuple[int, Part]] = []
        count = 0
        for date in dates:
            day = Day()
            if self._catalog.active and self._catalog.active.purpose in purposes:
                record(day, held, self._catalog.active, WHOLE, Fact.DEVICES, 0, 1)
            count += self._use(draw, day, held, purposes)
            taken += [(date, part) for part in day.parts if not part.empty]
        return self._sealed(taken, markers, purposes, today, len(dates), count, skew)

    def _sealed(
        self,
        taken: list[tuple[int, Part]],
        markers: Markers,
        purposes: dict[str, int],
        created: int,
        days: int,
        interactions: int,
        skew: int,
    ) -> Said:
        if not taken:
            raise NothingToSayError(
                "A device that was drawn has nothing to report by this catalog: declare `active` in it."
            )
        markers.origin = taken[0][1].context
        report = report_of(taken, markers, self._catalog, purposes, self._policy, created)
        body = encode_msgpack(report) if self._msgpack else encode_json(report)
        return Said(compress(body), MSGPACK if self._msgpack else JSON, days, interactions, skew)

    def _consents(self, draw: random.Random) -> dict[str, int]:
        granted = {self._first_purpose: self._policy}
        for name in self._catalog.purposes:
            if name not in granted and draw.random() < GRANTS:
                granted[name] = self._policy
        return granted

    def _context(self, draw: random.Random, purposes: dict[str, int]) -> dict[str, str]:
        """Every granted field that is not switched off; drawn alike whatever is granted, so that it stays the same."""
        system = _weighted(SYSTEMS, draw)
        language, zone = _weighted(PLACES, draw)
        told = {
            "os": system,
            "os_version": str(12 + min(6, int(draw.expovariate(0.6)))),
            "language": language,
            "time_zone": zone,
            "app_version": _weighted(VERSIONS, draw),
            "device_class": CLASSES.get(system, "desktop"),
        }
        off = [name for name in told if draw.random() < SWITCHED_OFF]
        declared = {dimension.field: purpose for dimension, purpose in self._catalog.context.items()}
        return {
            name: value
            for name, value in told.items()
            if name in declared and declared[name] in purposes and name not in off
        }

    def _use(self, draw: random.Random, day: Day, held: Context, purposes: dict[str, int], share: float = 1.0) -> int:
        """One day's interactions; each person has favourites. Returns how many there were."""
        measures = [one for one in self._catalog.measures.values() if one.purpose in purposes and one.kind in _USES]
        if not measures:
            return 0
        mean = share * self._mean
        count = min(INTERACTIONS_MOST, 1 + int(mean * draw.lognormvariate(-0.72, 1.2)))
        weights = [draw.paretovariate(0.9) * _OFTEN.get(one.kind, 1.0) for one in measures]
        total = sum(weights)
        for measure, weight in zip(measures, weights, strict=True):
            times = min(int(count * weight / total + draw.random()), measure.cap)
            if times:
                _USES[measure.kind](draw, day, held, measure, times)
        return count


def _count(draw: random.Random, day: Day, held: Context, measure: Measure, times: int) -> None:
    for label, n in _by_label(draw, measure, times):
        record(day, held, measure, label, Fact.COUNT, 0, n)


def _flag(_: random.Random, day: Day, held: Context, measure: Measure, __: int) -> None:
    record(day, held, measure, WHOLE, Fact.DEVICES, 0, 1)


def _values(draw: random.Random, day: Day, held: Context, measure: Measure, times: int) -> None:
    usual = 200 * draw.lognormvariate(0.0, 0.8)
    for label, n in _by_label(draw, measure, times):
        for _ in range(n):
            record(day, held, measure, label, Fact.BUCKET, bucket_of(int(usual * draw.lognormvariate(0.0, 0.5))), 1)


def _screens(draw: random.Random, day: Day, held: Context, measure: Measure, times: int) -> None:
    before = WHOLE
    for label, n in _by_label(draw, measure, times):
        record(day, held, measure, label, Fact.COUNT, 0, n)
        if measure.journeys:
            record(day, held, measure, label, Fact.MOVE, before, n)
        before = label


def _ends(draw: random.Random, day: Day, held: Context, measure: Measure, times: int) -> None:
    sessions = 1 + times // 12
    crashed = sum(draw.random() < 0.01 for _ in range(sessions))
    for label, n in ((2, sessions - crashed), (3, crashed)):
        if n:
            record(day, held, measure, label, Fact.COUNT, 0, n)


def _problems(draw: random.Random, day: Day, held: Context, measure: Measure, _: int) -> None:
    if draw.random() < 0.02:
        for label, n in _by_label(draw, measure, 1):
            record(day, held, measure, label, Fact.COUNT, 0, n)
            record(day, held, measure, label, Fact.SEVERITY, draw.choice((1, 1, 2, 3)), n)


def _funnel(draw: random.Random, day: Day, held: Context, measure: Measure, _: int) -> None:
    reached = 1 + min(len(measure.steps) - 1, int(draw.expovariate(0.9)))
    record(day, held, measure, WHOLE, Fact.STEP, reached, 1)


_USES = {
    Kind.COUNTER: _count,
    Kind.FLAG: _flag,
    Kind.TIMING: _values,
    Kind.DISTRIBUTION: _values,
    Kind.SCREEN: _screens,
    Kind.SESSION: _values,
    Kind.CRASH_FREE: _ends,
    Kind.PROBLEM: _problems,
    Kind.FUNNEL: _funnel,
}
"""How a measure of each kind is used; ``active`` is every day's, and a quantity is no device's."""
_OFTEN = {Kind.SCREEN: 6.0, Kind.TIMING: 0.5, Kind.SESSION: 0.2, Kind.FLAG: 0.2, Kind.CRASH_FREE: 0.5}


def _by_label(draw: random.Random, measure: Measure, times: int) -> list[tuple[int, int]]:
    """So many uses shared out over a measure's labels, the first the most frequent."""
    if measure.label is None:
        return [(WHOLE, times)]
    codes = list(measure.label_codes)[1:]
    found = dict.fromkeys(codes, 0)
    for _ in range(min(times, 40)):
        found[codes[min(int(draw.expovariate(0.8)), len(codes) - 1)]] += 1
    if times > 40:
        found[codes[0]] += times - 40
    return [(code, n) for code, n in found.items() if n]


def _weighted(values: dict[Value, int], draw: random.Random) -> Value:
    return draw.choices(list(values), list(values.values()))[0]


def fits(said: Said) -> bool:
    """Whether an edge would take a body of this size."""
    return len(said.body) <= limits.BODY_BYTES

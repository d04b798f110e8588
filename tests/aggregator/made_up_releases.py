"""A made-up app's releases in memory: people with habits, and the real threshold rule over their sums.

For the dashboard's tests: the reader's protocol without chDB, with enough people that every kind of
number occurs: shown, merged into other, hidden, provisional.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from headcount_aggregator.debug_counts import DebugCount, DebugCounts
from headcount_aggregator.periods import ROLLING, Period, PeriodKind, period_of
from headcount_aggregator.release.day_sums import Key
from headcount_aggregator.release.family import Family, Part
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Freshness, Number, Question, ReleaseHeader, State, Statistic
from headcount_aggregator.web.tenancy import Tenancy
from headcount_wire import days
from headcount_wire.app_key import fingerprint, new_key
from headcount_wire.catalog import TOTAL
from headcount_wire.dimensions import Dimension
from headcount_wire.facts import WHOLE, Fact

TODAY = days.parse("2026-11-20")
K = 20
TOKENS = {name: new_key("read") for name in ("own", "partner", "product")}
ACTIVE, JOINED, SHARED, TIMED = 1, 2, 3, 4
CUTS = {
    Dimension.OS: (["android", "ios", "windows", "macos", "linux"], [48, 30, 12, 8, 2]),
    Dimension.LANGUAGE: (["en", "de", "es", "fr", "unknown", "pt", "mt", "is"], [34, 30, 12, 10, 8, 4, 1, 1]),
    Dimension.TIME_ZONE: (
        ["Europe/Berlin", "Europe/London", "Europe/Madrid", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata"],
        [40, 20, 14, 16, 6, 4],
    ),
    Dimension.APP_VERSION: (["3.2", "3.1", "3.0", "2.9"], [46, 38, 13, 3]),
}
CATALOG = """\
[catalog]
name = "meet"
version = 3
[purposes.usage]
sentence.en = "Count which features are used and how often, to improve the app."
[purposes.diagnostics]
sentence.en = "Measure how fast and how reliably the app works."
[purposes.context]
sentence.en = "Tell us the device's system, language, time zone and app version, in groups of at least 20 people."
[context]
os = "context"
language = "context"
time_zone = "context"
app_version = "context"
[measures."active"]
code = 1
kind = "active"
purpose = "usage"
description = "The app was used on this day."
owner = "product@meet.example"
breakdowns = ["os", "language", "time_zone", "app_version"]
[measures."meeting.joined"]
code = 2
kind = "counter"
purpose = "usage"
description = "A meeting was joined, by the way it was entered."
owner = "product@meet.example"
cap = 50
reach = true
label = { key = "entry", values = ["link", "calendar", "dial_in", "room"] }
breakdowns = ["os", "language", "time_zone"]
[measures."screen_share.used"]
code = 3
kind = "flag"
purpose = "usage"
description = "The screen was shared at least once on this day."
owner = "product@meet.example"
reach = true
breakdowns = ["os"]
[measures."meeting.join_time"]
code = 4
kind = "timing"
purpose = "diagnostics"
description = "From pressing Join to seeing the first video frame."
owner = "quality@meet.example"
cap = 50
"""
ORGANISATION = f"""\
[operator]
name = "Example Video"
[partners.north]
code = 5
[customers.acme]
code = 11
name = "Acme"
partner = "north"
policy = {{ version = 2, purposes = ["usage", "context"] }}
[customers.rival]
code = 12
name = "Rival"
policy = {{ version = 1, purposes = ["usage"] }}
[apps.meet]
code = 3
name = "Meet"
catalogs = ["catalog.toml"]
[[readers]]
name = "acme-pm"
fingerprint = "{fingerprint(TOKENS["own"])}"
scope = "own"
customer = "acme"
[[readers]]
name = "north"
fingerprint = "{fingerprint(TOKENS["partner"])}"
scope = "partner"
partner = "north"
[[readers]]
name = "product"
fingerprint = "{fingerprint(TOKENS["product"])}"
scope = "product"
"""


def write_organisation(folder: Path) -> Tenancy:
    """The organisation file and its catalog, written to a folder and read from there."""
    (folder / "catalog.toml").write_text(CATALOG)
    (folder / "organisation.toml").write_text(ORGANISATION)
    return Tenancy(folder / "organisation.toml")


@dataclass
class Person:
    """One device: when it came, what it says of itself, on which days it was active and what it did."""

    first: int
    values: Mapping[Dimension, str]
    joined: dict[int, Counter[int]] = field(default_factory=dict)
    shared: set[int] = field(default_factory=set)
    active: list[int] = field(default_factory=list)


def people(count: int, length: int, seed: int = 7) -> list[Person]:
    """People who come over time, use the app on working days, and mostly fade away."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        first = TODAY - min(length, int(draw.expovariate(1 / (length * 0.7))))
        values = {cut: draw.choices(names, weights)[0] for cut, (names, weights) in CUTS.items()}
        person = Person(first, values)
        eager, fade = draw.betavariate(2, 3), draw.choice([4, 20, 400])
        for day in range(first, TODAY + 1):
            weekend = (day + 3) % 7 >= 5
            if day == first or draw.random() < eager * (0.25 if weekend else 0.9) * (fade / (fade + day - first)):
                person.active.append(day)
                times = Counter(draw.choices([1, 2, 3, 4, 5], [1, 50, 36, 4, 12], k=draw.randint(0, 4)))
                if times:
                    person.joined[day] = times
                if times and draw.random() < 0.3:
                    person.shared.add(day)
        found.append(person)
    return found


class MadeUpReleases:
    """The reader's protocol over numbers held in memory; ``sealed_through`` is four days ago."""

    def __init__(self, count: int = 2400, length: int = 130) -> None:
        self.sealed_through = TODAY - 4
        self._people = people(count, length)
        self._days = range(TODAY - length, TODAY + 1)
        self._on: dict[int, dict[int, list[Person]]] = {m: defaultdict(list) for m in (ACTIVE, JOINED, SHARED)}
        for person in self._people:
            for measure, on in ((ACTIVE, person.active), (JOINED, person.joined), (SHARED, person.shared)):
                for day in on:
                    self._on[measure][day].append(person)
        self._rule = Threshold(K)
        self._numbers: list[Number] = []
        self._headers: list[ReleaseHeader] = []
        for period, families in self.sealed():
            numbers = [number for family in families for number in self.decided(family)]
            self._numbers += numbers
            self._headers.append(self._header(period, numbers))

    async def numbers(self, question: Question) -> Sequence[Number]:
        """What a question selects."""
        return [
            number
            for number in self._numbers
            if (question.customer, question.app) == (11, 3) and asked(number, question)
        ]

    async def provisional(self, customer: int, app: int) -> Sequence[Number]:
        """The days that are not sealed yet, by the provisional rule."""
        found = []
        for day in range(self.sealed_through + 1, TODAY + 1):
            for measure in (ACTIVE, JOINED, SHARED):
                n = len(self._on[measure][day])
                if n >= K:
                    place = (PeriodKind.DAY, day, day, measure, WHOLE, TOTAL, "", "", 0)
                    value = max(K, n // 10 * 10)
                    found.append(Number(Statistic.PEOPLE, *place, State.SHOWN, value, 10, provisional=True))
                    if measure == JOINED:
                        found.append(Number(Statistic.COUNT, *place, State.SHOWN, 2 * value, 10, provisional=True))
        return found if (customer, app) == (11, 3) else []

    async def debug(self, customer: int, app: int) -> DebugCounts:
        """One developer's device: it was active, joined meetings, and ran into a cap."""
        if (customer, app) != (11, 3):
            return DebugCounts()
        os = int(Dimension.OS) * 8
        return DebugCounts(
            TODAY * 86_400.0 + 50_700.0,
            [
                DebugCount(TODAY, ACTIVE, 0, int(Fact.GAP), 31, TOTAL, "", 1),
                DebugCount(TODAY, ACTIVE, 0, int(Fact.GAP), 31, os, "android", 1),
                DebugCount(TODAY, JOINED, 0, int(Fact.DEVICES), 0, TOTAL, "", 1),
                DebugCount(TODAY, JOINED, 0, int(Fact.CLIPPED), 0, TOTAL, "", 1),
                DebugCount(TODAY, JOINED, 1, int(Fact.COUNT), 0, TOTAL, "", 2),
                DebugCount(TODAY, JOINED, 2, int(Fact.COUNT), 0, TOTAL, "", 48),
            ],
        )

    async def releases(self, customer: int, app: int, first: int, last: int) -> Sequence[ReleaseHeader]:
        """The headers, in the order they were sealed."""
        return [header for header in self._headers if first <= header.last <= last]

    async def freshness(self, customer: int, app: int) -> Freshness:
        """Sealed to four days ago."""
        if customer != 11:
            return Freshness(None, TODAY, None)
        return Freshness(self.sealed_through, TODAY, self._days[0])

    def decided(self, family: Family) -> Sequence[Number]:
        """What the rule lets out of a family."""
        return self._rule.decide(family).numbers

    def sealed(self) -> Iterator[tuple[Period, list[Family]]]:
        """What is released of each frozen period, in the order in which they froze."""
        kinds = (PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH)
        periods = {period_of(kind, day) for kind in kinds for day in self._days}
        due = [p for p in periods if p.first >= self._days[0] and p.frozen_from <= TODAY]
        for period in sorted(due, key=lambda p: (p.frozen_from, kinds.index(p.kind), p.first)):
            yield period, list(self._of_day(period) if period.kind is PeriodKind.DAY else self._of_span(period))

    def _of_day(self, period: Period) -> Iterator[Family]:
        day = period.first
        everyone = self._on[ACTIVE][day]
        yield from self._people_families(ACTIVE, period, 1)
        yield from self._new(period, 1)
        for kind in ROLLING:
            for measure in (ACTIVE, JOINED, SHARED):
                yield from self._people_families(measure, period_of(kind, day), 10)
        for measure in (JOINED, SHARED):
            yield from self._people_families(measure, period, 1)
        yield from self._counts(period)
        for slot, milliseconds in ((50, 640), (75, 980), (95, 2_300)):
            part = Part(milliseconds + day % 7 * 10, len(self._on[JOINED][day]))
            yield Family(Statistic.QUANTILE, period, TIMED, part, slot=slot)
        for age in range(31):
            cohort = sum(person.first == day - age for person in self._on[ACTIVE][day - age])
            back = sum(person.first == day - age for person in everyone)
            if cohort:
                born = period_of(PeriodKind.DAY, day - age)
                whole = part_of(back, cohort if age else None)
                yield Family(Statistic.RETENTION_DAY, born, ACTIVE, whole, slot=age, subset=age > 0)

    def _of_span(self, period: Period) -> Iterator[Family]:
        for measure in (ACTIVE, JOINED, SHARED):
            yield from self._people_families(measure, period, 10)
        yield from self._new(period, 10)
        if period.kind is PeriodKind.WEEK:
            came = self._within(ACTIVE, period)
            for age in range(27):
                born = period_of(PeriodKind.WEEK, period.first - 7 * age)
                cohort = sum(born.first <= p.first <= born.last for p in self._people)
                back = sum(born.first <= p.first <= born.last for p in came)
                if cohort:
                    whole = part_of(back, cohort if age else None)
                    yield Family(Statistic.RETENTION_WEEK, born, ACTIVE, whole, slot=age, step=10, subset=age > 0)

    def _within(self, measure: int, period: Period) -> list[Person]:
        found = {id(p): p for day in range(period.first, period.last + 1) for p in self._on[measure][day]}
        return list(found.values())

    def _people_families(self, measure: int, period: Period, step: int) -> Iterator[Family]:
        found = self._within(measure, period)
        base = None if measure == ACTIVE else self._within(ACTIVE, period)
        cuts: dict[int, dict[Key, Part]] = {}
        for cut in CUTS if measure == ACTIVE else [Dimension.OS]:
            parts = Counter(person.values[cut] for person in found)
            bases = None if base is None else Counter(person.values[cut] for person in base)
            cuts[cut * 8] = {(v, ""): part_of(n, None if bases is None else bases[v]) for v, n in parts.items()}
        whole = part_of(len(found), None if base is None else len(base))
        yield Family(Statistic.PEOPLE, period, measure, whole, cuts, step=step, subset=base is not None)

    def _new(self, period: Period, step: int) -> Iterator[Family]:
        came = self._within(ACTIVE, period)
        new = sum(period.first <= person.first for person in came)
        for statistic, n in ((Statistic.NEW_PEOPLE, new), (Statistic.RETURNING_PEOPLE, len(came) - new)):
            yield Family(statistic, period, ACTIVE, part_of(n, len(came)), step=step, subset=True)

    def _counts(self, period: Period) -> Iterator[Family]:
        day, found = period.first, self._on[JOINED][period.first]
        times: Counter[int] = sum((person.joined[day] for person in found), Counter())
        labels = {c: Part(n, sum(c in p.joined[day] for p in found)) for c, n in times.items()}
        cuts: dict[int, dict[Key, Part]] = {}
        for cut in (Dimension.OS, Dimension.LANGUAGE, Dimension.TIME_ZONE):
            sums: Counter[str] = Counter()
            for person in found:
                sums[person.values[cut]] += person.joined[day].total()
            devices = Counter(person.values[cut] for person in found)
            cuts[cut * 8] = {(value, ""): Part(n, devices[value]) for value, n in sums.items()}
        yield Family(Statistic.COUNT, period, JOINED, Part(times.total(), len(found)), cuts, labels)

    def _header(self, period: Period, numbers: Sequence[Number]) -> ReleaseHeader:
        previous = self._headers[-1].hash if self._headers else "0" * 64
        name = f"{period.kind}-{period.first}"
        header = ReleaseHeader(
            release=name,
            customer=11,
            app=3,
            period=period.kind,
            first=period.first,
            last=period.last,
            sealed_on=period.frozen_from,
            rule="threshold",
            k=K,
            numbers=len(numbers),
            hidden=sum(number.value is None for number in numbers),
            late_dropped=period.first % 3,
            previous=previous,
            hash="",
        )
        return replace(header, hash=hashlib.sha256(f"{previous}{name}".encode()).hexdigest())


def part_of(devices: int, base: int | None) -> Part:
    """A number of devices, and how many of the set they belong to are not among them."""
    return Part(devices, devices, () if base is None else (base - devices,))


def asked(number: Number, question: Question) -> bool:
    """Whether a question selects a number."""
    cohort = number.statistic in (Statistic.RETENTION_DAY, Statistic.RETENTION_WEEK)
    return (
        number.statistic in question.statistics
        and number.period in question.periods
        and question.first <= (number.first if cohort else number.last) <= question.last
        and question.measure in (None, number.measure)
        and question.label in (None, number.label)
        and question.breakdown in (None, number.breakdown)
    )

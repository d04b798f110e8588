"""A product's people in memory, twice: as rows that SQL can be asked about, and as what the real rule releases.

Every use is written to a table of plain events, with the person who did it: the truth, which no server of
Headcount ever has. From the same uses each device's tallies are made as ``docs/statistics.md`` says, added up by
day, and released by the real statistics under the real threshold.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from headcount_aggregator.cells import Cell
from headcount_aggregator.debug_counts import DebugCounts
from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.block import Block
from headcount_aggregator.release.counts import blocks_of_day
from headcount_aggregator.release.day_sums import DaySums
from headcount_aggregator.release.dp.budget import budget_of
from headcount_aggregator.release.dp.ledger import Ledger
from headcount_aggregator.release.dp.noise import DiscreteGaussian
from headcount_aggregator.release.dp.noisy import Noisy
from headcount_aggregator.release.dp.releases import NoisyReleases, parts_of
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Freshness, Number, Question, ReleaseHeader, State, Statistic
from headcount_aggregator.scopes import PRODUCT
from headcount_aggregator.web.tenancy import Tenancy
from headcount_wire import buckets, days
from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.dimensions import Dimension
from headcount_wire.facts import WHOLE, Fact, First, Kind

from tests.aggregator.made_up_releases import ORGANISATION, TODAY, K, asked

CATALOG = (Path(__file__).parent / "product_world.toml").read_text("utf-8")
SEALED = TODAY - 4
CLIPPED = 4
"""The measure of which a tenth is missing: its cap is low."""
CONTEXT = (Dimension.OS, Dimension.LANGUAGE, Dimension.TIME_ZONE, Dimension.APP_VERSION, Dimension.DEVICE_CLASS)
VERSIONS = (("3.0", 0), ("3.1", 60), ("3.2", 115))
"""Each version, and the day of the world it came on."""

Values = Mapping[Dimension, str]
Done = Mapping[tuple[str, str], Sequence[int]]
"""What one person did on one day: by measure and label, one value each time (1 where it has none)."""


@dataclass
class Person:
    """One device: when it came, what it is, how keen it is."""

    number: int
    first: int
    os: str
    language: str
    zone: str
    upgrades_after: int
    keen: float
    fade: int
    days: list[int] = field(default_factory=list)

    def values(self, day: int, begin: int) -> Values:
        """Its context on a day."""
        age = day - begin - self.upgrades_after
        version = [name for name, since in VERSIONS if age >= since] or [VERSIONS[0][0]]
        kind = {"ipados": "tablet", "windows": "desktop", "macos": "desktop"}.get(self.os, "phone")
        return dict(zip(CONTEXT, (self.os, self.language, self.zone, version[-1], kind), strict=True))


class World:
    """``count`` people over ``length`` days up to today, by seed."""

    def __init__(self, count: int, length: int, seed: int = 11) -> None:
        self.begin = TODAY - length
        self.catalog = parse_catalog(CATALOG)
        self.events: list[tuple[object, ...]] = []
        self._sums: dict[int, Counter[tuple[int, int, int, int, int, str, str]]] = defaultdict(Counter)
        self._days: dict[int, DaySums] = {}
        draw = random.Random(seed)
        for person in self._people(count, length, draw):
            self._live(person, draw)

    @cached_property
    def sql(self) -> sqlite3.Connection:
        """The truth, for SQL: ``use(day, person, os, language, zone, version, class, measure, label, value)``."""
        found = sqlite3.connect(":memory:", check_same_thread=False)
        found.execute("CREATE TABLE use(day, person, os, language, zone, version, class, measure, label, value)")
        found.executemany(f"INSERT INTO use VALUES ({','.join('?' * 10)})", self.events)
        return found

    def day(self, day: int) -> DaySums:
        """The sums of a day."""
        if day not in self._days:
            self._days[day] = DaySums(_cells(day, self._sums.get(day, {})))
        return self._days[day]

    def span(self, first: int, last: int) -> DaySums:
        """The facts of days that may be added up, over a span."""
        found: Counter[tuple[int, int, int, int, int, str, str]] = Counter()
        for day in range(first, last + 1):
            for key, n in self._sums.get(day, {}).items():
                if key[2] in (Fact.FIRST, Fact.AGE, Fact.WEEK_AGE):
                    found[key] += n
        return DaySums(_cells(first, found))

    def steps(self, day: int) -> DaySums:
        """The steps of attempts begun on a day: each is over within minutes."""
        return self.day(day)

    def late(self, first: int, last: int) -> Mapping[int, DaySums]:
        """Nobody is late."""
        return {}

    def _people(self, count: int, length: int, draw: random.Random) -> Iterator[Person]:
        for number in range(count):
            first = self.begin + (0 if draw.random() < 0.2 else int(length * draw.random()))
            language, zone = draw.choices(
                [
                    ("de", "Europe/Berlin"),
                    ("en", "Europe/London"),
                    ("en", "America/New_York"),
                    ("fr", "Europe/Paris"),
                    ("es", "Europe/Madrid"),
                    ("mt", "Europe/Malta"),
                ],
                [34, 22, 16, 14, 13, 1],
            )[0]
            os = draw.choices(["android", "ios", "ipados", "windows", "linux"], [46, 34, 9, 10, 1])[0]
            keen, fade = 0.2 + 0.75 * draw.betavariate(2, 2), draw.choice([3, 12, 60, 400])
            yield Person(number, first, os, language, zone, draw.choice([0, 1, 1, 2, 4, 7]), keen, fade)

    def _live(self, person: Person, draw: random.Random) -> None:
        origin = person.values(person.first, self.begin)
        last: dict[str, int] = {}
        for day in range(person.first, TODAY + 1):
            weekend = 0.35 if (day + 3) % 7 >= 5 else 1.0
            stays = person.fade / (person.fade + day - person.first)
            if day != person.first and draw.random() > person.keen * weekend * stays:
                continue
            values = person.values(day, self.begin)
            done = self._uses(day, values, draw)
            for (measure, label), found in done.items():
                row = (day, person.number, *values.values(), measure, label)
                self.events += [(*row, value) for value in found]
            self._tally_active(day, last.get("active"), person.first, values, origin)
            last["active"] = day
            self._tally_moves(day, values, done)
            for measure in {name for name, _ in done} - {"active", "move"}:
                mine = {label: found for (name, label), found in done.items() if name == measure}
                self._tally(self.catalog.measures[measure], day, last.get(measure), values, mine)
                last[measure] = day

    def _uses(self, day: int, values: Values, draw: random.Random) -> Done:
        """One day's use. Version 3.2 joins slower and crashes more; Android shares its screen more."""
        version, android = values[Dimension.APP_VERSION], values[Dimension.OS] == "android"
        slow = {"3.0": 1.0, "3.1": 1.0, "3.2": 1.4}[version]
        meetings = 1 + int(draw.expovariate(0.9))
        done: dict[tuple[str, str], list[int]] = {("active", ""): [1]}
        for _ in range(meetings):
            entry = draw.choices(["link", "calendar", "dial_in", "room"], [52, 34, 4, 10])[0]
            done.setdefault(("meeting.joined", entry), []).append(1)
            done.setdefault(("meeting.join_time", ""), []).append(int(750 * slow * draw.lognormvariate(0, 0.45)))
        if draw.random() < (0.42 if android else 0.26):
            done["screen_share.used", ""] = [1]
        before = "start"
        for screen in self._path(draw, meetings):
            done.setdefault(("screen.viewed", screen), []).append(1)
            done.setdefault(("move", f"{before} {screen}"), []).append(1)
            before = screen
        for _ in range(1 + int(draw.expovariate(1.6))):
            crashed = draw.random() < (0.24 if version == "3.2" else 0.13)
            done.setdefault(("session.end", "crashed" if crashed else "clean"), []).append(1)
            done.setdefault(("session", ""), []).append(int(draw.lognormvariate(6.0, 0.9)))
        if draw.random() < (0.36 if version == "3.2" else 0.22):
            category = draw.choices(["sound", "picture", "connection"], [45, 20, 35])[0]
            done["problem.reported", category] = [1]
        reached = 1 + (draw.random() < 0.7) + (draw.random() < 0.7)
        done["meeting.setup", ""] = [3 if reached == 3 else min(reached, 2)]
        return done

    @staticmethod
    def _path(draw: random.Random, meetings: int) -> Iterator[str]:
        """The screens of a day, in order."""
        yield "home"
        for _ in range(meetings):
            yield "lobby"
            yield "meeting"
        if draw.random() < 0.3:
            yield from ("home", "settings")

    def _add(self, day: int, measure: Measure, label: int, fact: Fact, slot: int, n: int, values: Values) -> None:
        sums = self._sums[day]
        sums[measure.code, label, int(fact), slot, TOTAL, "", ""] += n
        for cut in measure.breakdowns:
            second = values[cut.second] if cut.second else ""
            sums[measure.code, label, int(fact), slot, cut.code, values[cut.first], second] += n

    def _tally_active(self, day: int, last: int | None, born: int, values: Values, origin: Values) -> None:
        active = self.catalog.measures["active"]
        gap = 31 if last is None else min(31, day - last)
        self._add(day, active, WHOLE, Fact.GAP, gap, 1, values)
        self._add(day, active, WHOLE, Fact.AGE, min(31, day - born), 1, origin)
        kinds = {First.WEEK: PeriodKind.WEEK, First.MONTH: PeriodKind.MONTH, First.QUARTER: PeriodKind.QUARTER}
        for slot, kind in (kinds | {First.YEAR: PeriodKind.YEAR}).items():
            if last is None or last < period_of(kind, day).first:
                self._add(day, active, WHOLE, Fact.FIRST, int(slot), 1, values)
        if last is None or last < days.week_start(day):
            weeks = (days.week_start(day) - days.week_start(born)) // 7
            self._add(day, active, WHOLE, Fact.WEEK_AGE, min(53, weeks), 1, origin)

    def _tally_moves(self, day: int, values: Values, done: Done) -> None:
        screens = self.catalog.measures["screen.viewed"]
        assert screens.label
        for (name, move), found in done.items():
            if name == "move":
                before, screen = move.split()
                slot = 0 if before == "start" else screens.label.code_of(before)
                self._add(day, screens, screens.label.code_of(screen), Fact.MOVE, slot, len(found), values)

    def _tally(
        self, measure: Measure, day: int, last: int | None, values: Values, mine: Mapping[str, Sequence[int]]
    ) -> None:
        if measure.kind is not Kind.FUNNEL:
            self._add(day, measure, WHOLE, Fact.DEVICES, 0, 1, values)
        if measure.reach:
            self._add(day, measure, WHOLE, Fact.GAP, 31 if last is None else min(31, day - last), 1, values)
        if measure.kind is Kind.FUNNEL:
            self._add(day, measure, WHOLE, Fact.STEP, max(mine[""]), 1, values)
            return
        for name, found in mine.items():
            label = measure.label.code_of(name) if measure.label and name else WHOLE
            if label != WHOLE:
                self._add(day, measure, label, Fact.DEVICES, 0, 1, values)
            if Fact.COUNT in measure.facts:
                self._add(day, measure, label, Fact.COUNT, 0, len(found), values)
            if Fact.BUCKET in measure.facts:
                for value in found:
                    self._add(day, measure, label, Fact.BUCKET, buckets.bucket_of(value), 1, values)


class ProductReleases:
    """The reader's protocol over what the real rule releases of a world; sealed through four days ago."""

    codes: tuple[int, ...] = (11,)
    """Whose numbers these are."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._by_kind: dict[tuple[Statistic, PeriodKind], list[Number]] = defaultdict(list)
        self._headers: list[ReleaseHeader] = []
        self._release()

    def _release(self) -> None:
        world = self.world
        statistics = Statistics(world.catalog, world.begin, world, Threshold(K))
        blocks: list[Block] = []
        for period in _periods(world.begin):
            if period.kind is PeriodKind.DAY:
                numbers = list(statistics.of_day(period.last))
                blocks += blocks_of_day(numbers)
            else:
                inside = [b for b in blocks if period.first <= min(b.days) and max(b.days) <= period.last]
                numbers, added = statistics.of_span(period, inside)
                blocks += added
            self._seal(period, numbers)

    def _seal(self, period: Period, numbers: Sequence[Number]) -> None:
        for number in numbers:
            complete = None if number.high is not None else 90 if number.measure == CLIPPED else 100
            self._by_kind[number.statistic, number.period].append(replace(number, complete=complete))
        self._headers.append(self._header(period, numbers))

    async def numbers(self, question: Question) -> Sequence[Number]:
        """What a question selects."""
        if question.customer not in self.codes:
            return []
        return [
            number
            for statistic in question.statistics
            for period in question.periods
            for number in self._by_kind.get((statistic, period), ())
            if asked(number, question)
        ]

    async def provisional(self, customer: int, app: int) -> Sequence[Number]:
        """The people of open days, rounded down to tens."""
        found = []
        active = self.world.catalog.measures["active"].code
        for day in range(SEALED + 1, TODAY + 1):
            n = sum(self.world.day(day).devices(active, active=True).values()) if customer == 11 else 0
            if n >= K:
                place = (PeriodKind.DAY, day, day, active, WHOLE, TOTAL, "", "", 0)
                value = max(K, n // 10 * 10)
                found.append(Number(Statistic.PEOPLE, *place, State.SHOWN, value, 10, provisional=True))
        return found

    async def debug(self, customer: int, app: int) -> DebugCounts:
        """No developer has tried it."""
        return DebugCounts()

    async def releases(self, customer: int, app: int, first: int, last: int) -> Sequence[ReleaseHeader]:
        """The headers, in the order they were sealed."""
        return [header for header in self._headers if first <= header.last <= last] if customer in self.codes else []

    async def freshness(self, customer: int, app: int) -> Freshness:
        """Sealed to four days ago."""
        return Freshness(SEALED, TODAY, self.world.begin) if customer in self.codes else Freshness(None, TODAY, None)

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
            late_dropped=0,
            missing={str(CLIPPED): {"lost": 0, "refused": 0, "clipped": 10, "late": 0}},
            previous=previous,
            hash="",
        )
        return replace(header, hash=hashlib.sha256(f"{previous}{name}".encode()).hexdigest())


class NoisyProduct(ProductReleases):
    """The same under differential privacy: every number with its noise and its interval, nothing before sealing.

    They stand for those of all Customers, too: a scope's numbers look no different.
    """

    codes = (11, PRODUCT)

    def _release(self) -> None:
        catalog = self.world.catalog
        budget = budget_of(catalog, "light")
        releases = NoisyReleases(catalog, budget, self.world.begin, self.world, DiscreteGaussian())
        ledger = Ledger()
        noisy: dict[Period, Sequence[Noisy]] = {}
        for period in _periods(self.world.begin):
            release = releases.of_period(period, ledger, parts_of(period, lambda part: noisy.get(part, ())))
            noisy[period] = release.noisy
            for spending in release.spent:
                ledger.record(spending)
            self._seal(period, release.numbers)

    async def provisional(self, customer: int, app: int) -> Sequence[Number]:
        """Nothing: an open period has no noise yet."""
        return []


def write_product(folder: Path, *, rule: str = "threshold") -> Tenancy:
    """The organisation of the world's app, written to a folder and read from there."""
    (folder / "catalog.toml").write_text(CATALOG)
    text = ORGANISATION.replace('purposes = ["usage", "context"]', 'purposes = ["usage", "context", "diagnostics"]')
    text = text.replace('partner = "north"\npolicy', f'partner = "north"\nrule = "{rule}"\npolicy')
    for code in range(21, 25):
        others = f'[customers.c{code}]\ncode = {code}\npolicy = {{ version = 1, purposes = ["usage"] }}\n'
        text = text.replace("[apps.meet]", others + "[apps.meet]") if rule == "dp" else text
    (folder / "organisation.toml").write_text(text)
    return Tenancy(folder / "organisation.toml")


def _periods(begin: int) -> list[Period]:
    """Every period that is due, in the order of its freeze."""
    kinds = (PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.YEAR)
    found = {period_of(kind, day) for kind in kinds for day in range(begin, SEALED + 1)}
    due = [p for p in found if p.last <= SEALED and p.frozen_from <= TODAY]
    return sorted(due, key=lambda p: (p.frozen_from, kinds.index(p.kind), p.first))


def _cells(day: int, sums: Mapping[tuple[int, int, int, int, int, str, str], int]) -> Iterable[Cell]:
    for (measure, label, fact, slot, breakdown, value1, value2), n in sums.items():
        yield Cell(0, 5, 11, 3, day, 0, measure, label, fact, slot, breakdown, value1, value2, n)

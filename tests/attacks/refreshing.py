"""Attacks that wait: the same number asked again later, when a few people more have arrived."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
from headcount_aggregator.cells import Cell
from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.run import Releaser
from headcount_aggregator.sealed_reader import parse_release
from headcount_wire.organisation import Organisation, parse_organisation

from tests.aggregator.world import CATALOG, FIRST_DAY, Use, World
from tests.attacks.memory_cells import MemoryCells
from tests.attacks.outcome import Engine, Outcome, of_share

K = 20
MONDAY = FIRST_DAY + 5
QUARTER = period_of(PeriodKind.QUARTER, FIRST_DAY)
ORGANISATION = """\
[operator]
name = "Made up"
[customers.acme]
code = 1
policy = { version = 1, purposes = ["usage"] }
[apps.app]
code = 1
catalogs = ["catalog.toml"]
"""
Published = dict[str, bytes]


def organisation(folder: Path, rule: str = "threshold") -> Organisation:
    """One Customer with one app."""
    (folder / "catalog.toml").write_text(CATALOG)
    return parse_organisation(ORGANISATION.replace("code = 1\npolicy", f'code = 1\nrule = "{rule}"\npolicy'), folder)


def use(device: int, day: int, *, late: bool = False) -> Use:
    """One device of a day, that joined twice."""
    return Use(device, day, "ios", "1.0", {2: 2}, False, (), late)


def week(people: int, late: int) -> World:
    """A week of people, and of Tuesday some who came after it was sealed."""
    uses = [use(device, MONDAY + day) for day in range(7) for device in range(people)]
    return World([*uses, *(use(1000 + device, MONDAY + 1, late=True) for device in range(late))])


def published(folder: Path) -> Published:
    """Everything that can be read, by file."""
    return {path.name: path.read_bytes() for path in sorted((folder / "1-1").glob("*")) if path.name != "chain"}


def numbers_in(data: bytes) -> list[object]:
    """The numbers of a sealed file or of the provisional one."""
    plain = orjson.loads(data)
    return plain["numbers"] if "numbers" in plain else [*parse_release(data)[1]]


def late_data_and_refresh() -> Iterator[Outcome]:
    """Ask for a day again after the stragglers: what grew is the stragglers."""
    naive = told = 0
    for late in range(1, K):
        before, after = week(60, 0), week(60, late)
        naive += len(after.between(MONDAY + 1, MONDAY + 1)) - len(before.between(MONDAY + 1, MONDAY + 1)) == late
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            app, cells = organisation(folder), MemoryCells(before.cells)
            today = MONDAY + 6
            told += _grew(folder, app, cells, [c for c in after.cells if c.late], today)
    yield of_share(Engine.NAIVE, naive, K - 1, "numbers of stragglers told")
    yield of_share(Engine.THRESHOLD, told, K - 1, "numbers of stragglers told, sealed or provisional")


def _grew(folder: Path, app: Organisation, cells: MemoryCells, late: list[Cell], today: int) -> bool:
    """Whether anything that can be read is another after late cells than before, while Tuesday's week is open."""
    seen = []
    for arriving in (list[Cell](), late):
        cells.arrive(arriving)
        releaser = Releaser(folder, cells)
        releaser.release_due(app, today)
        releaser.publish_provisional(app, today)
        seen.append({name: numbers_in(data) for name, data in published(folder).items()})
    assert len(seen[0]) > 2
    return seen[0] != seen[1]


def late_against_the_week() -> Iterator[Outcome]:
    """Take the sealed days from the sealed week: what is left came late."""
    naive = told = 0
    for late in range(1, K):
        of_week, days = len(week(60, late).uses), len([u for u in week(60, late).uses if not u.late])
        naive += of_week - days == late
        numbers = []
        for with_late in (late, 0):
            with tempfile.TemporaryDirectory() as text:
                folder = Path(text)
                app = organisation(folder)
                Releaser(folder, MemoryCells(week(60, with_late).cells)).release_due(app, MONDAY + 20)
                numbers.append({name: numbers_in(data) for name, data in published(folder).items()})
        assert any("week" in name for name in numbers[0])
        told += numbers[0] != numbers[1]
    yield of_share(Engine.NAIVE, naive, K - 1, "numbers of late people told")
    yield of_share(Engine.THRESHOLD, told, K - 1, "numbers of late people told")


def provisional_against_sealed() -> Iterator[Outcome]:
    """Take the last provisional number from the sealed one: what is left came in the last hour."""
    naive = told = 0
    with tempfile.TemporaryDirectory() as text:
        for came in range(1, K):
            folder = Path(text) / str(came)
            folder.mkdir()
            app = organisation(folder)
            final = 87
            cells = MemoryCells(World([use(device, MONDAY) for device in range(final - came)]).cells)
            Releaser(folder, cells).publish_provisional(app, MONDAY + 2)
            open_day = _people(numbers_in(published(folder)["provisional"]))
            cells = MemoryCells(World([use(device, MONDAY) for device in range(final)]).cells)
            Releaser(folder, cells).release_due(app, MONDAY + 4)
            (sealed,) = [data for name, data in published(folder).items() if "-day-" in name]
            assert _people(numbers_in(sealed)) == final
            possible = {m for m in range(1, K) if (final - m) // 10 * 10 == open_day}
            told += len(possible) == 1
            naive += final - (final - came) == came
    yield of_share(Engine.NAIVE, naive, K - 1, "numbers of the last people told")
    yield of_share(Engine.THRESHOLD, told, K - 1, "numbers of the last people told")


def _people(rows: list[object]) -> int | None:
    for row in rows:
        if isinstance(row, list) and row[0] == "people" and row[1] == "day" and row[4] == 1 and not row[6]:
            return row[11] if isinstance(row[11], int) else None
    return None


def dropped_late() -> Iterator[Outcome]:
    """Add up how many came too late by week, and take them from their quarter's, all rounded up to tens."""
    weeks = [period_of(PeriodKind.WEEK, QUARTER.first + 7 * at) for at in range(1, 13)]
    late = {week: int(at not in (3, 8)) for at, week in enumerate(weeks)}
    up = {week: -(-n // 10) * 10 for week, n in late.items()}
    total = -(-sum(late.values()) // 10) * 10
    naive = _exactly({week: (n - 9 if n else 0, n) for week, n in up.items()}, (total - 9, total))
    uses = [use(device, day) for day in range(QUARTER.first, QUARTER.last + 1) for device in range(3)]
    uses += [use(100, week.first, late=True) for week, n in late.items() if n]
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        app = organisation(folder)
        Releaser(folder, MemoryCells(World(uses).cells)).release_due(app, QUARTER.last + 20)
        headers = [parse_release(data)[0] for name, data in published(folder).items() if "provisional" not in name]
    told = {header.first: header.late_dropped for header in headers if header.period is PeriodKind.WEEK}
    (whole,) = (header.late_dropped for header in headers if header.period is PeriodKind.QUARTER)
    pinned = _exactly({week: _fewer_or_tens(told[week.first]) for week in weeks}, _fewer_or_tens(whole))
    some = sum(late.values())
    yield of_share(Engine.NAIVE, naive, some, "weeks of which it is told that one person came too late")
    yield of_share(Engine.THRESHOLD, pinned, some, "weeks of which it is told that one person came too late")


def _fewer_or_tens(told: int) -> tuple[int, int]:
    return (max(K, told - 9), told) if told else (0, K - 1)


def _exactly(weeks: Mapping[Period, tuple[int, int]], whole: tuple[int, int]) -> int:
    """How many weeks can have one number only, above nothing, if they add up to the whole."""
    least, most = (sum(ends[at] for ends in weeks.values()) for at in (0, 1))
    found = 0
    for low, high in weeks.values():
        high = min(high, whole[1] - (least - low))
        low = max(low, whole[0] - (most - high))
        found += low == high > 0
    return found

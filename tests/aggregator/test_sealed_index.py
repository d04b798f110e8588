"""The index of sealed files: the same answers, from less; made again whenever it is not right."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from headcount_aggregator import sealed_index
from headcount_aggregator.chains import Chains
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.seal import Chain
from headcount_aggregator.released import Number, Question, State, Statistic
from headcount_aggregator.sealed_index import SealedIndex
from headcount_aggregator.sealed_reader import OPEN_APPS, SealedReader
from headcount_wire.clock import ManualClock

from tests.aggregator.made_up_releases import asked
from tests.aggregator.test_sealed_reader import ASKED, DAYS, sealed

CLOCK = ManualClock(20_100 * 86_400.0)
EVERYTHING = Question(11, 3, tuple(Statistic), tuple(PeriodKind), 0, 65_000)


def reader(folder: Path, indexes: Path | None) -> SealedReader:
    """A reader that looks at the files again before every answer."""
    moments = itertools.count(step=2)
    return SealedReader(folder, CLOCK, indexes, pace=lambda: float(next(moments)))


def some_numbers(draw: random.Random, day: int) -> list[Number]:
    """Numbers of every kind, of periods that end on a day."""
    found = []
    for _ in range(draw.randrange(40)):
        kind, statistic = draw.choice(list(PeriodKind)), draw.choice(list(Statistic))
        period = period_of(kind, day - draw.choice([0, 0, 1, 40]))
        shown = draw.random() < 0.8
        cut = draw.choice([0, 8, 33])
        found.append(
            Number(
                statistic,
                kind,
                period.first,
                period.last,
                draw.randrange(1, 4),
                draw.randrange(3),
                cut,
                draw.choice(["ios", "other", "Europe/Berlin"]) if cut else "",
                draw.choice(["3.1", "other"]) if cut == 33 else "",
                draw.randrange(4),
                State.SHOWN if shown else State.COMPLEMENT,
                draw.randrange(2**40) if shown else None,
                draw.choice([1, 10]),
                draw.randrange(3),
                left_out=draw.randrange(3),
            )
        )
    return found


def chain_of(folder: Path, numbers: dict[int, list[Number]], codes: tuple[int, int] = (11, 3)) -> Path:
    """A chain with a release a day that holds these numbers."""
    chain = Chain(folder / f"{codes[0]}-{codes[1]}", Disk())
    plain = {"customer": codes[0], "app": codes[1], "rule": "threshold", "k": 20, "late_dropped": 0}
    for day, found in numbers.items():
        chain.seal({**plain, "sealed_on": day + 4}, Period(PeriodKind.DAY, day, day), found)
    return folder / f"{codes[0]}-{codes[1]}"


@pytest.mark.parametrize("seed", range(3))
async def test_it_answers_as_the_files_say(tmp_path: Path, seed: int) -> None:
    """Any question is answered with just the numbers that the sealed files hold for it."""
    draw = random.Random(seed)
    numbers = {day: some_numbers(draw, day) for day in DAYS}
    chain_of(tmp_path / "releases", numbers)
    readers = [reader(tmp_path / "releases", place) for place in (None, tmp_path / "indexes")]
    readers.append(SealedReader(tmp_path / "releases", CLOCK, tmp_path / "indexes"))  # it looks once a second
    for _ in range(60):
        question = Question(
            11,
            3,
            tuple(draw.sample(list(Statistic), draw.randint(1, len(Statistic)))),
            tuple(draw.sample(list(PeriodKind), draw.randint(1, len(PeriodKind)))),
            first := draw.choice([0, *DAYS]),
            max(first, draw.choice([*DAYS, 65_000])),
            draw.choice([None, 1, 2, 9]),
            draw.choice([None, 0, 1]),
            draw.choice([None, 0, 8, 33]),
        )
        wanted = [number for found in numbers.values() for number in found if asked(number, question)]
        for each in readers:
            assert sorted(await each.numbers(question), key=repr) == sorted(wanted, key=repr)


@pytest.fixture
def opened() -> Iterator[set[str]]:
    """The names of all files that the process opens from now on."""
    names: set[str] = set()
    live = [True]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if live[0] and event == "open" and isinstance(arguments[0], str | Path):
            names.add(Path(arguments[0]).name)

    sys.addaudithook(hook)
    yield names
    live[0] = False


async def test_a_sealed_file_is_read_once_over_all_starts(tmp_path: Path, opened: set[str]) -> None:
    """A reader that starts anew opens no sealed file that is in the index: only what was sealed since."""
    sealed(tmp_path / "releases")
    first = await reader(tmp_path / "releases", tmp_path / "indexes").numbers(EVERYTHING)
    opened.clear()
    assert await reader(tmp_path / "releases", tmp_path / "indexes").numbers(EVERYTHING) == first
    assert not [name for name in opened if name.endswith(".json")]
    sealed(tmp_path / "releases", range(DAYS[-1] + 1, DAYS[-1] + 2))
    opened.clear()
    found = await reader(tmp_path / "releases", tmp_path / "indexes").numbers(EVERYTHING)
    assert len(found) == len(first) + 1
    assert {name for name in opened if name.endswith(".json")} <= {
        path.name for path in sorted((tmp_path / "releases/11-3").glob("*.json"))[-2:]
    }


def write(path: Path, data: bytes) -> None:
    """Write a file so that its time is another: the file system's clock may stand still for some milliseconds."""
    before = path.stat().st_ctime_ns if path.exists() else 0
    path.write_bytes(data)
    while path.stat().st_ctime_ns == before:
        path.touch()


async def test_what_is_sealed_damaged_or_taken_away_is_seen_at_the_next_look(tmp_path: Path) -> None:
    """A running reader serves a new seal, stops serving a file that changed or went, and serves it once it is back."""
    folder = sealed(tmp_path / "releases")
    Chains(tmp_path / "releases").look()
    running = reader(tmp_path / "releases", tmp_path / "indexes")
    whole = [number.first for number in await running.numbers(ASKED)]
    assert whole == list(DAYS)
    path = sorted(folder.glob("*.json"))[20]
    data = path.read_bytes()
    for damage in (data.replace(b'"shown",30', b'"shown",99'), data[:50], None):
        if damage is None:
            path.unlink()
        else:
            write(path, damage)
        assert [number.first for number in await running.numbers(ASKED)] == [day for day in whole if day != DAYS[20]]
        write(path, data)
        assert [number.first for number in await running.numbers(ASKED)] == whole
    sealed(tmp_path / "releases", range(DAYS[-1] + 1, DAYS[-1] + 3))
    assert len(await running.numbers(ASKED)) == len(whole) + 2


async def test_a_reader_that_looked_a_moment_ago_sees_a_new_seal(tmp_path: Path) -> None:
    """However lately it looked, what was sealed or removed since is in the next answer; damage of its index, too."""
    folder = sealed(tmp_path / "releases")
    running = SealedReader(tmp_path / "releases", CLOCK, tmp_path / "indexes")
    for more in range(1, 6):
        assert len(await running.numbers(ASKED)) == len(await running.numbers(ASKED)) == len(DAYS) + more - 1
        sealed(tmp_path / "releases", range(DAYS[-1] + more, DAYS[-1] + more + 1))
        os.utime(folder, ns=(more, more))  # the file system's own clock may stand still for some milliseconds
        assert (await running.freshness(11, 3)).sealed_through == DAYS[-1] + more
    max(folder.glob("*.json")).unlink()
    assert len(await running.numbers(ASKED)) == len(DAYS) + 4


async def test_files_that_were_copied_back_need_no_new_index(tmp_path: Path) -> None:
    """Other times and inodes with the same bytes are the same releases."""
    folder = sealed(tmp_path / "releases")
    whole = await reader(tmp_path / "releases", tmp_path / "indexes").numbers(ASKED)
    shutil.copytree(folder, tmp_path / "copy")
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "copy", folder)
    assert await reader(tmp_path / "releases", tmp_path / "indexes").numbers(ASKED) == whole


@pytest.mark.parametrize("seed", range(8))
async def test_a_damaged_index_is_made_again(tmp_path: Path, seed: int) -> None:
    """Whatever bytes of an index are changed, cut or put in its place, the answers stay those of the files."""
    draw = random.Random(seed)
    numbers = {day: some_numbers(draw, day) for day in DAYS[:12]}
    chain_of(tmp_path / "releases", numbers)
    whole = await reader(tmp_path / "releases", tmp_path / "indexes").numbers(EVERYTHING)
    path = tmp_path / "indexes/11-3.sqlite"
    for side in ("-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)
    data = bytearray(path.read_bytes())
    match seed:
        case 0:
            data = bytearray()
        case 1:
            data = bytearray(b"not a database at all" * 500)
        case 2:
            del data[len(data) // 2 :]
        case _:
            for _ in range([1, 1, 3, 30, len(data) // 50][seed - 3]):
                data[draw.randrange(100, len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)
    for _ in range(2):
        again = reader(tmp_path / "releases", tmp_path / "indexes")
        assert await again.numbers(EVERYTHING) == whole


async def test_releases_of_another_app_are_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A whole chain put into another Customer's folder is not served as theirs."""
    sealed(tmp_path)
    (tmp_path / "11-3").rename(tmp_path / "12-3")
    question = Question(12, 3, (Statistic.PEOPLE,), (PeriodKind.DAY,), 0, 65_000)
    assert await reader(tmp_path, None).numbers(question) == []
    assert capfd.readouterr().out.count("release_refused") == len(DAYS)


async def test_many_readers_share_an_index(tmp_path: Path) -> None:
    """Processes that make one index at the same moment: each answers whole, and nothing is in it twice."""
    sealed(tmp_path / "releases")
    readers = [reader(tmp_path / "releases", tmp_path / "indexes") for _ in range(4)]
    for answer in await asyncio.gather(*(each.numbers(ASKED) for each in readers for _ in range(2))):
        assert [number.first for number in answer] == list(DAYS)


async def test_more_apps_than_are_held_open(tmp_path: Path) -> None:
    """Apps asked of in any order, many at once: each answers with its own, though only some stay open."""
    for customer in range(1, OPEN_APPS + 9):
        number = Number(Statistic.PEOPLE, PeriodKind.DAY, 20_000, 20_000, 1, 0, 0, "", "", 0, State.SHOWN, customer)
        chain_of(tmp_path / "releases", {20_000: [number]}, (customer, 3))
    asking = SealedReader(tmp_path / "releases", CLOCK, tmp_path / "indexes")
    draw = random.Random(1)
    customers = [draw.randrange(1, OPEN_APPS + 9) for _ in range(300)]
    questions = [Question(customer, 3, (Statistic.PEOPLE,), (PeriodKind.DAY,), 0, 65_000) for customer in customers]
    answers = await asyncio.gather(*(asking.numbers(question) for question in questions))
    assert [[number.value for number in answer] for answer in answers] == [[customer] for customer in customers]
    assert len(asking._apps) <= OPEN_APPS + 8


async def test_keeping_up_costs_what_was_sealed_and_not_how_many_apps_there_are(
    tmp_path: Path, opened: set[str]
) -> None:
    """Of more apps than are held open, a look opens the files of the one that sealed, and none when nobody did."""
    for customer in range(1, OPEN_APPS + 9):
        chain_of(tmp_path / "releases", {20_000: []}, (customer, 3))
    running = SealedReader(tmp_path / "releases", CLOCK, tmp_path / "indexes")
    await running.catch_up()
    opened.clear()
    for _ in range(3):
        await running.catch_up()
    assert not opened
    chain_of(tmp_path / "releases", {20_001: []}, (7, 3))
    os.utime(tmp_path / "releases/7-3", ns=(1, 1))  # the file system's own clock may stand still for some milliseconds
    opened.clear()
    await running.catch_up()
    assert {name for name in opened if name.endswith(".json")} == {
        path.name for path in (tmp_path / "releases/7-3").glob("*.json")
    }
    assert len(SealedIndex(tmp_path / "indexes/7-3.sqlite").files()) == 2


async def test_an_index_folder_that_cannot_be_written_costs_memory_not_answers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where the folder cannot be, the index is held in memory, and the log says so."""
    sealed(tmp_path / "releases")
    (tmp_path / "indexes").write_text("a file in its place")
    asking = reader(tmp_path / "releases", tmp_path / "indexes")
    assert len(await asking.numbers(ASKED)) == len(DAYS)
    assert "index_in_memory" in capfd.readouterr().out


async def test_indexes_are_made_before_anybody_asks_and_go_with_their_releases(
    tmp_path: Path,
) -> None:
    """Keeping up: what was sealed is in the index without a question; an erased Customer's index is removed."""
    folder = sealed(tmp_path / "releases")
    asking = reader(tmp_path / "releases", tmp_path / "indexes")
    await asking.catch_up()
    index = tmp_path / "indexes/11-3.sqlite"
    assert len(SealedIndex(index).files()) == len(DAYS)
    shutil.rmtree(folder)
    await asking.catch_up()
    assert not index.exists()
    assert await asking.numbers(ASKED) == []


def test_an_index_is_looked_through_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened again it is trusted as long as the file system says the same of it, and looked through after a change."""
    looked: list[bool] = []
    really = sealed_index._is_whole

    def look(db: sqlite3.Connection) -> bool:
        looked.append(really(db))
        return looked[-1]

    monkeypatch.setattr(sealed_index, "_is_whole", look)
    path = tmp_path / "index.sqlite"
    SealedIndex(path).close()
    for _ in range(3):
        SealedIndex(path).close()
    assert looked == [True]
    with sqlite3.connect(path) as db:
        db.execute("update digest set digest = x'00'")
    db.close()
    SealedIndex(path).close()
    assert looked == [True, False], "it was found damaged, and made again"
    SealedIndex(path).close()
    assert looked == [True, False, True]

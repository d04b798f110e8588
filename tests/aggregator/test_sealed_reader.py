"""What the web process reads: each sealed number once, whoever asks at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from headcount_aggregator.chains import Chains
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.release.seal import Chain
from headcount_aggregator.released import Number, Question, State, Statistic
from headcount_aggregator.sealed_reader import SealedReader, verify
from headcount_wire.clock import ManualClock

DAYS = range(20_000, 20_060)
ASKED = Question(11, 3, (Statistic.PEOPLE,), (PeriodKind.DAY,), 0, 65_000, 1, 0, 0)


def number(day: int, value: int = 30) -> Number:
    return Number(Statistic.PEOPLE, PeriodKind.DAY, day, day, 1, 0, 0, "", "", 0, State.SHOWN, value)


def sealed(folder: Path, days: range = DAYS) -> Path:
    """A chain of one release a day, sealed as the store seals."""
    chain = Chain(folder / "11-3", Disk())
    plain = {"customer": 11, "app": 3, "rule": "threshold", "k": 20, "late_dropped": 0}
    for day in days:
        numbers = [number(day)]
        chain.seal({**plain, "sealed_on": day + 4}, Period(PeriodKind.DAY, day, day), numbers)
    return folder / "11-3"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(20_100 * 86_400.0)


async def test_questions_at_the_same_moment_read_each_release_once(tmp_path: Path, clock: ManualClock) -> None:
    """Whatever comes together to a fresh reader, every answer holds every number once, then and ever after."""
    sealed(tmp_path)
    for _ in range(20):
        reader = SealedReader(tmp_path, clock)
        headers = asyncio.create_task(reader.releases(11, 3, 0, 65_000))
        answers = await asyncio.gather(*(reader.numbers(ASKED) for _ in range(6)))
        for answer in (*answers, await reader.numbers(ASKED)):
            assert [found.first for found in answer] == list(DAYS)
        assert len(await headers) == len(await reader.releases(11, 3, 0, 65_000)) == len(DAYS)


def flipped(data: bytes) -> bytes:
    return data.replace(b'"shown",30', b'"shown",99', 1)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[:20],
    "emptied": lambda data: b"",
    "changed": flipped,
    "another": lambda data: b"[]",
}


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("place", [0, 30, len(DAYS) - 1])
@pytest.mark.parametrize("name", DAMAGE)
async def test_what_is_not_what_was_sealed_is_not_served(
    tmp_path: Path, clock: ManualClock, capfd: pytest.CaptureFixture[str], name: str, place: int, recorded: bool
) -> None:
    """A damaged release is refused and logged once, all others are answered; put back, it is served again."""
    folder = sealed(tmp_path)
    if recorded:
        Chains(tmp_path).look()
    elif name == "changed" and place == len(DAYS) - 1:
        return  # the newest, before the store has recorded it: nothing can tell
    path = sorted(folder.glob("*.json"))[place]
    data = path.read_bytes()
    path.write_bytes(DAMAGE[name](data))
    reader = SealedReader(tmp_path, clock)
    for _ in range(2):
        assert [found.first for found in await reader.numbers(ASKED)] == [day for day in DAYS if day != DAYS[place]]
        assert (await reader.freshness(11, 3)).sealed_through == DAYS[-2 if place == len(DAYS) - 1 else -1]
    assert capfd.readouterr().out.count("release_refused") == 1
    path.write_bytes(data)
    assert [found.first for found in await reader.numbers(ASKED)] == list(DAYS)
    headers = await reader.releases(11, 3, 0, 65_000)
    assert [header.previous for header in headers[1:]] == [header.hash for header in headers[:-1]]


def test_every_change_of_a_recorded_chain_is_found(tmp_path: Path) -> None:
    """A file changed, cut off or taken away anywhere, the newest ones included, is named; so is a damaged record."""
    folder = sealed(tmp_path, range(20_000, 20_006))
    chains = Chains(tmp_path)
    chains.look()
    assert (chains.broken, verify(folder)) == ({}, 6)
    for path in sorted(folder.glob("*.json")):
        data = path.read_bytes()
        for change in (flipped(data), data[:-9], None):
            if change is None:
                path.unlink()
            else:
                path.write_bytes(change)
            chains.look()
            assert any(path.name in fault for fault in chains.broken["11-3"])
            with pytest.raises(ValueError, match="11-3: "):
                verify(folder)
            path.write_bytes(data)
            assert chains.look()
            assert not chains.broken
    (folder / "chain").write_bytes(b"\xff\n")
    chains.look()
    assert "record" in chains.broken["11-3"][0]

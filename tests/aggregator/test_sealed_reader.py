"""What the web process reads: each sealed number once, whoever asks at the same moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.release.seal import Chain
from headcount_aggregator.released import Number, Question, State, Statistic
from headcount_aggregator.sealed_reader import SealedReader
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

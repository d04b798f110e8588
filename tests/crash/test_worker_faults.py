"""The disk fails under a worker, at each call it makes: no answer is a promise that was not kept."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from tests.crash.faults import CALLS, Outcome, Rig, suffer
from tests.crash.house import tear
from tests.crash.nursery import PATIENCE_SECONDS, Nursery
from tests.crash.traced import Strace

AT_ONCE = 3
FULL, BROKEN = "ENOSPC", "EIO"
BEFORE_A_NAME = ("write", "fdatasync")
"""Calls after whose failure there is nothing that a worker could not undo."""


@pytest.fixture
async def nursery() -> AsyncIterator[Nursery]:
    async with Nursery() as found:
        yield found


def inject(call: str, error: str, when: str) -> tuple[str, str]:
    return ("-e", f"inject={call}:error={error}:when={when}")


async def each(points: Sequence[str], check: Callable[[str], Awaitable[Sequence[str]]]) -> Sequence[str]:
    """What was wrong at each point; some are tried at once."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(point: str) -> Sequence[str]:
        async with room:
            return [f"{point}: {wrong}" for wrong in await check(point)]

    async with asyncio.TaskGroup() as group:
        under_way = [group.create_task(one(point)) for point in points]
    return [wrong for task in under_way for wrong in task.result()]


async def counted(nursery: Nursery, folder: Path) -> Counter[str]:
    """How often a sound journey makes each call."""
    rig = Rig(folder, nursery)
    outcome = await suffer(rig)
    assert set(outcome.answers) == {202}
    assert not await rig.recovered()
    return Counter(call.name for call in outcome.calls)


def verdict(error: str, outcome: Outcome) -> Sequence[str]:
    """What is wrong with how a worker took an error."""
    if not outcome.in_time:  # nothing was hit, or the last seal: then the process was ending anyway
        return []
    first = outcome.failed[0]
    later = outcome.calls[outcome.calls.index(first) + 1 :]
    if error == BROKEN:
        trusting = [call.name for call in later if call.name in BEFORE_A_NAME]
        return [
            *([] if outcome.ended == 1 else [f"it did not end by itself, but {outcome.ended}"]),
            *(["after it the disk was trusted again"] if trusting else []),
        ]
    goes_on = outcome.ended is None and outcome.after == 202
    may_end = first.name == "rename" or ".open" not in first.arguments
    if goes_on or (may_end and outcome.ended == 1):
        return []
    return [f"it did not go on, but ended with {outcome.ended}, or answered {outcome.after}"]


@pytest.mark.parametrize("error", [BROKEN, FULL])
async def test_an_error_at_each_call_makes_no_false_acknowledgement(
    tmp_path: Path, nursery: Nursery, error: str
) -> None:
    """EIO or ENOSPC at the k-th open, write, sync or rename, for each k: what was answered 202 is there afterwards.

    All else is 507 with Retry-After. After EIO the process ends by itself and trusts the disk no more; after
    ENOSPC it goes on.
    """
    count = await counted(nursery, tmp_path / "count")
    points = [f"{call} {k}" for call in CALLS for k in range(1, count[call] + 1)]
    assert len(points) > 30, count
    met: list[str] = []

    async def check(point: str) -> Sequence[str]:
        call, k = point.split()
        rig = Rig(tmp_path / point, nursery)
        outcome = await suffer(rig, *inject(call, error, k))
        if outcome.failed:
            met.append(point)
        return [*verdict(error, outcome), *await rig.recovered()]

    assert not await each(points, check)
    # A slow machine seals earlier, and then makes a few calls more or less than were counted.
    assert len(met) > len(points) * 0.8, set(points) - set(met)


@pytest.mark.parametrize("error", [BROKEN, FULL])
async def test_nothing_works_any_more(tmp_path: Path, nursery: Nursery, error: str) -> None:
    """A disk on which a call fails for good, or whose cleaning up fails as well, makes no false acknowledgement."""
    points: dict[str, tuple[str, ...]] = {f"{call} for good": inject(call, error, "2+") for call in CALLS[:-1]}
    for also in ("ftruncate", "rename", "fsync", "ftruncate,rename,fsync,unlink"):
        points[f"write, and {also}"] = (*inject("write", error, "3+"), *inject(also, BROKEN, "1+"))

    async def check(point: str) -> Sequence[str]:
        rig = Rig(tmp_path / point, nursery)
        outcome = await suffer(rig, *points[point])
        return [*([] if outcome.failed else ["the fault was not met"]), *await rig.recovered()]

    assert not await each(list(points), check)


async def test_interruptions_are_no_failures(tmp_path: Path, nursery: Nursery) -> None:
    """Every second open, write and sync is interrupted (EINTR): every report is acknowledged, and is there."""
    rig = Rig(tmp_path / "rig", nursery)
    outcome = await suffer(rig, *inject("openat,write,fdatasync,fsync", "EINTR", "1+2"))
    assert {call.name for call in outcome.failed} == {"openat", "write", "fdatasync", "fsync"}
    assert {*outcome.answers, outcome.after} == {202}
    assert not await rig.recovered()


@pytest.mark.parametrize("error", [BROKEN, FULL])
async def test_an_error_while_starting_loses_nothing(tmp_path: Path, nursery: Nursery, error: str) -> None:
    """A process whose disk fails while it recovers ends, or serves; either way the next finds what was acknowledged."""
    points = [*(f"{call} {k}" for call, k in (("openat", 1), ("openat", 2))), "ftruncate 1", "fdatasync 1", "rename 1"]
    points += [f"fsync {k}" for k in (1, 2, 3)]

    async def check(point: str) -> Sequence[str]:
        call, k = point.split()
        rig = Rig(tmp_path / point, nursery, seal_seconds=60.0)
        await rig.start()
        answers = [await rig.report() for _ in range(3)]
        heard = rig.heard
        await rig.process.end()
        tear(rig.spool, rig.draw)
        (left,) = rig.spool.glob("*.open")
        held = await rig.start(hold=True)
        only = ("-e", f"trace={call}") if call == "fsync" else ("-e", f"trace={call}", "-P", str(left))
        async with Strace(rig.folder / "start.strace", held.pid, *only, *inject(call, error, k)) as strace:
            held.send(signal.SIGCONT)
            await asyncio.wait((held.ready, held.ended), timeout=PATIENCE_SECONDS, return_when="FIRST_COMPLETED")
            hit = any(found.injected for found in strace.calls)
        assert answers == [202] * 3, heard
        return [*([] if hit else ["the fault was not met"]), *await rig.recovered()]

    assert not await each(points, check)


@pytest.mark.parametrize("at", [1, 4, 8, 23, 24, 60, 100])
async def test_a_write_cut_short_is_no_acknowledgement(tmp_path: Path, nursery: Nursery, at: int) -> None:
    """A record of which the disk takes only so many bytes is refused, and cut off; what was there stays."""
    rig = Rig(tmp_path / "rig", nursery, seal_seconds=60.0)
    process = await rig.start()
    assert await rig.report() == 202
    (left,) = rig.spool.glob("*.open")
    size = left.stat().st_size + at
    async with Strace(rig.folder / "log", process.pid, "-f", "-e", "trace=write", "-P", str(left)) as strace:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, size))
        assert await rig.report() == 507
        assert await asyncio.wait_for(asyncio.shield(process.ended), PATIENCE_SECONDS) == 1
    assert [call.result for call in strace.calls] == [at, -1]
    assert not await rig.recovered()


async def test_a_disk_that_takes_a_few_bytes_at_a_time(tmp_path: Path, nursery: Nursery) -> None:
    """Short writes that go on are no failures: every report is acknowledged, and is there whole."""
    rig = Rig(tmp_path / "rig", nursery, variant="narrow")
    await rig.start()
    assert [await rig.report() for _ in range(5)] == [202] * 5
    assert not await rig.recovered()


async def test_a_worker_that_ignores_a_failed_sync_is_caught(tmp_path: Path, nursery: Nursery) -> None:
    """The same look at a worker with this bug finds fault with it at each sync of a record."""
    for k in (2, 3):
        rig = Rig(tmp_path / str(k), nursery, variant="ignores failed syncs")
        outcome = await suffer(rig, *inject("fdatasync", BROKEN, str(k)))
        assert len(verdict(BROKEN, outcome)) == 2

"""The system calls of a worker are made in the order that an acknowledgement promises."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.crash.faults import Rig
from tests.crash.house import tear
from tests.crash.nursery import Nursery
from tests.crash.order import OPTIONS, answers, broken_rules
from tests.crash.traced import Call, Strace

AT_ONCE = 4


async def traced(folder: Path, variant: str) -> Sequence[Call]:
    """The calls of a worker that finds a torn segment, takes reports one by one and several at once, and is stopped."""
    async with Nursery() as nursery:
        rig = Rig(folder, nursery, variant)
        await rig.start(variant="real")
        assert await rig.report() == 202
        await rig.process.end()
        tear(rig.spool, rig.draw)
        worker = await rig.start(hold=True)
        async with Strace(folder / "order.strace", worker.pid, *OPTIONS) as strace:
            worker.send(signal.SIGCONT)
            await worker.is_ready()
            for _ in range(2):
                assert await rig.report() == 202
                assert set(await asyncio.gather(*(rig.report() for _ in range(AT_ONCE)))) == {202}
                await rig.sealed()
            assert await rig.report() == 202
            await worker.end(signal.SIGTERM)
            return strace.calls


async def test_an_answer_comes_last(tmp_path: Path) -> None:
    """File and name are synced before the first answer, each record is written and synced before its own.

    And what an earlier process left is cut and handed over, and never written to.
    """
    calls = await traced(tmp_path, "real")
    assert answers(calls) == 2 * (1 + AT_ONCE) + 1
    assert not broken_rules(calls)


BUGS = {
    "answers before write": "an answer was given before the record was written",
    "answers before sync": "an answer was given before the record was synced",
    "never syncs": "an answer was given before the record was synced",
    "names nothing": "an answer was given before the file's name was synced",
    "appends to what it finds": "a file was written to that this process did not begin",
}


@pytest.mark.parametrize("bug", BUGS)
async def test_a_worker_in_the_wrong_order_is_caught(tmp_path: Path, bug: str) -> None:
    """A worker with this bug breaks the rule that is about it."""
    assert BUGS[bug] in broken_rules(await traced(tmp_path, bug))

"""Reports that became whole in one turn of the loop: taken together, each for itself."""

from __future__ import annotations

import asyncio
import random
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog
from headcount_ingest.arrive import Body
from headcount_ingest.batch import Batch
from headcount_ingest.disk_look import DiskLook
from headcount_ingest.gate import Gate, Room
from headcount_ingest.load_shedding import ComeBack
from headcount_ingest.outcomes import Gone
from headcount_ingest.waiting import Waits

from tests.ingest.exchange import request
from tests.ingest.process import worker_process
from tests.ingest.test_turns import connected, held_still
from tests.ingest.world import sound

CLIENTS = 50


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """The bounds of a worker with room."""
    come_back = ComeBack(lambda: 0, lambda: 0.0, random.Random(1))
    return Gate(1 << 20, 1.0, DiskLook(tmp_path, 0, 1 << 20, 1.0), come_back)


def test_what_arrived_whole_is_counted_though_its_client_has_gone(tmp_path: Path) -> None:
    """Of clients that send a report and close before anything of it was read, every report is taken, once."""
    with worker_process(tmp_path) as worker, ExitStack() as stack:
        clients = connected(worker, CLIENTS, stack)
        with held_still(worker):
            for client in clients:
                client.sendall(request(sound()))
                client.close()
        worker.until(lambda: worker.metrics()['headcount_edge_requests_total{outcome="accepted"}'] == CLIENTS)
        assert worker.metrics()['headcount_edge_requests_total{outcome="gone"}'] == 0


async def _value_of(waits: Waits[Any]) -> Any:
    return await waits


def test_a_body_that_has_arrived_is_not_cut(gate: Gate) -> None:
    """Between its last byte and its turn a body is out of reach: who leaves then has sent a report."""
    found: list[Any] = []
    body = Body()
    room = gate.enter(0.0)
    assert isinstance(room, Room)
    waits = body.whole(room)
    waits.then(lambda: found.append(waits.ready))
    body.feed(b"half")
    body.feed(b"whole")
    assert body.end()
    body.cut(Gone())
    assert not body.wanted
    assert not waits.ready
    body.hand_over()
    assert found == [True]
    assert not body.end(), "it ends once"
    assert asyncio.run(_value_of(waits)) == b"halfwhole"


def test_a_body_that_was_cut_is_not_handed_over(gate: Gate) -> None:
    """What was refused while it came stays refused."""
    body = Body()
    room = gate.enter(0.0)
    assert isinstance(room, Room)
    waits = body.whole(room)
    body.feed(b"half")
    body.cut(Gone())
    assert not body.end()
    assert waits.ready


async def test_step_by_step() -> None:
    """Who waits for the batch in the middle of its way goes on when all others have come as far, in the same turn."""
    batch, steps, turns = Batch(), [], [0]
    ended = asyncio.Event()

    async def path(name: str) -> None:
        steps.append((f"{name} decoded", len(turns)))
        await batch
        steps.append((f"{name} admitted", len(turns)))

    def begin(name: str) -> None:
        way = path(name)

        def go_on() -> None:
            try:
                way.send(None).then(go_on)
            except StopIteration:
                batch.add(ended.set)

        go_on()

    def count() -> None:
        turns.append(0)
        if not ended.is_set():
            asyncio.get_running_loop().call_soon(count)

    for name in ("a", "b"):
        batch.add(partial(begin, name))
    asyncio.get_running_loop().call_soon(count)
    await asyncio.wait_for(ended.wait(), 10)
    assert [step for step, _ in steps] == ["a decoded", "b decoded", "a admitted", "b admitted"]
    assert len({turn for _, turn in steps}) == 1, "all in one turn"


async def test_one_that_fails_keeps_no_other_waiting() -> None:
    """Whatever one of a batch raises, those behind it are taken, in their order, and it is logged without its text."""
    taken: list[int] = []
    all_taken = asyncio.Event()

    def fail() -> None:
        raise RuntimeError("a secret")

    batch = Batch()
    batch.add(lambda: taken.append(1))
    batch.add(fail)
    batch.add(lambda: taken.append(2))
    batch.add(all_taken.set)
    assert not taken, "the turn is not over"
    with structlog.testing.capture_logs() as logs:
        await asyncio.wait_for(all_taken.wait(), 10)
    assert taken == [1, 2]
    assert [(entry["event"], entry["kind"]) for entry in logs] == [("answer_failed", "RuntimeError")]
    assert "secret" not in str(logs)

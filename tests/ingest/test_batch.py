"""Reports that became whole in one turn of the loop: taken together, each for itself."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog
from headcount_ingest.arrive import Body
from headcount_ingest.batch import MANY, PACE_TURNS, TELLING, Batch
from headcount_ingest.disk_look import DiskLook
from headcount_ingest.gate import Gate, Room
from headcount_ingest.load_shedding import ComeBack
from headcount_ingest.outcomes import Gone
from headcount_ingest.waiting import Waits

from tests.ingest.exchange import answers_in, request
from tests.ingest.process import worker_process
from tests.ingest.test_turns import all_of, connected, held_still
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


SLOW = """
from headcount_ingest.batch import MANY, PACE_TURNS, TELLING, Batch
Batch.ahead = property(lambda self: 1.0 if len(self._waiting) >= MANY else 0.0)
"""
"""A worker that takes its time over every report, whatever its clock says."""


@pytest.mark.interpreted
def test_who_would_wait_too_long_for_his_turn_is_told(tmp_path: Path) -> None:
    """As many as never wait for each other are taken in one turn; of more that came at once the rest gets 503."""
    with worker_process(tmp_path, prelude=SLOW) as worker, ExitStack() as stack:
        clients = connected(worker, MANY + 6, stack)
        with held_still(worker):
            for client in clients:
                client.sendall(request(sound()))
        said = Counter(answers_in(all_of(client))[0].status for client in clients)
        assert said == {202: MANY, 503: 6}
        assert worker.metrics()['headcount_edge_requests_total{outcome="overloaded"}'] == 6


async def test_the_pace_is_that_of_the_last_turns() -> None:
    """How long one more would wait: for all before it, as fast as many were taken lately; a few tell nothing of it."""
    now = 0.0
    batch = Batch(lambda: now)

    def take() -> None:
        nonlocal now
        now += 0.001

    async def turn(many: int) -> None:
        taken = asyncio.Event()
        for _ in range(many - 1):
            batch.add(take)
        batch.add(taken.set)
        await asyncio.wait_for(taken.wait(), 10)
        await asyncio.sleep(0)

    await turn(TELLING - 1)
    for _ in range(MANY):
        batch.add(take)
    assert batch.ahead == 0, "nothing is known of the pace"
    await asyncio.sleep(0)
    for _ in range(8 * PACE_TURNS):
        await turn(MANY)
    for _ in range(MANY - 1):
        batch.add(take)
    assert batch.ahead == 0, "they are a few"
    batch.add(take)
    assert batch.ahead == pytest.approx(MANY * 0.001, rel=0.05)


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
    batch, steps, turns = Batch(time.monotonic), [], [0]
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

    batch = Batch(time.monotonic)
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

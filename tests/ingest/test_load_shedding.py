"""Too much: who came first is served, the others are told when to come back, and nobody waits in between."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from headcount_ingest.disk import Disk
from headcount_ingest.door import REFUSALS_A_TURN
from headcount_ingest.load_shedding import CALM_SECONDS, LEAST_SECONDS, MOST_SECONDS, ComeBack
from headcount_ingest.pace import (
    BURST_SECONDS,
    QUIET_SECONDS,
    ROOM_CALM,
    ROOM_LEAST,
    ROOM_MOST,
    TELLING,
    TURN_SECONDS,
    Pace,
)
from headcount_ingest.spool import FEW_RECORDS
from headcount_wire import codec
from headcount_wire.clock import ManualClock
from headcount_wire.problems import Problem
from headcount_wire.report import new_report_id

from tests.ingest.conftest import KEY, TODAY, report, running, settings_in

BODY = codec.encode_json(report())


def request() -> bytes:
    head = f"POST /v1/reports/{new_report_id()} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return f"{head}Authorization: Bearer {KEY}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY


class StuckDisk(Disk):
    """Does not sync before it is told to."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def sync(self, fd: int) -> None:
        self.go_on.wait(60)
        super().sync(fd)


async def head_of(reader: asyncio.StreamReader) -> bytes:
    return (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).lower()


async def test_who_would_wait_too_long_is_refused_at_once(tmp_path: Path) -> None:
    """While many reports have waited for the disk, further ones get 503 and a time; the waiting ones are accepted."""
    clock, disk = ManualClock(TODAY * 86_400.0 + 43_200.0), StuckDisk()
    worker = await running(settings_in(tmp_path), disk, clock)
    kept = await asyncio.open_connection("127.0.0.1", worker.settings.port)
    early = [await asyncio.open_connection("127.0.0.1", worker.settings.port) for _ in range(FEW_RECORDS)]
    for _, writer in early:
        writer.write(request())
    async with asyncio.timeout(30):
        while (await worker.metrics())["headcount_edge_bytes_in_flight"] < FEW_RECORDS * (1024 + len(BODY)):
            pass
    clock.advance(worker.settings.wait_seconds + 0.01)
    kept[1].write(request())
    said = await head_of(kept[0])
    assert said.startswith(b"http/1.1 503")
    assert b"\r\nretry-after: " in said
    assert b"\r\nconnection: close" in said  # whoever comes again comes to the door
    status, body, answer = await worker.post(report())  # on a connection of its own: turned away at the door
    assert (status, body["type"], answer.headers["Connection"]) == (503, Problem.OVERLOADED.uri, "close")
    assert int(answer.headers["Retry-After"]) > 0
    disk.go_on.set()
    for reader, _ in early:
        assert (await head_of(reader)).startswith(b"http/1.1 202")
    assert (await worker.post(report()))[0] == 202
    assert await worker.outcomes() == {"accepted": FEW_RECORDS + 1, "overloaded": 2}
    for _, writer in (kept, *early):
        writer.close()
    await worker.close()
    await worker.session.close()
    assert len(worker.spooled()) == FEW_RECORDS + 1


async def test_a_slow_disk_alone_refuses_nobody(tmp_path: Path) -> None:
    """A few reports that wait long for a slow disk keep no other report out."""
    clock, disk = ManualClock(TODAY * 86_400.0 + 43_200.0), StuckDisk()
    worker = await running(settings_in(tmp_path), disk, clock)
    posts = [asyncio.create_task(worker.post(report())) for _ in range(FEW_RECORDS - 1)]
    async with asyncio.timeout(30):
        while (await worker.metrics())["headcount_edge_bytes_in_flight"] < (FEW_RECORDS - 1) * 1024:
            pass
    clock.advance(60.0)
    posts.append(asyncio.create_task(worker.post(report())))
    async with asyncio.timeout(30):
        while (await worker.metrics())["headcount_edge_bytes_in_flight"] < FEW_RECORDS * 1024:
            pass
    disk.go_on.set()
    assert {(await post)[0] for post in posts} == {202}
    await worker.close()
    await worker.session.close()


async def test_a_flood_is_refused_by_the_system(tmp_path: Path) -> None:
    """Of more connections than can be refused in a turn the rest is reset, nothing waits, and the door opens again."""
    worker = await running(replace(settings_in(tmp_path), wait_seconds=-1.0))
    flood = [socket.create_connection(("127.0.0.1", worker.settings.port)) for _ in range(3 * REFUSALS_A_TURN)]
    loop, answers, resets = asyncio.get_running_loop(), 0, 0
    for client in flood:
        client.setblocking(False)
        try:
            said = await asyncio.wait_for(loop.sock_recv(client, 4096), 30)
        except ConnectionResetError:
            resets += 1
        else:
            assert said.startswith(b"HTTP/1.1 503")
            assert b"\r\nRetry-After: " in said
            answers += 1
        client.close()
    assert answers == REFUSALS_A_TURN
    assert resets == 2 * REFUSALS_A_TURN
    found = await worker.metrics()
    assert found["headcount_edge_door_shut_total"] == 1
    assert await worker.outcomes() == {"overloaded": REFUSALS_A_TURN}
    async with asyncio.timeout(30):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
            except ConnectionError:  # not yet
                await asyncio.sleep(0)
                continue
            assert (await head_of(reader)).startswith(b"http/1.1 503")
            break
    writer.close()
    await worker.close()
    await worker.session.close()


async def test_a_burst_is_let_in_as_fast_as_it_is_served(tmp_path: Path) -> None:
    """On an edge that is fast, all of a first burst are let in at once, and nobody is turned away."""
    worker = await running(settings_in(tmp_path))
    burst = [socket.create_connection(("127.0.0.1", worker.settings.port)) for _ in range(ROOM_MOST - 1)]
    assert (await worker.post(report()))[0] == 202
    assert await worker.outcomes() == {"accepted": 1}
    for client in burst:
        client.close()
    await worker.close()
    await worker.session.close()


def test_the_slower_the_edge_the_fewer_at_once() -> None:
    """As many are let in as are read in time, within bounds; fewer while more come than that, until a second later."""
    pace = Pace()
    assert pace.room(0.0) == ROOM_MOST
    for _ in range(50):
        pace.took(100, 0.1)  # a millisecond each
    assert pace.room(0.0) == round(BURST_SECONDS / 1e-3)
    pace.full(10.0)
    assert pace.room(10.5) == round(TURN_SECONDS / 1e-3)
    assert pace.room(10.0 + QUIET_SECONDS + 0.1) == round(BURST_SECONDS / 1e-3)
    for _ in range(50):
        pace.took(TELLING, 16.0)
    assert pace.room(10.5) == ROOM_LEAST
    assert pace.room(20.0) == ROOM_CALM
    for _ in range(50):
        pace.took(TELLING - 1, 0.0)  # a few tell nothing
    assert pace.room(20.0) == ROOM_CALM


def told(come_back: ComeBack, times: int) -> list[int]:
    return [come_back.after_overload() for _ in range(times)]


def test_the_refused_come_back_when_they_can_be_taken() -> None:
    """With four refused for each one taken, those refused in a minute are told about four minutes, each another."""
    clock, taken = ManualClock(), [1000]
    come_back = ComeBack(lambda: taken[0], clock.monotonic, random.Random(1))
    first = told(come_back, 1)[0]
    assert LEAST_SECONDS / 2 <= first <= 2 * LEAST_SECONDS
    for _ in range(60):
        clock.advance(1.0)
        taken[0] += 100
        last = told(come_back, 400)
    about = LEAST_SECONDS + 60 * 4
    assert about / 2 <= min(last) <= 0.6 * about
    assert 1.4 * about <= max(last) <= 1.5 * about + 1
    assert abs(sum(last) / len(last) - about) < 0.1 * about
    assert len(set(last)) > 100


def test_a_long_overload_asks_for_no_longer_than_its_bound() -> None:
    """However long nothing is taken, nobody is sent away for longer than the bound and its half."""
    clock = ManualClock()
    come_back = ComeBack(lambda: 0, clock.monotonic, random.Random(1))
    for _ in range(100):
        clock.advance(CALM_SECONDS)
        last = told(come_back, 10)
    assert max(last) <= 1.5 * MOST_SECONDS
    assert min(last) >= 0.5 * MOST_SECONDS


def test_after_a_calm_the_next_overload_is_a_new_one() -> None:
    """What was refused long ago makes nobody wait now."""
    clock = ManualClock()
    come_back = ComeBack(lambda: 0, clock.monotonic, random.Random(1))
    told(come_back, 1000)
    clock.advance(CALM_SECONDS + 0.1)
    assert max(told(come_back, 50)) <= 2 * LEAST_SECONDS


@pytest.mark.parametrize("seconds", [5, 60])
def test_other_refusals_are_spread_as_well(seconds: int) -> None:
    """Those refused for a stop or a full disk come back between the time it takes and twice as much."""
    come_back = ComeBack(lambda: 0, ManualClock().monotonic, random.Random(1))
    drawn = [come_back.after(seconds) for _ in range(500)]
    assert min(drawn) >= seconds
    assert max(drawn) <= 2 * seconds
    assert len(set(drawn)) >= seconds - 1

"""The peers take the same day as Headcount: the same interactions, the same tallies, the same numbers in the end."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import json
import random
from collections import Counter
from pathlib import Path

import pytest
from headcount_wire import days
from headcount_wire.clock import SystemClock
from headcount_wire.facts import Fact

from benchmarks.edge.loop import cores
from benchmarks.peers import whole
from benchmarks.peers.population import (
    EVENTS_A_REQUEST,
    INTERACTIONS,
    DeviceDay,
    catalog,
    device_days,
    event_requests,
    events_of,
    fields_line,
    single_lines,
    with_tallies,
)
from benchmarks.peers.queryable import queryable
from benchmarks.peers.requests import Prepared, Stored, post
from benchmarks.peers.whole import sent_whole


@pytest.fixture(scope="module")
def people() -> list[DeviceDay]:
    return device_days(120, 2, days.utc_day(SystemClock().now()), 3, lambda *_: None)


def test_the_events_are_the_ones_that_the_reports_count(people: list[DeviceDay]) -> None:
    """There are as many events of each measure as the report counted; each flag and activity is one."""
    measures = catalog()
    for day in people:
        events = events_of(day, measures, random.Random(1))
        assert len(events) == day.interactions
        counted = Counter[str]()
        for tally in day.tallies:
            name = measures.by_code[tally.measure].name
            flag = tally.fact == Fact.DEVICES and name in ("share.used", "recording.used")
            if tally.fact in (Fact.COUNT, Fact.BUCKET):
                counted[name] += tally.n
            elif flag or (tally.fact == Fact.GAP and name == "active"):
                counted[name] += 1
        assert Counter(str(event["event"]) for event in events) == counted


def test_a_device_day_is_of_as_many_interactions_as_the_design_s() -> None:
    """What is told, not what was drawn, is 200 on average: few do a lot, so that is of many."""
    today = days.utc_day(SystemClock().now())
    told = [day.interactions for day in device_days(4_000, 1, today, 1, lambda *_: None)]
    assert sum(told) / len(told) == pytest.approx(INTERACTIONS, rel=0.04)


def test_batches_hold_every_event_once(people: list[DeviceDay]) -> None:
    """The usual way is sent every event, 25 a request, none of two devices together."""
    batches = [(count, json.loads(gzip.decompress(body))) for count, body in event_requests(people, random.Random(1))]
    assert sum(count for count, _ in batches) == sum(day.interactions for day in people)
    assert all(count == len(batch) <= EVENTS_A_REQUEST for count, batch in batches)
    assert all(len({event["device"] for event in batch}) == 1 for _, batch in batches)


def test_stored_requests_come_once_and_every_connection_is_told_of_the_end(tmp_path: Path) -> None:
    """Requests come out of the file as they were put into it; after the last, each that asks is told there is none."""
    requests = [bytes((number,)) * number for number in (1, 200, 0, 7)]
    Stored.write(tmp_path / "requests", requests)
    stored = Stored(tmp_path / "requests")
    assert [next(stored)[1] for _ in requests] == requests
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(stored)


async def test_the_end_is_seen_however_many_connections_find_nothing_left() -> None:
    """Connections that are made when all is sent are closed at once, and the last of them ends the run."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=512)
    async with server, asyncio.timeout(30):
        for _ in range(20):
            tally = await sent_whole(server.sockets[0].getsockname()[1], Prepared([post("/", b"")] * 3, once=True), 64)
            assert tally.taken == tally.sent == 3


async def test_who_is_never_answered_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that leaves some without an answer is told about as failures, and the run comes to its end."""
    monkeypatch.setattr(whole, "DEVICE_TIMEOUT_SECONDS", 0.2)
    answered = itertools.count()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                if next(answered) % 2:
                    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, asyncio.timeout(30):
        requests = Prepared([post("/", b"")] * 8, once=True)
        tally = await sent_whole(server.sockets[0].getsockname()[1], requests, 8)
    assert tally.sent == 8
    assert (tally.taken, tally.failed) == (4, 4)


def test_line_protocol_holds_every_tally(people: list[DeviceDay]) -> None:
    """As lines or as fields of one line: as many values as there are tallies, under names of their own."""
    measures = catalog()
    for day in people:
        lines = single_lines(day, measures).decode().splitlines()
        assert len({line.partition(",")[0] for line in lines}) == len(lines) == len(day.tallies)
        (line,) = fields_line(day, measures).decode().splitlines()
        tags, _, fields = line.partition(" ")
        assert len(fields.split(",")) == len(day.tallies)
        assert sum(int(field.partition("=")[2]) for field in fields.split(",")) == sum(tally.n for tally in day.tallies)
        assert f"customer={day.customer}" in tags
    assert all(38 <= len(day.tallies) <= 42 for day in with_tallies(people, 40))


def test_both_ways_say_the_same(people: list[DeviceDay], tmp_path: Path) -> None:
    """People and joined meetings by Customer: a worker, the loader and chDB say what aiohttp and ClickHouse say."""
    found = queryable(people, 2, tmp_path, cores(), usual_days=120)
    assert found.same
    assert sum(found.usual.active.values()) == 120
    assert found.headcount.interactions == found.usual.rows == found.usual.interactions
    assert found.headcount.a_cpu_second > 0
    assert found.usual.stored_bytes > found.headcount.interactions

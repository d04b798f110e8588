"""One client's part of what a worker has: room for bodies, places for connections, and the time others are told."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from headcount_ingest import connections
from headcount_ingest.load_shedding import LEAST_SECONDS, ComeBack
from headcount_wire import codec, limits
from headcount_wire.clock import ManualClock
from headcount_wire.facts import Fact
from headcount_wire.problems import Problem
from headcount_wire.report import Tally

from tests.ingest import world
from tests.ingest.conftest import Worker
from tests.ingest.exchange import PATIENCE_SECONDS, answers_in, ask, request
from tests.ingest.world import served, sound

HOSTILE, HONEST = "127.0.0.2", "127.0.0.3"
MEBIBYTE = 2**20
Streams = list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]


class Opened:
    """Connections from these addresses, in order, that say so much and stay until the end of the block."""

    def __init__(self, port: int, sources: list[str], sent: bytes = b"") -> None:
        self._port, self._sources, self._sent = port, sources, sent
        self._held: Streams = []

    async def __aenter__(self) -> Streams:
        for source in self._sources:
            self._held.append(await asyncio.open_connection("127.0.0.1", self._port, local_addr=(source, 0)))
            self._held[-1][1].write(self._sent)
        return self._held

    async def __aexit__(self, *_: object) -> None:
        for held in self._held:
            held[1].close()


async def filled(worker: Worker) -> None:
    """Wait until nearly all room for bodies is taken."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await worker.metrics())["headcount_edge_bytes_in_flight"] < MEBIBYTE - limits.BODY_BYTES:
            pass


async def test_bodies_without_their_last_byte_keep_no_report_out(tmp_path: Path) -> None:
    """When unfinished bodies of one client hold all room, a report gets 202, the oldest body 408, another 503."""
    unfinished = request(b" " * limits.BODY_BYTES)[:-1]
    more = request(codec.encode_json(sound()).ljust(limits.BODY_BYTES))
    async with served(tmp_path, bytes_in_flight=MEBIBYTE, body_seconds=60.0) as worker:
        port = worker.settings.port
        async with Opened(port, [HOSTILE] * (MEBIBYTE // limits.BODY_BYTES), unfinished) as held:
            await filled(worker)
            assert (await ask(port, more, source=HOSTILE)).problem is Problem.OVERLOADED
            for _ in range(3):
                assert (await ask(port, more, source=HONEST)).status == 202
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert answers_in(await held[0][0].read())[0].problem is Problem.SLOW_BODY


async def test_of_the_oldest_bodies_the_greediest_client_s_makes_room(tmp_path: Path) -> None:
    """An honest body that is a while under way is not what is given up for another's."""
    unfinished = request(b" " * limits.BODY_BYTES)[:-1]
    whole = request(sound())
    more = request(codec.encode_json(sound()).ljust(limits.BODY_BYTES))
    async with served(tmp_path, bytes_in_flight=MEBIBYTE, body_seconds=60.0) as worker:
        port = worker.settings.port
        async with Opened(port, [HONEST], whole[:-1]) as honest:
            reader, writer = honest[0]
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not (await worker.metrics())["headcount_edge_bytes_in_flight"]:
                    pass
            async with Opened(port, [HOSTILE] * (MEBIBYTE // limits.BODY_BYTES), unfinished):
                await filled(worker)
                for _ in range(3):
                    assert (await ask(port, more, source="127.0.0.4")).status == 202
                writer.write(whole[-1:])
                async with asyncio.timeout(PATIENCE_SECONDS):
                    assert answers_in(await reader.read())[0].status == 202


def test_one_client_s_refusals_send_nobody_away_for_long() -> None:
    """However often one client is refused, others are told about as much as if it had come some times."""
    clock, taken = ManualClock(), [0]
    come_back = ComeBack(lambda: taken[0], clock.monotonic, random.Random(1))
    for _ in range(10):
        clock.advance(1.0)
        taken[0] += 10
        for _ in range(10_000):
            come_back.after_overload(HOSTILE)
    about = LEAST_SECONDS + 10 * 80 / 100
    assert come_back.after_overload(HONEST) <= 1.5 * about + 1


async def test_one_client_does_not_take_every_place(tmp_path: Path) -> None:
    """With as many connections of one client as there are places and more, a report of another is answered 202."""
    async with (
        served(tmp_path, connections=40, idle_seconds=60.0) as worker,
        Opened(worker.settings.port, [HOSTILE] * 60),
    ):
        for _ in range(5):
            assert (await ask(worker.settings.port, request(sound()), source=HONEST)).status == 202


@pytest.mark.parametrize("sent", [b"", b"POST /v1/rep"], ids=["nothing", "a_part"])
async def test_idle_connections_of_many_clients_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """When most places are taken, who has been idle for a while is closed for who comes; a report is answered 202."""
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.0)
    sources = [f"127.0.1.{number}" for number in range(1, 61)]
    async with served(tmp_path, connections=40, idle_seconds=60.0) as worker:
        async with Opened(worker.settings.port, sources, sent) as held:
            for _ in range(5):
                assert (await ask(worker.settings.port, request(sound()), source=HONEST)).status == 202
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert await held[0][0].read() == b""
        assert not (await worker.outcomes()).get("overloaded")


async def test_a_trusted_proxy_s_connections_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy may hold every place, idle or not: none is closed for another, and one too many is told 503."""
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.0)
    bounds: dict[str, Any] = {"connections": 8, "idle_seconds": 60.0, "trusted_proxies": ("127.0.0.1/32",)}
    async with served(tmp_path, **bounds) as worker, Opened(worker.settings.port, ["127.0.0.1"] * 8) as held:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await worker.metrics())["headcount_edge_connections"] < 8:
                pass
        assert (await ask(worker.settings.port, b"", source=HONEST)).problem is Problem.OVERLOADED
        for reader, writer in held:
            writer.write(request(sound(), key=world.ACTIVE))
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert answers_in(await reader.read())[0].status == 202


async def test_what_is_no_report_does_not_use_a_key_up(tmp_path: Path) -> None:
    """However often somebody sends nonsense under a public key, or asks for its policy, a report under it is taken."""
    async with served(tmp_path, key_per_minute=2) as worker:
        port = worker.settings.port
        for _ in range(5):
            assert (await ask(port, request(b"{}"), source=HOSTILE)).problem is Problem.MALFORMED
            assert (await ask(port, request(method=b"GET", path=b"/v1/policy"), source=HOSTILE)).status == 200
        statuses = [(await ask(port, request(sound()), source=HONEST)).status for _ in range(3)]
    assert statuses == [202, 202, 429]


async def test_a_large_report_weighs_more(tmp_path: Path) -> None:
    """Who sends reports of thousands of tallies reaches the bound of an address sooner; another address is taken."""
    large = sound(*[Tally(world.WIDE, 2, Fact.COUNT, 0, 1)] * limits.TALLIES_PER_REPORT)
    async with served(tmp_path, address_per_minute=40) as worker:
        port = worker.settings.port
        statuses = [(await ask(port, request(large), source=HOSTILE)).status for _ in range(3)]
        assert statuses == [202, 202, 429]
        assert [(await ask(port, request(sound()), source=HONEST)).status for _ in range(3)] == [202] * 3

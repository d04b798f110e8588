"""Every setting of a worker does what its sentence says, on a socket; a setting without a test fails here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from headcount_ingest.settings import EdgeSettings
from headcount_wire import limits
from headcount_wire.clock import ManualClock
from headcount_wire.problems import Problem

from tests.ingest import (
    test_connection,
    test_drain,
    test_fleet,
    test_load_shedding,
    test_operation,
    test_path,
    test_refusals,
    test_spool,
    test_tls,
    world,
)
from tests.ingest.conftest import TODAY, Worker
from tests.ingest.exchange import PATIENCE_SECONDS, Answer, answers_in, ask, request
from tests.ingest.world import served, sound

POLICY = request(method=b"GET", path=b"/v1/policy", framed=False)


async def test_a_worker_listens_where_it_is_told(tmp_path: Path) -> None:
    """Each port answers on its own address and on no other; the operator's answers are on the operator's alone."""
    async with served(tmp_path, host="127.0.0.2") as worker:
        public = await asyncio.open_connection("127.0.0.2", worker.settings.port)
        public[1].write(request(method=b"GET", path=b"/metrics", framed=False))
        async with asyncio.timeout(PATIENCE_SECONDS):
            (answer,) = answers_in(await public[0].read())
        assert answer.problem is Problem.NOT_FOUND
        public[1].close()
        for host, port in (("127.0.0.1", worker.settings.port), ("127.0.0.2", worker.settings.admin_port)):
            with pytest.raises(ConnectionError):
                await asyncio.open_connection(host, port)


def segments_below(folder: Path) -> set[Path]:
    """The folders that hold segments, as seen from one above them."""
    return {path.parent.relative_to(folder) for path in folder.rglob("*.seg")}


async def test_a_worker_spools_under_its_own_name(tmp_path: Path) -> None:
    """What is accepted lies in the spool's folder of that worker, and nowhere else."""
    async with served(tmp_path, spool=tmp_path / "there", worker="w7") as worker:
        assert (await ask(worker.settings.port, request(sound()))).status == 202
    assert segments_below(tmp_path) == {Path("there/w7")}


async def test_a_key_is_counted_by_the_minute(tmp_path: Path) -> None:
    """Beyond its rate a key waits, whatever it asks for; another does not; a minute later it may again."""
    clock = ManualClock(TODAY * 86_400.0)
    async with served(tmp_path, key_per_minute=2, clock=clock) as worker:
        port = worker.settings.port
        for data in (request(sound()), POLICY, request(sound())):  # a question for the policy does not count
            assert (await ask(port, data)).problem is None
        for data in (request(sound()), POLICY):
            answer = await ask(port, data)
            assert (answer.problem, answer.headers["retry-after"]) == (Problem.RATE, "60")
        assert (await ask(port, request(sound(), key=world.SECOND))).status == 202
        clock.advance(60.0)
        assert (await ask(port, request(sound()))).status == 202


async def test_an_address_is_counted_by_the_minute(tmp_path: Path) -> None:
    """Beyond its rate an address waits, with any key or none; another address does not; a minute later it may again."""
    clock = ManualClock(TODAY * 86_400.0)
    async with served(tmp_path, address_per_minute=2, clock=clock) as worker:
        port = worker.settings.port
        asked = [request(sound()), request(sound(), key=""), request(sound(), key=world.SECOND), POLICY]
        found = [(await ask(port, data, source="127.0.0.2")).problem for data in asked]
        assert found == [None, Problem.KEY_MISSING, Problem.RATE, Problem.RATE]
        assert (await ask(port, request(sound()), source="127.0.0.3")).status == 202
        clock.advance(60.0)
        assert (await ask(port, request(sound()), source="127.0.0.2")).status == 202


async def behind(worker: Worker, address: str) -> Answer:
    """What is answered to a report that a proxy says came from an address."""
    return await ask(worker.settings.port, request(sound(), b"X-Forwarded-For: " + address.encode()))


async def test_only_a_trusted_proxy_says_where_a_client_is(tmp_path: Path) -> None:
    """Behind a trusted proxy clients are told apart by what it says; without one, a header says nothing."""
    async with served(tmp_path, address_per_minute=1, trusted_proxies=("127.0.0.0/8",)) as worker:
        found = [await behind(worker, address) for address in ("203.0.113.1", "203.0.113.2", "6.6.6.6, 203.0.113.1")]
        assert [answer.problem for answer in found] == [None, None, Problem.RATE]
    async with served(tmp_path, address_per_minute=1) as worker:
        found = [await behind(worker, address) for address in ("203.0.113.1", "203.0.113.2")]
        assert [answer.problem for answer in found] == [None, Problem.RATE]


async def trickled(writer: asyncio.StreamWriter, ended: asyncio.Task[bytes], unit: bytes, pause: float) -> None:
    """Send a little, again and again, until the connection ends."""
    with contextlib.suppress(ConnectionError):
        while not ended.done():
            writer.write(unit)
            await asyncio.wait({ended}, timeout=pause)


async def test_a_body_that_trickles_is_cut_all_the_same(tmp_path: Path) -> None:
    """A body has its time as a whole: a byte now and then does not buy more of it."""
    async with served(tmp_path, body_seconds=0.3, lingering_seconds=0.1) as worker:
        reader, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
        writer.write(request(b"", b"Content-Length: 60000", framed=False))
        ended = asyncio.create_task(reader.read())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await trickled(writer, ended, b" ", 0.02)
            (answer,) = answers_in(await ended)
        writer.close()
        assert answer.problem is Problem.SLOW_BODY
        assert (await worker.metrics())["headcount_edge_bytes_in_flight"] == 0


async def test_what_a_refused_client_sends_on_is_read_for_a_moment(tmp_path: Path) -> None:
    """The rest of a refused body is thrown away, so that the refusal arrives, and then the connection ends."""
    async with served(tmp_path, lingering_seconds=0.2) as worker:
        reader, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
        writer.write(request(b"", b"Content-Length: 1000000000", framed=False))
        ended = asyncio.create_task(reader.readuntil(b"}"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            (answer,) = answers_in(await ended)
            assert answer.problem is Problem.TOO_LARGE
            gone = asyncio.create_task(reader.read())
            await trickled(writer, gone, bytes(1000), 0.01)
            with contextlib.suppress(ConnectionError):
                assert await gone == b""
        writer.close()


async def test_a_connection_that_is_done_is_not_kept_for_ever(tmp_path: Path) -> None:
    """After its answer a connection may ask again; when it does not, it is closed after its time."""
    async with served(tmp_path, idle_seconds=0.2) as worker:
        reader, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
        writer.write(request(sound(), closing=False) + request(sound(), closing=False))
        async with asyncio.timeout(PATIENCE_SECONDS):
            answers = answers_in(await reader.read())
        writer.close()
        assert [answer.status for answer in answers] == [202, 202]


async def test_a_failure_says_how_long_to_wait(tmp_path: Path) -> None:
    """A 500 tells the device to wait as long as is set."""
    clock = test_refusals.BrokenClock()
    async with served(tmp_path, clock=clock, failed_retry_seconds=1234) as worker:
        clock.broken = True
        answer = await ask(worker.settings.port, request(sound()))
    assert (answer.problem, answer.headers["retry-after"]) == (Problem.FAILED, "1234")


@pytest.mark.parametrize("reports", [1, 3])
async def test_bytes_in_flight_bound_what_arrives_at_once(tmp_path: Path, reports: int) -> None:
    """Bodies that arrive together take room by their bytes: those that find none are told 503, the others 202."""
    body = bytes(limits.BODY_BYTES - 100).replace(b"\0", b" ")
    async with served(tmp_path, bytes_in_flight=int(1.5 * limits.BODY_BYTES), body_seconds=60.0) as worker:
        streams = [await asyncio.open_connection("127.0.0.1", worker.settings.port) for _ in range(reports)]
        for _, writer in streams:
            writer.write(request(body + b"{}")[:-2])
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await worker.metrics())["headcount_edge_bytes_in_flight"] < len(body):
                pass
            for _, writer in streams:
                writer.write(b"{}")
            found = [answers_in(await reader.read())[0].problem for reader, _ in streams]
        for _, writer in streams:
            writer.close()
    assert found.count(Problem.MALFORMED) == 1
    assert found.count(Problem.OVERLOADED) == reports - 1


PROVED: dict[str, Callable[..., object]] = {
    "organisation": test_path.test_the_policy_has_an_etag_and_follows_the_file,
    "spool": test_a_worker_spools_under_its_own_name,
    "worker": test_a_worker_spools_under_its_own_name,
    "node": test_fleet.test_what_another_node_counts_is_refused_and_not_kept,
    "host": test_a_worker_listens_where_it_is_told,
    "port": test_a_worker_listens_where_it_is_told,
    "admin_host": test_a_worker_listens_where_it_is_told,
    "admin_port": test_a_worker_listens_where_it_is_told,
    "seal_seconds": test_spool.test_a_segment_is_sealed_when_full_and_when_old,
    "body_seconds": test_a_body_that_trickles_is_cut_all_the_same,
    "bytes_in_flight": test_bytes_in_flight_bound_what_arrives_at_once,
    "wait_seconds": test_load_shedding.test_who_would_wait_too_long_is_refused_at_once,
    "disk_floor_bytes": test_path.test_overload_and_low_disk_say_when_to_return,
    "key_per_minute": test_a_key_is_counted_by_the_minute,
    "address_per_minute": test_an_address_is_counted_by_the_minute,
    "trusted_proxies": test_only_a_trusted_proxy_says_where_a_client_is,
    "reload_seconds": test_path.test_the_policy_has_an_etag_and_follows_the_file,
    "idle_seconds": test_connection.test_a_head_that_never_ends_is_cut,
    "connections": test_connection.test_a_connection_too_many_is_told_so,
    "lingering_seconds": test_what_a_refused_client_sends_on_is_read_for_a_moment,
    "drain_seconds": test_drain.test_a_body_that_never_comes_holds_no_worker,
    "failed_retry_seconds": test_a_failure_says_how_long_to_wait,
    "spool_bytes": test_operation.test_the_spool_has_a_bound,
    "look_seconds": test_operation.test_the_metrics_tell_what_lies_on_the_disk,
    "tls_certificate": test_tls.test_the_sdk_reports_over_tls,
    "tls_key": test_tls.test_the_sdk_reports_over_tls,
}
"""The settings, each with the test that shows on a socket what it does."""


@pytest.mark.parametrize("name", [field.name for field in fields(EdgeSettings)])
def test_every_setting_has_its_test(name: str) -> None:
    """A setting is proved by a test that says so, and stands with its sentence in the settings' own docstring."""
    assert PROVED[name].__doc__
    assert name in (EdgeSettings.__doc__ or "") or name in ("host", "port", "admin_host", "admin_port", "worker")

"""Answers and counts: whatever arrives, one outcome of the closed list, and nothing of it repeated."""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from headcount_ingest import respond
from headcount_ingest.disk import Disk
from headcount_ingest.gate import REQUEST_BYTES
from headcount_ingest.outcomes import Outcome
from headcount_wire import codec, limits
from headcount_wire.problems import Problem
from headcount_wire.report import Tally, new_report_id

from tests.ingest.conftest import KEY, TODAY, Worker, report, running, settings_in

CANARY = b"CANARY7f3a"
REPORT = f"POST /v1/reports/{new_report_id()} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
CLOSE = b"Connection: close\r\n"
AUTH = f"Authorization: Bearer {KEY}\r\n".encode()

ODD_REQUESTS = {
    "no_http": (CANARY + b" nonsense\r\n\r\n", Problem.BAD_HTTP),
    "bad_header": (b"GET / HTTP/1.1\r\n" + CANARY + b"\0: x\r\n\r\n", Problem.BAD_HTTP),
    "long_header": (b"GET / HTTP/1.1\r\nX: " + CANARY * 2000 + b"\r\n\r\n", Problem.BAD_HTTP),
    "bad_chunk": (REPORT + AUTH + b"Transfer-Encoding: chunked\r\n\r\n" + CANARY + b"zz\r\n", Problem.BAD_HTTP),
    "two_lengths": (REPORT + AUTH + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", Problem.BAD_HTTP),
    "other_coding": (REPORT + AUTH + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", Problem.BAD_HTTP),
    "no_host": (b"GET /v1/policy HTTP/1.1\r\n" + AUTH + b"\r\n", Problem.BAD_HTTP),
    "two_hosts": (b"GET /v1/policy HTTP/1.1\r\nHost: x\r\nHost: " + CANARY + b"\r\n\r\n", Problem.BAD_HTTP),
    "key_no_text": (
        REPORT + CLOSE + b"Authorization: Bearer \xff\xfe\r\nContent-Length: 2\r\n\r\n{}",
        Problem.KEY_UNKNOWN,
    ),
    "expect": (REPORT + AUTH + CLOSE + b"Expect: " + CANARY + b"\r\nContent-Length: 2\r\n\r\n{}", Problem.MALFORMED),
    "odd_path": (b"GET /%ff%00" + CANARY + b" HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\n", Problem.NOT_FOUND),
    "odd_media": (REPORT.replace(b"application/json", CANARY + b";;=") + AUTH + CLOSE + b"\r\n", Problem.MEDIA_TYPE),
    "delete": (b"DELETE /v1/policy HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\n", Problem.METHOD),
    "options": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\n", Problem.NOT_FOUND),
}


@pytest.mark.parametrize("name", ODD_REQUESTS)
async def test_whatever_arrives_is_answered_from_the_list(
    worker: Worker, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    """Bytes that are no request get a listed problem, are counted once, and stand in no answer and no log."""
    data, problem = ODD_REQUESTS[name]
    answer = await worker.raw(data)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f" {problem.status} ".encode() in head.split(b"\r\n")[0]
    assert b"Content-Type: application/problem+json" in head
    assert problem.uri.encode() in body
    assert CANARY not in answer
    assert await worker.outcomes() == {problem.slug: 1}
    logged = capfd.readouterr()
    assert CANARY.decode() not in logged.out + logged.err


async def test_who_leaves_is_counted_and_holds_no_room(worker: Worker) -> None:
    """A client that goes before its body is whole is an outcome too, and its bytes are given back."""
    _, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
    writer.write(REPORT + AUTH + b"Content-Length: 500\r\n\r\n{")
    await writer.drain()
    async with asyncio.timeout(10):
        while (await worker.metrics())["headcount_edge_bytes_in_flight"] != REQUEST_BYTES + 1:
            pass
        writer.close()
        while await worker.outcomes() != {"gone": 1}:
            pass
    assert (await worker.metrics())["headcount_edge_bytes_in_flight"] == 0
    assert worker.spooled() == []


async def test_a_chunk_that_goes_wrong_later_is_no_report(tmp_path: Path) -> None:
    """A body whose framing breaks after its first bytes is refused when it does, and is no report."""
    worker = await running(settings_in(tmp_path))
    reader, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
    writer.write(REPORT + AUTH + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
    await writer.drain()
    async with asyncio.timeout(20):
        while not (await worker.metrics())["headcount_edge_bytes_in_flight"]:
            pass
        writer.write(b"no chunk\r\n")
        assert Problem.BAD_HTTP.uri.encode() in await reader.read()
    writer.close()
    await writer.wait_closed()
    assert worker.spooled() == []
    await worker.close()
    await worker.session.close()


async def test_a_far_too_large_body_still_reads_its_refusal(worker: Worker) -> None:
    """A client that sends on after the refusal finds the refusal, not a reset connection."""
    status, body, _ = await worker.post(bytes(40 * limits.BODY_BYTES))
    assert (status, body["type"]) == (413, Problem.TOO_LARGE.uri)


async def test_every_request_has_one_outcome(worker: Worker) -> None:
    """Accepted, refused, asked for the policy, lost: the counts add up to what was sent."""
    await worker.post(report())
    await worker.post(b"{}")
    await worker.post(report(purposes={}))
    for path in ("/v1/policy", "/", "/v1/policy"):
        async with worker.session.get(worker.url + path, headers={"Authorization": f"Bearer {KEY}"}):
            pass
    expected = {"accepted": 1, "malformed": 1, "nothing-admissible": 1, "policy": 2, "not-found": 1}
    assert await worker.outcomes() == expected


async def test_what_a_refusal_drops_is_counted(worker: Worker) -> None:
    """Tallies of a report that is refused whole are counted by reason; made-up measures share one name."""
    await worker.post(report(Tally(1, 0, 4, 31, 1), purposes={}))
    await worker.post(report(*(Tally(code, 0, 1, 0, 1) for code in range(600, 640))))
    await worker.post(report(catalog=9))
    found = await worker.metrics()
    total = 'headcount_edge_tallies_dropped_total{customer="11",measure="%s",reason="%s"}'
    assert found[total % ("1", "not_granted")] == 1
    assert found[total % ("undeclared", "unknown_measure")] == 42
    assert sum(name.startswith("headcount_edge_tallies_dropped_total") for name in found) == 2


@pytest.mark.parametrize("day", [TODAY - 40, TODAY + 2])
async def test_no_day_gives_a_made_up_measure_a_name(worker: Worker, day: int) -> None:
    """Whatever day a tally is of, a code that no catalog declares is `undeclared`: no client makes the metrics grow."""
    made_up = [Tally(code, 0, 1, 0, 1) for code in range(600, 640)]
    await worker.post(report(Tally(1, 0, 4, 31, 1), *made_up, day=day))
    found = await worker.metrics()
    total = 'headcount_edge_tallies_dropped_total{customer="11",measure="%s",reason="%s"}'
    assert found[total % ("1", "day_too_old" if day < TODAY else "day_ahead")] == 1
    assert found[total % ("undeclared", "unknown_measure")] == 40
    assert sum(name.startswith("headcount_edge_tallies_dropped_total") for name in found) == 2


async def test_the_policy_needs_a_key_and_a_known_one_is_not_sent_again(worker: Worker) -> None:
    """Without a key 401; HEAD has no body; any form of If-None-Match that holds the tag is a 304."""
    url = f"{worker.url}/v1/policy"
    async with worker.session.get(url) as answer:
        assert (await answer.json(content_type=None))["type"] == Problem.KEY_MISSING.uri
    headers = {"Authorization": f"Bearer {KEY}"}
    async with worker.session.head(url, headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        etag = answer.headers["ETag"]
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        async with worker.session.get(url, headers={**headers, "If-None-Match": known}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
            assert answer.headers["ETag"] == etag


async def test_rates_hold_for_the_policy_and_for_an_address(tmp_path: Path) -> None:
    """An address beyond its rate gets 429 with Retry-After, whatever it asks for."""
    worker = await running(replace(settings_in(tmp_path), address_per_minute=2))
    await worker.post(report())
    headers = {"Authorization": f"Bearer {KEY}"}
    async with worker.session.get(f"{worker.url}/v1/policy", headers=headers) as answer:
        assert answer.status == 200
    async with worker.session.get(f"{worker.url}/v1/policy", headers=headers) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
    assert (await worker.post(report()))[0] == 429
    await worker.close()
    await worker.session.close()


@pytest.mark.interpreted
async def test_a_fault_of_the_edge_is_an_answer_without_its_text(
    capfd: pytest.CaptureFixture[str], worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A programming error is a listed 500 that keeps the report, is counted, and tells nobody what was in it."""

    async def broken(*_: object) -> Outcome:
        raise ValueError(CANARY.decode())

    monkeypatch.setattr(respond, "take", broken)
    status, body, answer = await worker.post(codec.encode_json(report()))
    assert (status, body["type"]) == (500, Problem.FAILED.uri)
    assert int(answer.headers["Retry-After"]) > 0
    assert await worker.outcomes() == {"failed": 1}
    logged = capfd.readouterr().err
    assert "request_failed" in logged
    assert CANARY.decode() not in logged + str(body)
    assert (await worker.metrics())["headcount_edge_bytes_in_flight"] == 0


SLOW = {
    "no_key": (b"Authorization: Bearer nobody\r\n", Problem.KEY_UNKNOWN),
    "chunked": (AUTH, None),
    "announced": (AUTH + b"Content-Length: 65536\r\n", None),
}


@pytest.mark.parametrize("name", SLOW)
async def test_bodies_that_never_come_keep_no_report_out(tmp_path: Path, name: str) -> None:
    """With hundreds of bodies announced and not sent, with a key or without, a report is answered 202."""
    worker = await running(replace(settings_in(tmp_path), bytes_in_flight=1024 * 1024, body_seconds=60.0))
    head, problem = SLOW[name]
    framing = b"" if b"Content-Length" in head else b"Transfer-Encoding: chunked\r\n"
    streams = [await asyncio.open_connection("127.0.0.1", worker.settings.port) for _ in range(300)]
    for _, writer in streams:
        writer.write(REPORT + head + framing + b"\r\n")
    async with asyncio.timeout(30):
        if problem:  # refused from their heads alone
            for reader, _ in streams:
                assert str(problem.status).encode() in await reader.readline()
            assert (await worker.metrics())["headcount_edge_bytes_in_flight"] == 0
        else:
            while (await worker.metrics())["headcount_edge_bytes_in_flight"] < 300 * REQUEST_BYTES:
                pass
    assert (await worker.post(report()))[0] == 202
    for _, writer in streams:
        writer.close()
    await worker.close()
    await worker.session.close()


@pytest.mark.parametrize("key", ["known", "unknown"])
async def test_the_room_has_an_end(tmp_path: Path, key: str) -> None:
    """What has arrived and waits fills the room: then a known key is told 503, an unknown one is still told 401."""
    worker = await running(replace(settings_in(tmp_path), bytes_in_flight=2 * REQUEST_BYTES, body_seconds=60.0))
    _, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
    writer.write(REPORT + AUTH + b"Transfer-Encoding: chunked\r\n\r\n400\r\n" + b"x" * 1024 + b"\r\n")
    async with asyncio.timeout(10):
        while (await worker.metrics())["headcount_edge_bytes_in_flight"] < 2 * REQUEST_BYTES:
            pass
    problem = Problem.OVERLOADED if key == "known" else Problem.KEY_UNKNOWN
    status, body, _ = await worker.post(report(), key=KEY if key == "known" else "nobody")
    assert (status, body["type"]) == (problem.status, problem.uri)
    writer.close()
    await worker.close()
    await worker.session.close()


@pytest.mark.parametrize("sent", [b"", b"POST /v1/re", b"GET /v1/policy HTTP/1.1\r\nHost: x\r\n"], ids=len)
async def test_a_head_that_never_ends_is_cut(tmp_path: Path, sent: bytes) -> None:
    """A connection without a whole head is closed after its time, though it sends a byte now and then."""
    worker = await running(replace(settings_in(tmp_path), idle_seconds=0.2))
    reader, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
    writer.write(sent)
    ended = asyncio.create_task(reader.read())
    async with asyncio.timeout(10):
        while not ended.done():
            if sent:
                writer.write(b"a")
            await asyncio.wait({ended}, timeout=0.05)
    writer.close()
    assert (await worker.post(report()))[0] == 202
    await worker.close()
    await worker.session.close()


def posted(body: bytes, *lines: bytes, report_id: str | None = None) -> bytes:
    """A report's request as bytes."""
    line = f"POST /v1/reports/{report_id or new_report_id()} HTTP/1.1\r\n".encode()
    head = line + b"Host: x\r\nContent-Type: application/json\r\n"
    framing = b"" if any(b"Transfer-Encoding" in line for line in lines) else b"Content-Length: %d\r\n" % len(body)
    return head + AUTH + framing + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


async def test_pipelined_requests_are_answered_in_their_order(worker: Worker) -> None:
    """Requests sent in one go, some refused at once and some waiting for the disk, get their answers in turn."""
    good = codec.encode_json(report())
    late = codec.encode_json(replace(report(), created=1))
    sent = [posted(good), posted(b"{}"), posted(good), posted(late), posted(good, b"Connection: close")]
    answer = await worker.raw(b"".join(sent))
    statuses = re.findall(rb"HTTP/1.1 ([0-9]+) ", answer)
    assert statuses == [b"202", b"400", b"202", b"410", b"202"]
    assert len(worker.spooled()) == 3


async def test_a_client_that_sends_no_more_still_gets_its_answer(worker: Worker) -> None:
    """Who closes his side behind a whole request is waited for, not hung up on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
    writer.write(posted(codec.encode_json(report())))
    writer.write_eof()
    async with asyncio.timeout(20):
        assert b" 202 " in await reader.read()
    writer.close()
    await writer.wait_closed()


async def test_noise_behind_a_report_does_not_cost_it_its_answer(worker: Worker) -> None:
    """The report is answered 202 and stored; what comes behind it is refused after it, and counted on its own."""
    answer = await worker.raw(posted(codec.encode_json(report())) + CANARY + b" \0\r\n\r\n")
    assert answer.index(b" 202 ") < answer.index(Problem.BAD_HTTP.uri.encode())
    assert CANARY not in answer
    assert await worker.outcomes() == {"accepted": 1, "bad-http": 1}


async def test_a_connection_too_many_is_told_so(tmp_path: Path) -> None:
    """Beyond the bound a connection gets 503 with Retry-After before it says a word; then there is room again."""
    worker = await running(replace(settings_in(tmp_path), connections=3, lingering_seconds=0.05))
    held = [await asyncio.open_connection("127.0.0.1", worker.settings.port) for _ in range(3)]
    answer = await worker.raw(b"")
    assert Problem.OVERLOADED.uri.encode() in answer
    assert b"Retry-After: " in answer
    for _, writer in held:
        writer.close()
        await writer.wait_closed()
    async with asyncio.timeout(20):
        while (await worker.post(report()))[0] != 202:
            pass
    assert (await worker.outcomes())["accepted"] == 1
    await worker.close()
    await worker.session.close()


ENDLESS = {
    "line": b"GET / HTTP/1.1\r\nX: ",
    "lines": b"GET / HTTP/1.1\r\n",
    "chunk_extension": posted(b"", b"Transfer-Encoding: chunked") + b"2;",
    "trailer": posted(b"", b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\nX: ",
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_what_does_not_end_is_cut_by_its_size(worker: Worker, name: str) -> None:
    """Header lines, a chunk's extension or a trailer without an end are refused long before their time is over."""
    more = b"a: b\r\n" * 1024 if name == "lines" else b"a" * 6144
    reader, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
    writer.write(ENDLESS[name])
    answer = asyncio.create_task(reader.read())
    sent = 0
    async with asyncio.timeout(20):
        while not answer.done() and sent < 64 * 1024 * 1024:
            writer.write(more)
            sent += len(more)
            await writer.drain()
            await asyncio.sleep(0)
        assert Problem.BAD_HTTP.uri.encode() in await answer
    assert sent < 4 * 1024 * 1024
    writer.close()
    assert worker.spooled() == []


async def test_a_reader_of_no_answers_is_read_no_more(tmp_path: Path) -> None:
    """A client that only ever sends fills its own pipe, or is sent away, however long it could linger."""
    worker = await running(replace(settings_in(tmp_path), lingering_seconds=60.0))
    _, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port, limit=1024)
    request = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
    sent, pipes = 0, 64 * 1024 * 1024  # what the system holds of a connection, both ends
    try:
        async with asyncio.timeout(2):
            while sent < 2 * pipes:
                writer.write(request)
                await writer.drain()
                sent += len(request)
    except (TimeoutError, ConnectionError):
        pass
    writer.transport.abort()
    try:
        assert sent < pipes
        assert (await worker.post(report()))[0] == 202
    finally:
        await worker.close()
        await worker.session.close()


@pytest.mark.parametrize(("line", "allowed"), [("GET /v1/reports/", "POST"), ("POST /v1/policy", "GET, HEAD")])
async def test_a_method_that_is_not_answered_names_those_that_are(worker: Worker, line: str, allowed: str) -> None:
    """405 says what would have been right."""
    target = line + new_report_id() if line.endswith("/") else line
    answer = await worker.raw(f"{target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert f"\r\nAllow: {allowed}\r\n".encode() in answer


class Held(Disk):
    """Syncs when it is told to."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()

    def sync(self, fd: int) -> None:
        self.reached.set()
        assert self.go.wait(20)
        super().sync(fd)


async def test_who_has_gone_keeps_nobody_waiting(tmp_path: Path) -> None:
    """A client that closed while its report was written costs the others of its group nothing: each is answered."""
    disk = Held()
    worker = await running(settings_in(tmp_path), disk)
    body = codec.encode_json(report())
    async with asyncio.timeout(20):
        first = asyncio.create_task(worker.post(report()))
        await asyncio.to_thread(disk.reached.wait, 20)
        for _ in range(3):
            _, gone = await asyncio.open_connection("127.0.0.1", worker.settings.port)
            gone.write(REPORT + AUTH + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            gone.close()
            await gone.wait_closed()
        others = [asyncio.create_task(worker.post(report())) for _ in range(5)]
        while (await worker.metrics())["headcount_edge_bytes_in_flight"] < 9 * REQUEST_BYTES:
            pass
        disk.go.set()
        assert {(await post)[0] for post in (first, *others)} == {202}
    assert await worker.close() == 0
    await worker.session.close()

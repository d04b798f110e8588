"""The edge from its socket: every outcome, and what reaches the disk."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from headcount_wire import codec, limits
from headcount_wire.app_key import fingerprint, new_key
from headcount_wire.policy import decode_policy
from headcount_wire.problems import BY_URI, Problem
from headcount_wire.report import Report, Tally, new_report_id
from headcount_wire.segment import Stream

from tests.ingest.conftest import DEBUG_KEY, ELSEWHERE, KEY, REVOKED, TODAY, Worker, report, running, settings_in


async def test_accepted_means_on_disk(worker: Worker) -> None:
    """What is answered 202 stands in the spool: codes, sums and granted context, nothing else."""
    report_id = new_report_id()
    status, body, answer = await worker.post(report(), report_id=report_id)
    assert (status, body) == (202, {"admitted": 2, "dropped": 0, "refused": [], "v": 1})
    assert "Date" in answer.headers
    ((found_id, record),) = worker.spooled()
    assert found_id.hex() == report_id
    assert (record.partner, record.customer, record.app, record.catalog) == (5, 11, 3, 1)
    assert record.stream is Stream.LIVE
    assert record.context == ("ios", "unknown", "unknown", "unknown", "unknown", "unknown")
    assert record.tallies == ((TODAY, 1, 0, 4, 31, 1), (TODAY, 2, 2, 1, 0, 3))


async def test_a_debug_key_has_its_own_stream(worker: Worker) -> None:
    """What a developer's key sends never meets live sums."""
    await worker.post(report(), key=DEBUG_KEY)
    assert [record.stream for _, record in worker.spooled()] == [Stream.DEBUG]


async def test_a_developers_key_never_counts_whatever_is_declared(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A debug key declared without debug = true goes apart; a live key declared with it is refused; both are told."""
    settings = settings_in(tmp_path)
    debug, live = new_key("debug"), new_key("live")
    entry = '[[keys]]\nfingerprint = "{}"\ncustomer = "acme"\napp = "meet"\n{}\n'
    with settings.organisation.open("a") as file:
        file.write(entry.format(fingerprint(debug), "") + entry.format(fingerprint(live), "debug = true"))
    worker = await running(settings)
    for _ in range(3):
        assert (await worker.post(report(), key=debug))[0] == 202
        status, body, _ = await worker.post(report(), key=live)
        assert (status, body["type"]) == (403, Problem.KEY_KIND.uri)
    assert [record.stream for _, record in worker.spooled()] == [Stream.DEBUG] * 3
    await worker.close()
    await worker.session.close()
    lines = [line for line in capfd.readouterr().err.splitlines() if '"key_kind"' in line]
    assert len(lines) == 2
    assert fingerprint(debug) in lines[0]
    assert fingerprint(live) in lines[1]
    assert not any(debug in line or live in line for line in lines)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd", "identity"])
@pytest.mark.parametrize("media", [codec.JSON, codec.MSGPACK])
async def test_every_form_is_read(worker: Worker, coding: str, media: str) -> None:
    """JSON and msgpack, in each coding, become the same record."""
    body = codec.encode_json(report()) if media == codec.JSON else codec.encode_msgpack(report())
    packed = {
        "gzip": gzip.compress(body, mtime=0),
        "deflate": zlib.compress(body),
        "zstd": zstandard.compress(body),
        "identity": body,
    }[coding]
    status, _, _ = await worker.post(packed, headers={"Content-Type": media, "Content-Encoding": coding})
    assert status == 202
    ((_, record),) = worker.spooled()
    assert len(record.tallies) == 2


BOMB = zstandard.ZstdCompressor(write_content_size=True).compress(bytes(64 * 1024 * 1024))
REFUSALS = [
    (Problem.MALFORMED, b"{}", {}),
    (Problem.MALFORMED, b"not json", {}),
    (Problem.MALFORMED, b"\x1f\x8b garbage", {"Content-Encoding": "gzip"}),
    (Problem.MALFORMED, gzip.compress(b"{}", mtime=0)[:-2], {"Content-Encoding": "gzip"}),
    (Problem.MALFORMED, zstandard.compress(b"")[:3], {"Content-Encoding": "zstd"}),
    (Problem.MEDIA_TYPE, b"x", {"Content-Type": "text/plain"}),
    (Problem.MEDIA_TYPE, b"x", {"Content-Encoding": "br"}),
    (Problem.TOO_LARGE, bytes(limits.BODY_BYTES + 1), {}),
    (Problem.TOO_LARGE, gzip.compress(bytes(64 * 1024 * 1024), mtime=0), {"Content-Encoding": "gzip"}),
    (Problem.TOO_LARGE, BOMB, {"Content-Encoding": "zstd"}),
    (Problem.KEY_UNKNOWN, b"{}", {"Authorization": "Bearer hc_live_nobody"}),
    (Problem.KEY_REVOKED, b"{}", {"Authorization": f"Bearer {REVOKED}"}),
    (Problem.KEY_MISSING, b"{}", {"Authorization": "Basic eDp5"}),
    (Problem.REGION, b"{}", {"Authorization": f"Bearer {ELSEWHERE}"}),
    (Problem.TOO_LATE, report(created=TODAY - 8), {}),
    (Problem.TOO_LATE, report(created=TODAY + 2), {}),
    (Problem.POLICY_OLD, report(purposes={"usage": 1}), {}),
    (Problem.POLICY_OLD, report(policy=5), {}),
    (Problem.NOTHING_ADMISSIBLE, report(purposes={}), {}),
    (Problem.NOTHING_ADMISSIBLE, report(catalog=2), {}),
    (Problem.NOTHING_ADMISSIBLE, report(day=TODAY - 36), {}),
    (Problem.NOTHING_ADMISSIBLE, report(day=TODAY + 2), {}),
]


@pytest.mark.parametrize(("problem", "body", "headers"), REFUSALS)
async def test_every_refusal_is_a_listed_problem(
    worker: Worker, problem: Problem, body: bytes | Report, headers: dict[str, str]
) -> None:
    """A refusal names its problem, stores nothing, and is counted once."""
    status, answered, answer = await worker.post(body, headers=headers)
    assert BY_URI[str(answered["type"])] is problem
    assert status == problem.status
    assert answer.content_type == "application/problem+json"
    assert worker.spooled() == []
    async with worker.session.get(f"{worker.admin}/metrics") as metrics:
        assert f'headcount_edge_requests_total{{outcome="{problem.slug}"}} 1.0' in await metrics.text()


async def test_other_addresses_and_methods_are_problems_too(worker: Worker) -> None:
    """There is no page that is not a problem of the list."""
    for method, path, problem in (
        ("GET", "/", Problem.NOT_FOUND),
        ("GET", f"/v1/reports/{new_report_id()}", Problem.METHOD),
        ("POST", "/v1/reports/short", Problem.MALFORMED_ID),
    ):
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        async with worker.session.request(method, worker.url + path, headers=headers) as answer:
            assert (await answer.json(content_type=None))["type"] == problem.uri


async def test_the_region_problem_says_where(worker: Worker) -> None:
    """A Customer pinned elsewhere is told the address, and nothing of the report is stored."""
    _, answered, _ = await worker.post(report(), key=ELSEWHERE)
    assert answered["region"] == "us"
    assert answered["address"] == "https://us.example"


DROPS = [
    (Tally(9, 0, 1, 0, 1), "unknown_measure"),
    (Tally(2, 9, 1, 0, 1), "unknown_label"),
    (Tally(2, 0, 1, 0, 1), "wrong_fact"),
    (Tally(2, 2, 1, 7, 1), "out_of_bounds"),
    (Tally(3, 0, 2, 0, 2), "out_of_bounds"),
    (Tally(2, 2, 1, 0, 6), "over_cap"),
    (Tally(4, 0, 8, 3, 1), "not_granted"),
]


@pytest.mark.parametrize(("tally", "reason"), DROPS)
async def test_a_dropped_tally_is_counted_with_its_reason(worker: Worker, tally: Tally, reason: str) -> None:
    """One bad tally does not spoil a report: it is dropped, told, and counted by Customer, measure and reason."""
    status, body, _ = await worker.post(report(Tally(1, 0, 4, 31, 1), tally))
    assert (status, body["admitted"], body["dropped"], body["refused"]) == (202, 1, 1, [tally.measure])
    async with worker.session.get(f"{worker.admin}/metrics") as metrics:
        measure = "undeclared" if reason == "unknown_measure" else tally.measure
        line = f'customer="11",measure="{measure}",reason="{reason}"'
        assert f"headcount_edge_tallies_dropped_total{{{line}}} 1.0" in await metrics.text()


async def test_the_cap_holds_over_labels_and_once_means_once(worker: Worker) -> None:
    """Labels share their measure's cap; a once-a-day fact counts once whatever its slot."""
    lines = (
        Tally(2, 2, 1, 0, 3),
        Tally(2, 3, 1, 0, 3),
        Tally(1, 0, 4, 3, 1),
        Tally(1, 0, 4, 5, 1),
        Tally(1, 0, 6, 1, 1),
    )
    _, body, _ = await worker.post(report(*lines, Tally(1, 0, 6, 2, 1), Tally(1, 0, 6, 2, 1)))
    ((_, record),) = worker.spooled()
    assert body["dropped"] == 3
    assert {tally[1:] for tally in record.tallies} == {lines[0], lines[2], lines[4], (1, 0, 6, 2, 1)}


async def test_planted_identifiers_reach_no_disk(worker: Worker, capfd: pytest.CaptureFixture[str]) -> None:
    """Headers, user agent, query, key and undeclared values of a request are in no file and no log."""
    canary = "CANARY7f3a"
    headers = {
        "User-Agent": canary,
        "X-Forwarded-For": "203.0.113.77",
        "Cookie": f"id={canary}",
        "Traceparent": canary,
        "X-Device-Id": canary,
    }
    await worker.post(report(context={"os": canary}), headers=headers)
    await worker.post(codec.encode_json(report()).replace(b'"v":1', b'"v":1,"user":"CANARY7f3a"'), headers=headers)
    await worker.post(f'{{"{canary}'.encode(), headers=headers)
    async with worker.session.get(f"{worker.url}/{canary}?q={canary}", headers=headers):
        pass
    await worker.close()
    written = b"".join(path.read_bytes() for path in worker.settings.spool.rglob("*") if path.is_file())
    logged = capfd.readouterr()
    for needle in (canary, "203.0.113.77", KEY):
        assert needle.encode() not in written
        assert needle not in logged.out + logged.err
    assert len(worker.spooled()) == 1


async def test_the_policy_has_an_etag_and_follows_the_file(worker: Worker) -> None:
    """GET /v1/policy narrows within seconds of a change; an unchanged one costs no body."""
    headers = {"Authorization": f"Bearer {KEY}"}
    async with worker.session.get(f"{worker.url}/v1/policy", headers=headers) as answer:
        policy, etag = decode_policy(await answer.read()), answer.headers["ETag"]
    assert policy
    assert dict(policy.consent_since) == {"usage": 2, "context": 2}
    async with worker.session.get(f"{worker.url}/v1/policy", headers={**headers, "If-None-Match": etag}) as answer:
        assert answer.status == 304

    file = worker.settings.organisation
    file.write_text(file.read_text().replace("version = 4", "version = 4\npaused = true"))
    async with asyncio.timeout(10):
        while (await worker.post(report()))[1].get("type") != Problem.PAUSED.uri:
            pass
    file.write_text("this is no TOML")
    await asyncio.sleep(0)
    assert (await worker.post(report()))[1]["type"] == Problem.PAUSED.uri


async def test_an_sdk_older_than_the_policy_takes_is_refused(tmp_path: Path) -> None:
    """Below the Customer's minimum 409, and nothing is stored; at it 202."""
    settings = settings_in(tmp_path)
    text = settings.organisation.read_text().replace("version = 4", 'version = 4\nminimum_sdk = "0.2"')
    settings.organisation.write_text(text)
    worker = await running(settings)
    status, body, _ = await worker.post(report())
    assert (status, body["type"]) == (409, Problem.SDK_OLD.uri)
    assert worker.spooled() == []
    assert (await worker.post(report(sdk="python/0.2.0")))[0] == 202
    await worker.close()
    await worker.session.close()


async def test_overload_and_low_disk_say_when_to_return(tmp_path: Path) -> None:
    """Without room in memory 503, without room on disk 507, both with Retry-After, both storing nothing."""
    full = await running(replace(settings_in(tmp_path), bytes_in_flight=10))
    status, body, answer = await full.post(report())
    assert (status, body["type"]) == (503, Problem.OVERLOADED.uri)
    assert int(answer.headers["Retry-After"]) > 0
    await full.close()
    low = await running(replace(settings_in(tmp_path), disk_floor_bytes=2**62))
    status, body, answer = await low.post(report())
    assert (status, body["type"]) == (507, Problem.STORAGE.uri)
    assert int(answer.headers["Retry-After"]) > 0
    async with low.session.get(f"{low.admin}/readyz") as ready:
        assert ready.status == 503
        assert [found["reason"] for found in (await ready.json())["reasons"]] == ["disk_low"]
    await low.close()
    await full.session.close()
    await low.session.close()


async def test_rates_are_limited_per_key(tmp_path: Path) -> None:
    """Beyond its rate a key gets 429 with Retry-After."""
    worker = await running(replace(settings_in(tmp_path), key_per_minute=2))
    statuses = [(await worker.post(report()))[0] for _ in range(3)]
    assert statuses == [202, 202, 429]
    await worker.close()
    await worker.session.close()


async def test_a_slow_body_is_cut(tmp_path: Path) -> None:
    """A body that does not arrive in time is a 408, and holds no memory any more."""
    worker = await running(replace(settings_in(tmp_path), body_seconds=0.05))
    reader, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
    head = f"POST /v1/reports/{new_report_id()} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{{".encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    assert b" 408 " in answer.split(b"\r\n")[0]
    writer.close()
    await writer.wait_closed()
    await worker.close()
    await worker.session.close()

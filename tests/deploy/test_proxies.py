"""The sample configurations of nginx and haproxy, run for real between the real SDK and real edges."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import shutil
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import aiohttp
import pytest
from headcount_sdk.client import Headcount
from headcount_sdk.facts import DeviceFacts
from headcount_sdk.transport import Answer
from headcount_sdk.uploader import Fate, Outcome, judge
from headcount_wire import codec, limits
from headcount_wire.clock import ManualClock
from headcount_wire.problems import Problem
from headcount_wire.report import new_report_id

from tests.deploy.proxies import NAMES, Proxy, proxied
from tests.ingest.conftest import KEY, TODAY, Worker, report, running, settings_in
from tests.ingest.test_tls import AUTHORITY, client, outdated
from tests.sdk.conftest import CATALOG

CANARY = "CANARY7f3a"
FROM = "127.84.11.9"
"""A client's address: all of 127/8 is this machine."""


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK trusts the test's authority, as a phone does the world's."""
    AUTHORITY.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


def made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


async def node(folder: Path, **changes: object) -> Worker:
    """An edge of a node of its own, which trusts the proxy's word on addresses."""
    settings = replace(settings_in(made(folder)), trusted_proxies=("127.0.0.1/32",))
    return await running(replace(settings, **changes))  # type: ignore[arg-type]  # a test names what it changes


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[list[Worker]]:
    found = [await node(tmp_path / "a"), await node(tmp_path / "b")]
    yield found
    for edge in found:
        await edge.close()
        await edge.session.close()


@pytest.fixture
def proxy(name: str, tmp_path: Path, nodes: list[Worker]) -> Iterator[Proxy]:
    with proxied(name, tmp_path, [edge.settings.port for edge in nodes]) as found:
        yield found


@asynccontextmanager
async def asking(source: str = "127.0.0.1") -> AsyncIterator[aiohttp.ClientSession]:
    """A client with an address of its own."""
    connector = aiohttp.TCPConnector(ssl=client(), local_addr=(source, 0), force_close=True)
    async with aiohttp.ClientSession(connector=connector, skip_auto_headers=("User-Agent",)) as session:
        yield session


async def post(
    session: aiohttp.ClientSession,
    proxy: Proxy,
    report_id: str = "",
    data: bytes = b"",
    query: str = "",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    """Send a report as an SDK would, and have the answer as an SDK sees it."""
    sent = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}", **headers}
    url = f"{proxy.url}/v1/reports/{report_id or new_report_id()}{query}"
    async with session.post(url, data=data or codec.encode_json(report()), headers=sent) as answer:
        found = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, found, await answer.read())


def device(folder: Path, url: str) -> Headcount:
    """The real SDK, with something to report."""
    made = Headcount(
        KEY,
        url,
        CATALOG,
        directory=folder / "device",
        policy=4,
        clock=ManualClock(TODAY * 86_400.0 + 43_200.0),
        facts=DeviceFacts("3.1", "phone"),
        draw=random.Random(1),
    )
    made.start(thread=False)
    made.consent.grant("usage")
    made.track("share.used")
    return made


async def flushed(sdk: Headcount) -> Outcome:
    (outcome,) = await asyncio.to_thread(sdk.flush)
    return outcome


def ids(edge: Worker) -> list[str]:
    return [report_id.hex() for report_id, _ in edge.spooled()]


async def test_a_retry_meets_the_node_of_the_first_try(tmp_path: Path, proxy: Proxy, nodes: list[Worker]) -> None:
    """Over TLS the SDK's report is accepted; reports spread over the nodes, and each id stays with its own."""
    sdk = device(tmp_path, proxy.url)
    assert (await flushed(sdk)).fate is Fate.ACCEPTED
    sdk.shutdown()
    sent = [new_report_id() for _ in range(24)]
    for source, order in (("127.0.0.1", sent), ("127.0.0.2", sorted(sent))):  # another network the second time
        async with asking(source) as session:
            for report_id in order:
                assert judge(await post(session, proxy, report_id)).fate is Fate.ACCEPTED
    found = [ids(edge) for edge in nodes]
    assert all(found)
    assert sorted(found[0].count(report_id) + found[1].count(report_id) for report_id in sent) == [2] * 24
    assert set(found[0]).isdisjoint(found[1])


async def test_answers_of_the_edge_pass_unchanged(proxy: Proxy, nodes: list[Worker]) -> None:
    """Each refusal of the edge reaches the device as it is: status, type, body and Retry-After."""
    report_id = new_report_id()
    small, key = codec.encode_json(report()), f"Bearer {KEY}"
    cases: list[tuple[bytes, str, Problem]] = [
        (b"{}", key, Problem.MALFORMED),
        (small, "Bearer nobody", Problem.KEY_UNKNOWN),
        (small, "", Problem.KEY_MISSING),
        (small + b" " * (limits.BODY_BYTES + 1 - len(small)), key, Problem.TOO_LARGE),
    ]
    async with asking() as session:
        for data, authorization, problem in cases:
            through = await post(session, proxy, report_id, data, headers={"Authorization": authorization})
            assert judge(through).problem is problem
            status, plain, direct = await nodes[0].post(data, key=None, headers={"Authorization": authorization})
            assert (through.status, json.loads(through.body)) == (status, plain)
            assert through.headers["content-type"] == direct.headers["Content-Type"]
        short = await post(session, proxy, "abc")
        assert judge(short).problem is Problem.MALFORMED_ID
        async with session.get(f"{proxy.url}/v1/policy", headers={"Authorization": key}) as answer:
            etag = answer.headers["ETag"]
        headers = {"Authorization": key, "If-None-Match": etag}
        async with session.get(f"{proxy.url}/v1/policy", headers=headers) as answer:
            assert answer.status == 304


async def test_a_largest_report_needs_no_file(proxy: Proxy) -> None:
    """A report of the largest size passes, though no temporary file can be made; a far larger one the proxy refuses."""
    for folder in (proxy.folder / "client_body", proxy.folder / "proxy"):
        if proxy.name == "nginx":
            folder.rmdir()
            folder.write_text("no folder")
    data = codec.encode_json(report())
    async with asking() as session:
        assert (await post(session, proxy, data=data + b" " * (limits.BODY_BYTES - len(data)))).status == 202
        refused = await post(session, proxy, data=bytes(2 * limits.BODY_BYTES + 1))
    assert (refused.status, judge(refused).fate) == (413, Fate.NO_ANSWER)


async def test_the_proxy_s_own_pages_are_no_answers(name: str, tmp_path: Path, nodes: list[Worker]) -> None:
    """A 413, a 404 and a 502 or 503 that the proxy makes leave the report in the SDK's outbox, under its id."""
    ports = [edge.settings.port for edge in nodes]
    tight = ("client_max_body_size 128k;", "client_max_body_size 1;") if name == "nginx" else ("gt 131072", "gt 1")
    with proxied(name, tmp_path, ports, [tight]) as proxy:
        sdk = device(tmp_path, proxy.url)
        assert (await flushed(sdk)).fate is Fate.NO_ANSWER
        elsewhere = device(tmp_path / "elsewhere", f"{proxy.url}/somewhere")
        assert (await flushed(elsewhere)).fate is Fate.NO_ANSWER
        elsewhere.shutdown()
    for edge in nodes:
        await edge.close()
    with proxied(name, tmp_path, ports, port=proxy.port):
        assert (await flushed(sdk)).fate is Fate.NO_ANSWER
        again = [await running(edge.settings) for edge in nodes]
        assert (await flushed(sdk)).fate is Fate.ACCEPTED
    sdk.shutdown()
    assert len(ids(again[0]) + ids(again[1])) == 1
    for edge in again:
        await edge.close()
        await edge.session.close()


async def test_no_other_node_is_asked_instead(proxy: Proxy, nodes: list[Worker]) -> None:
    """While a node is down its reports get no answer, others' go on; when it is back it has them, and nobody else."""
    by_node: list[str] = []
    async with asking() as session:
        while len(by_node) < 2:
            report_id = new_report_id()
            await post(session, proxy, report_id)
            if report_id in ids(nodes[len(by_node)]):
                by_node.append(report_id)
        await nodes[1].close()
        for _ in range(2):  # nor after it was found to be down
            down = await post(session, proxy, by_node[1])
            assert judge(down).fate is Fate.NO_ANSWER
            assert down.status in (502, 503)
        assert (await post(session, proxy, by_node[0])).status == 202
        again = await running(nodes[1].settings)
        assert (await post(session, proxy, by_node[1])).status == 202
    assert ids(again).count(by_node[1]) == 2  # the loader of the node counts it once
    assert by_node[1] not in ids(nodes[0])
    await again.close()
    await again.session.close()


HEAD = f"POST /v1/reports/{new_report_id()} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n".encode()
BODY = b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n"
QUICK = {
    "nginx": [("client_header_timeout 10s", "client_header_timeout 500ms")],
    "haproxy": [("timeout http-request 10s", "timeout http-request 500ms")],
}


@pytest.mark.parametrize("part", ["head", "body"])
async def test_what_drips_is_cut(name: str, tmp_path: Path, part: str) -> None:
    """A head and a body that drip are cut as a whole in time, however often a byte of them comes."""
    edge = await node(tmp_path / "a", body_seconds=0.5)
    with proxied(name, tmp_path, [edge.settings.port], QUICK[name]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, ssl=client())
        writer.write(HEAD + (BODY if part == "body" else b"X-Slow: "))
        answer = asyncio.create_task(reader.read())
        async with asyncio.timeout(20):
            while not answer.done():
                writer.write(b"a")
                await asyncio.wait({answer}, timeout=0.05)
        assert answer.result()[:20].split()[1:2] in ([], [b"408"])
        if (name, part) == ("nginx", "body"):
            assert Problem.SLOW_BODY.uri.encode() in answer.result()
        writer.close()
    assert ids(edge) == []
    await edge.close()
    await edge.session.close()


async def test_the_edge_limits_by_the_client_s_address(name: str, tmp_path: Path) -> None:
    """The edge counts what the proxy saw, not the proxy and not what the client claims; its 429 reaches the device."""
    edge = await node(tmp_path / "a", address_per_minute=2)
    with proxied(name, tmp_path, [edge.settings.port]) as proxy:
        claims = [{"X-Forwarded-For": f"203.0.113.{number}"} for number in range(3)]
        async with asking(FROM) as session:
            statuses = [(await post(session, proxy, headers=claim)).status for claim in claims]
            refused = judge(await post(session, proxy))
        assert statuses == [202, 202, 429]
        assert (refused.problem, refused.retry_after) == (Problem.RATE, 60.0)
        async with asking("127.0.0.3") as session:
            assert (await post(session, proxy)).status == 202
    await edge.close()
    await edge.session.close()


async def test_what_came_before_tls_1_2_is_refused(proxy: Proxy) -> None:
    """A client that speaks TLS 1.1 at most gets no connection."""
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", proxy.port, ssl=outdated())


async def slow(proxy: Proxy) -> asyncio.StreamWriter:
    """A request from ``FROM`` whose body does not come."""
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port, ssl=client(), local_addr=(FROM, 0))
    writer.write(HEAD + BODY + b"{")
    await writer.drain()
    return writer


async def test_an_address_has_so_many_connections(name: str, tmp_path: Path) -> None:
    """Who holds as many connections as an address may have gets no other; everybody else does."""
    edge = await node(tmp_path / "a")
    few = ("limit_conn connections 200", "limit_conn connections 2") if name == "nginx" else ("gt 200", "gt 2")
    with proxied(name, tmp_path, [edge.settings.port], [few]) as proxy:
        held = [await slow(proxy) for _ in range(2)]
        async with asyncio.timeout(20), asking(FROM) as session:
            while True:
                try:
                    if (await post(session, proxy)).status == 429:
                        break
                except aiohttp.ClientError:
                    break
        async with asking("127.0.0.3") as session:
            assert (await post(session, proxy)).status == 202
        for writer in held:
            writer.close()
    await edge.close()
    await edge.session.close()


LIMITS = {
    "nginx": [("rate=1000r/s", "rate=1r/m"), ("burst=2000", "burst=1")],
    "haproxy": [("sc0_http_req_rate gt 60000", "sc0_http_req_rate gt 2")],
}


async def test_the_proxy_limits_by_address(name: str, tmp_path: Path) -> None:
    """Beyond its rate an address is turned away before the edge, with what is no answer; others are not."""
    edge = await node(tmp_path / "a")
    with proxied(name, tmp_path, [edge.settings.port], LIMITS[name]) as proxy:
        async with asking(FROM) as session:
            answers = [await post(session, proxy) for _ in range(3)]
        assert [answer.status for answer in answers] == [202, 202, 429]
        assert judge(answers[-1]).fate is Fate.NO_ANSWER
        async with asking("127.0.0.3") as session:
            assert (await post(session, proxy)).status == 202
    await edge.close()
    await edge.session.close()


async def test_only_what_the_edge_reads_reaches_it(name: str, tmp_path: Path) -> None:
    """Of a client's head the edge gets the declared headers, its address and the path; no query, nothing else."""
    heads: list[str] = []

    async def edge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heads.append(head)
        writer.write(b"HTTP/1.1 507 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(edge, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    planted = dict.fromkeys(PLANTED, CANARY)
    with proxied(name, tmp_path, [port]) as proxy:
        async with asking(FROM) as session:
            await post(session, proxy, "ab" * 16, query=f"?q={CANARY}", headers=planted)
            await session.get(f"{proxy.url}/v1/policy?q={CANARY}", headers=planted | {"If-None-Match": "*"})
    server.close()
    await server.wait_closed()
    assert [head.split("\r\n")[0] for head in heads] == [
        f"POST /v1/reports/{'ab' * 16} HTTP/1.1",
        "GET /v1/policy HTTP/1.1",
    ]
    for head in heads:
        assert CANARY not in head
        lines = dict(line.lower().split(": ", 1) for line in head.strip().split("\r\n")[1:])
        assert lines["x-forwarded-for"] == FROM
        assert set(lines) <= {
            *("host", "x-forwarded-for", "authorization", "content-type", "content-encoding", "content-length"),
            "if-none-match",
        }
    assert "authorization" in heads[0].lower()


PLANTED = (
    "User-Agent",
    "Cookie",
    "Referer",
    "Forwarded",
    "X-Forwarded-For",
    "X-Real-IP",
    "traceparent",
    "Accept-Language",
    "X-Device",
)

LOUD = {
    "nginx": [("access_log off;", "access_log {folder}/access;"), ("stderr emerg", "stderr info")],
    "haproxy": [("no log\n", "log stdout format raw local0\n    option httplog\n")],
}
"""What makes a proxy write about its clients: with it, the search below has to find them."""


@pytest.mark.parametrize("loud", [False, True], ids=["as_shipped", "with_logs"])
async def test_nothing_of_a_client_is_written(name: str, tmp_path: Path, nodes: list[Worker], loud: bool) -> None:
    """Whatever is asked, however badly, no log or temporary file of the proxy holds an address, an id or a header."""
    ports = [nodes[0].settings.port, 1]  # nothing listens at the second
    changes = [(old, new.format(folder=tmp_path)) for old, new in LOUD[name]] if loud else []
    planted, report_id = dict.fromkeys(PLANTED, CANARY), new_report_id()
    with proxied(name, tmp_path, ports, [*changes, *FAST[name]]) as proxy:
        async with asyncio.timeout(60), asking(FROM) as session:
            statuses: set[int] = set()
            while not (202 in statuses and statuses - {202}):  # by the node that is there, and by the one that is not
                statuses.add((await post(session, proxy, query=f"?q={CANARY}", headers=planted)).status)
            await post(session, proxy, report_id, headers=planted)
            await post(session, proxy, data=CANARY.encode(), headers=planted)
            await post(session, proxy, data=CANARY.encode() * 20_000, headers=planted)
            await session.get(f"{proxy.url}/{CANARY}", headers=planted)
        for data in (f"GET /{CANARY} HTTP/1.1\r\n\r\n".encode(), CANARY.encode() * 100, b"\x16\x03\x01" + bytes(90)):
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, local_addr=(FROM, 0))
            with contextlib.suppress(ConnectionError):  # a proxy may hang up before all of it is there
                writer.write(data)
                writer.write_eof()
                await asyncio.wait_for(reader.read(), 20)
            writer.close()
        with pytest.raises(ssl.SSLError):  # a client that trusts nobody
            await asyncio.open_connection(
                "127.0.0.1", proxy.port, ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), local_addr=(FROM, 0)
            )
    written = [proxy.folder, tmp_path / "access", Path(f"/var/log/{name}"), Path(f"/var/lib/{name}")]
    found = {word for word in (CANARY, FROM, report_id) if any(_holds(place, word) for place in written)}
    assert ids(nodes[0]), "some of it was accepted"
    assert found == (set() if not loud else {CANARY, FROM, report_id})


FAST = {"nginx": [], "haproxy": [("retries 2", "retries 0")]}


def _holds(place: Path, word: str) -> bool:
    files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    return any(word.encode() in file.read_bytes() for file in files)


async def test_http_2_works(name: str, tmp_path: Path, proxy: Proxy, nodes: list[Worker]) -> None:
    """A client that speaks HTTP/2 is accepted over it."""
    curl = shutil.which("curl")
    assert curl, "curl is not installed: run `make servers`"
    (tmp_path / "body").write_bytes(codec.encode_json(report()))
    arguments = [
        "--silent",
        "--http2",
        "--cacert",
        str(tmp_path / "authority.pem"),
        "--data-binary",
        f"@{tmp_path}/body",
    ]
    headers = ["-H", f"Authorization: Bearer {KEY}", "-H", "Content-Type: application/json"]
    url = f"{proxy.url}/v1/reports/{new_report_id()}"
    asked = await asyncio.create_subprocess_exec(
        curl, *arguments, *headers, "-o", "/dev/null", "-w", "%{http_version} %{http_code}", url, stdout=-1
    )
    out, _ = await asked.communicate()
    assert out == b"2 202"
    assert len(ids(nodes[0]) + ids(nodes[1])) == 1


async def test_haproxy_tells_whether_a_node_is_ready(tmp_path: Path) -> None:
    """The balancer above is told 200 while a node's /readyz says so, and 503 soon after it does not."""
    edge = await node(tmp_path / "a")
    changes = [("127.0.0.1:8710 check inter 2s", f"127.0.0.1:{edge.settings.admin_port} check inter 50ms")]
    with proxied("haproxy", tmp_path, [edge.settings.port], changes) as proxy:
        async with asking() as session:
            for expected in (200, 503):
                async with asyncio.timeout(20):
                    while True:
                        async with session.get(f"{proxy.url}/ready") as answer:
                            if answer.status == expected:
                                break
                if expected == 200:
                    await edge.close()
    await edge.session.close()

"""No identifier stays: what is planted in every place of every kind of request is in no file, log, answer or metric."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgpack
import pytest
import zstandard
from headcount_wire import codec
from headcount_wire.report import Report

from tests.ingest import world
from tests.ingest.exchange import answers_in, chunked, converse, path_of, request
from tests.ingest.process import WorkerProcess, worker_process
from tests.ingest.world import sound
from tests.privacy.canaries import IDENTIFIERS, PEER, findings, forms, packed_with_name

PATIENCE_SECONDS = 60
WHO = {name: value.encode() for name, value in IDENTIFIERS.items()}
CHUNKED = b"Transfer-Encoding: chunked"
HEADERS = (
    b"User-Agent: " + WHO["user_agent"],
    b"X-Forwarded-For: " + WHO["forwarded"] + b", " + WHO["forwarded_6"],
    b"Forwarded: for=" + WHO["forwarded"],
    b"X-Real-IP: " + WHO["real_ip"],
    b"Cookie: " + WHO["cookie"],
    b"traceparent: " + WHO["traceparent"],
    b"tracestate: " + WHO["tracestate"],
    b"baggage: " + WHO["baggage"],
    b"Referer: " + WHO["referer"],
    b"Origin: " + WHO["origin"],
    b"From: " + WHO["from_header"],
    b"X-Device-Id: " + WHO["device_header"],
    b"X-Request-Id: " + WHO["request_id"],
    b"X-Advertising-Id: " + WHO["advertising_id"],
    b"Accept-Language: " + WHO["accept_language"],
    b"If-None-Match: " + WHO["cookie"],
)
BEHIND = b"?" + WHO["query"] + b"#" + WHO["fragment"]


def planted(body: bytes | Report = b"", *headers: bytes, path: bytes = b"", **how: object) -> bytes:
    """A request that says who it is wherever a request's head can."""
    data = request(body, *HEADERS, *headers, path=(path or path_of()) + BEHIND, **how)  # type: ignore[arg-type]
    return data.replace(b"Host: edge.example", b"Host: " + WHO["host"], 1)


def as_it_is(**fields: object) -> bytes:
    """A sound report's JSON with fields more or other than declared."""
    return json.dumps({**codec.to_plain(sound()), **fields}).encode()


def in_context(**values: str) -> bytes:
    return planted(sound(context=values, origin={**values, "os": "ios"}))


SOUND = codec.encode_json(sound())
GOOD = {
    "plain": planted(sound()),
    "msgpack": planted(codec.encode_msgpack(sound()), media=codec.MSGPACK.encode()),
    "in_chunks": planted(b"", CHUNKED, framed=False) + chunked(SOUND, 30),
    "chunk_extension": planted(b"", CHUNKED, framed=False)
    + chunked(SOUND).replace(b"\r\n", b";who=" + WHO["chunk_extension"] + b"\r\n", 1),
    "trailer": planted(b"", CHUNKED, framed=False) + chunked(SOUND)[:-2] + b"X-Who: " + WHO["trailer"] + b"\r\n\r\n",
    "absolute_form": planted(sound(), path=b"http://" + WHO["host"] + path_of()),
    "debug": planted(sound(), key=world.DEBUG),
    "gzip_name": planted(packed_with_name(SOUND, IDENTIFIERS["gzip_name"]), b"Content-Encoding: gzip"),
    "sdk_name": planted(sound(sdk=IDENTIFIERS["sdk_name"])),
    "undeclared_purpose": planted(sound(purposes={"usage": 4, IDENTIFIERS["undeclared_purpose"]: 4})),
    "media_type": planted(sound(), media=b"application/json; boundary=" + WHO["boundary"]),
    **{
        name: in_context(**{field: IDENTIFIERS[name]})
        for name, field in (
            *((name, "app_version") for name in ("phone", "device_uuid", "ip_version", "coordinates", "card", "iban")),
            *(("token", "app_version"), ("language", "language"), ("time_zone", "time_zone"), ("os", "os")),
            *(("device_class", "device_class"), ("origin_value", "os_version")),
        )
    },
}
"""Accepted: what is sent with each is dropped, or counts as ``other``."""

REFUSED = {
    "undeclared_field": planted(as_it_is(user=IDENTIFIERS["undeclared_field"])),
    "undeclared_context": planted(as_it_is(context={"user_name": IDENTIFIERS["undeclared_context"]})),
    "email": planted(as_it_is(context={"app_version": IDENTIFIERS["email"]})),
    "wrong_type": planted(as_it_is(catalog=IDENTIFIERS["email"])),
    "twice": planted(SOUND[:-1] + b',"sdk":"' + WHO["twice"] + b'"}'),
    "broken_json": planted(b'{"' + WHO["broken_json"]),
    "not_json": planted(WHO["not_http"]),
    "extension_type": planted(
        msgpack.packb({"catalog": msgpack.ExtType(5, WHO["extension_type"])}), media=codec.MSGPACK.encode()
    ),
    "skippable_frame": planted(
        b"\x50\x2a\x4d\x18"
        + bytes((len(WHO["skippable_frame"]), 0, 0, 0))
        + WHO["skippable_frame"]
        + zstandard.compress(SOUND),
        b"Content-Encoding: zstd",
    ),
    "unknown_key": planted(sound(), key=IDENTIFIERS["unknown_key"]),
    "basic_password": planted(sound(), b"Authorization: Basic " + WHO["basic_password"], key=""),
    "no_key": planted(sound(), key=""),
    "revoked": planted(sound(), key=world.REVOKED),
    "misdeclared": planted(sound(), key=world.MISDECLARED),
    "elsewhere": planted(sound(), key=world.FAR),
    "paused": planted(sound(), key=world.HALTED),
    "old_consent": planted(sound(purposes={"usage": 1})),
    "nothing_granted": planted(sound(purposes={IDENTIFIERS["undeclared_purpose"]: 1})),
    "another_media_type": planted(sound(), media=b"multipart/form-data; boundary=" + WHO["boundary"]),
    "another_coding": planted(sound(), b"Content-Encoding: " + WHO["boundary"]),
    "too_large": planted(WHO["broken_json"] * 5000),
    "another_address": planted(method=b"GET", path=b"/" + WHO["path"]),
    "an_id_that_is_none": planted(sound(), path=path_of(WHO["path"])),
    "another_method": planted(method=b"DELETE", path=b"/v1/policy"),
    "policy_without_a_key": planted(method=b"GET", path=b"/v1/policy", key="", framed=False),
    "slow": planted(b"", b"Content-Length: 500", framed=False) + WHO["broken_json"],
}
"""Refused by what they say."""

NO_REQUEST = {
    "not_http": WHO["not_http"] + b"\r\n\r\n",
    "a_folded_header": planted(sound(), b"X-Who: a\r\n " + WHO["trailer"]),
    "a_zero_byte": planted(sound(), b"X-Who: \0" + WHO["trailer"]),
    "two_framings": planted(b"", CHUNKED) + chunked(SOUND),
    "a_broken_chunk": planted(b"", CHUNKED, framed=False) + WHO["chunk_extension"] + b"\r\n",
    "a_head_too_long": planted(sound(), *(b"X-Who: " + WHO["user_agent"] for _ in range(300))),
    "http_2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + WHO["host"],
    "tls": bytes.fromhex("160301006c0100006803030000") + bytes(40) + WHO["server_name"] + bytes(20),
}
"""Refused as no HTTP at all."""
ALL = {**GOOD, **REFUSED, **NO_REQUEST}


async def left(port: int) -> None:
    """A client that says who it is, sends half of its report, and goes."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(PEER, 0))
    writer.write(planted(as_it_is(user=IDENTIFIERS["undeclared_field"]))[:-40])
    await writer.drain()
    writer.close()


def in_files(worker: WorkerProcess) -> dict[str, bytes]:
    """Every file of the worker's folder but those it was started with, and its log, by name."""
    files = [path for path in worker.folder.rglob("*") if path.is_file() and path.suffix != ".toml"]
    return {str(path.relative_to(worker.folder)): path.read_bytes() for path in files}


def elsewhere(worker: WorkerProcess) -> set[str]:
    """Files that the process has open for writing outside its folder."""
    found = set[str]()
    for entry in Path(f"/proc/{worker.process.pid}/fd").iterdir():
        try:
            target, flags = entry.readlink(), (entry.parent.parent / "fdinfo" / entry.name).read_text()
        except FileNotFoundError:
            continue
        writes = int(next(line for line in flags.splitlines() if line.startswith("flags:")).split()[1], 8) & 3
        if writes and target.is_absolute() and not target.is_relative_to(worker.folder) and "/dev/" not in str(target):
            found.add(str(target))
    return found


async def places_of(worker: WorkerProcess, sent: dict[str, bytes]) -> dict[str, bytes]:
    """Send requests from an address of its own, and gather all that the worker has then said and kept."""
    told = {f"the answer to {name}": await converse(worker.port, data, source=PEER) for name, data in sent.items()}
    await left(worker.port)
    told |= {path: (await asyncio.to_thread(worker.admin, path)).encode() for path in ("/metrics", "/livez")}
    assert elsewhere(worker) == set()
    before = in_files(worker)
    assert await asyncio.to_thread(worker.end) == 0
    return {**told, **{f"{name}, earlier": data for name, data in before.items()}, **in_files(worker)}


@asynccontextmanager
async def one_worker(folder: Path, prelude: str = "") -> AsyncIterator[WorkerProcess]:
    options = {"body_seconds": 0.3, "lingering_seconds": 0.2, "trusted_proxies": ["127.0.0.0/8"]}
    with worker_process(folder / "w", prelude=prelude, **options) as worker:
        yield worker


async def test_no_planted_identifier_stays_anywhere(tmp_path: Path) -> None:
    """Of about fifty identifiers in good, refused, malformed and non-HTTP requests none is found, in any form."""
    async with one_worker(tmp_path) as worker, asyncio.timeout(PATIENCE_SECONDS):
        places = await places_of(worker, ALL)
    statuses = {name: [one.status for one in answers_in(places[f"the answer to {name}"])] for name in ALL}
    assert {name for name, found in statuses.items() if found == [202]} == set(GOOD), statuses
    assert all(found[0] >= 400 for name, found in statuses.items() if name not in GOOD), statuses
    assert len(worker.spooled()) == len(GOOD)
    assert {"stderr.log", "/metrics"} <= set(places)
    assert findings(places) == []


def test_every_identifier_is_planted() -> None:
    """Each identifier of the list stands in what is sent, or is where it is sent from, and there are about forty."""
    sent = b"".join(ALL.values())
    assert {name for name, value in WHO.items() if value not in sent} == {"peer"}
    assert len(IDENTIFIERS) >= 40


def test_every_form_is_found() -> None:
    """Each identifier is found in each of its forms, alone, amid other bytes, and behind compression."""
    for name, value in list(IDENTIFIERS.items())[::17]:
        for form, needle in forms(value).items():
            for data in (needle, b"\0\1" + needle + b"x", b"--" + zstandard.compress(b"a" * 20 + needle)):
                assert any(line.startswith(f"{name} (") for line in findings({"somewhere": data})), (name, form)


LEAK = """
import asyncio, base64, gzip, hashlib, pathlib, sys, urllib.parse, zlib
import zstandard
given = __import__("json").loads(sys.argv[1])
folder = pathlib.Path(given["spool"]).parent
def keep(name, data):
    with (folder / name).open("ab") as file:
        file.write(data)
def leak(wire, data):
    pass
"""
TAP = """
import headcount_ingest.worker
def tap(kind):
    updated, connected, wires = kind.buffer_updated, kind.connection_made, {}
    def connection_made(self, transport):
        wires[id(self)] = transport
        return connected(self, transport)
    def buffer_updated(self, nbytes):
        leak(wires[id(self)], bytes(self.get_buffer(nbytes)[:nbytes]))
        return updated(self, nbytes)
    kind.connection_made, kind.buffer_updated = connection_made, buffer_updated
kinds = [kind for kind in asyncio.BufferedProtocol.__subclasses__() if kind.__module__.startswith("headcount_ingest")]
assert kinds, "there is no protocol of the edge to tap"
for kind in kinds:
    tap(kind)
"""
LEAKS = {
    "a log of requests": "def leak(_, data): print(data.decode('latin-1'), file=sys.stderr)\n",
    "a log in hexadecimal": "def leak(_, data): print(data.hex(), file=sys.stderr)\n",
    "a file in base64": "def leak(_, data): keep('a.b64', base64.b64encode(data))\n",
    "a file in UTF-16": "def leak(_, data): keep('a.txt', data.decode('latin-1').encode('utf-16'))\n",
    "a quoted log": "def leak(_, data): print(urllib.parse.quote(data, safe=''), file=sys.stderr)\n",
    "a gzip file": "def leak(_, data): keep('a.gz', gzip.compress(data))\n",
    "a zstd file": "def leak(_, data): keep('a.zst', zstandard.compress(data))\n",
    "a zlib stream behind others": "def leak(_, data): keep('a.bin', b'many bytes' + zlib.compress(data))\n",
    "an echo": "def leak(wire, data): wire.write(data)\n",
    "a hash of the address": (
        "def leak(wire, data): keep('a', hashlib.sha256(wire.get_extra_info('peername')[0].encode()).digest())\n"
    ),
    "the address as four bytes": (
        "import socket\ndef leak(wire, data): keep('a', socket.inet_aton(wire.get_extra_info('peername')[0]))\n"
    ),
    "a file's name": ("def leak(wire, data): (folder / wire.get_extra_info('peername')[0]).touch()\n"),
    "a metric": (
        "import prometheus_client\nsaid = []\nshown = prometheus_client.generate_latest\n"
        "prometheus_client.generate_latest = lambda registry: shown(registry) + b'# ' + b''.join(said)\n"
        "def leak(_, data): said.append(data)\n"
    ),
    "values that are not looked up": (
        "import headcount_wire.dimensions\nheadcount_wire.dimensions.canonical = lambda dimension, value: value\n"
    ),
}
"""Ways for an edge to keep what it must not, as programs that run before it starts."""
FEW = {name: ALL[name] for name in ("plain", "card", "broken_json", "unknown_key", "not_http")}


@pytest.mark.parametrize("name", LEAKS)
async def test_an_edge_that_leaks_is_caught(tmp_path: Path, name: str) -> None:
    """The same requests to an edge with one planted leak are found out by the same search."""
    async with one_worker(tmp_path, LEAK + LEAKS[name] + TAP) as worker, asyncio.timeout(PATIENCE_SECONDS):
        told = {f"the answer to {one}": await converse(worker.port, data, source=PEER) for one, data in FEW.items()}
        told["/metrics"] = (await asyncio.to_thread(worker.admin, "/metrics")).encode()
        await asyncio.to_thread(worker.end)
        found = findings({**told, **in_files(worker)})
    assert found

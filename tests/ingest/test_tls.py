"""TLS at the edge: what is served, to whom, and what is refused before it is served."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from headcount_ingest.tls import Certificate, CertificateError, sound
from headcount_sdk.client import Headcount
from headcount_sdk.facts import DeviceFacts
from headcount_sdk.uploader import Fate
from headcount_wire.clock import ManualClock

from tests.ingest.conftest import KEY, TODAY, Worker, running, settings_in
from tests.ingest.process import worker_process
from tests.sdk.conftest import CATALOG

AUTHORITY = trustme.CA()
ENDS = dt.datetime(2035, 1, 1, tzinfo=dt.UTC)


def pair(folder: Path, name: str = "edge", ends: dt.datetime = ENDS) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and localhost, and its key, as files."""
    made = AUTHORITY.issue_cert("127.0.0.1", "localhost", not_after=ends)
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())
    return certificate, key


def client(*, most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """What trusts the test's authority, and nobody else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = most
    AUTHORITY.configure_trust(context)
    return context


def outdated() -> ssl.SSLContext:
    """A client that speaks TLS 1.1 at most."""
    context = client()
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Worker]:
    certificate, key = pair(tmp_path)
    found = await running(replace(settings_in(tmp_path), tls_certificate=certificate, tls_key=key))
    yield found
    await found.close()
    await found.session.close()


async def test_the_sdk_reports_over_tls(tmp_path: Path, edge: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that trusts the authority is accepted; one that does not sends nothing and keeps its report."""
    device = Headcount(
        KEY,
        f"https://localhost:{edge.settings.port}",
        CATALOG,
        directory=tmp_path / "device",
        policy=4,
        clock=ManualClock(TODAY * 86_400.0 + 43_200.0),
        facts=DeviceFacts("3.1", "phone"),
        draw=random.Random(1),
    )
    device.start(thread=False)
    device.consent.grant("usage")
    device.track("share.used")
    (outcome,) = await asyncio.to_thread(device.flush)
    assert outcome.fate is Fate.NO_ANSWER
    AUTHORITY.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    (outcome,) = await asyncio.to_thread(device.flush)
    assert outcome.fate is Fate.ACCEPTED
    device.shutdown()
    assert len(edge.spooled()) == 1
    found = await edge.metrics()
    assert found["headcount_edge_tls_expires_timestamp_seconds"] == ENDS.timestamp()


async def test_what_came_before_tls_1_2_is_refused(tmp_path: Path, edge: Worker) -> None:
    """A client that speaks TLS 1.1 at most, and would be served by one that allowed it, gets no connection."""
    lax, _ = sound(*pair(tmp_path, "lax"))
    with pytest.warns(DeprecationWarning, match="deprecated"):
        lax.minimum_version = ssl.TLSVersion.TLSv1
    lax.set_ciphers("ALL:@SECLEVEL=0")
    assert _ends(lax, outdated()) == ENDS.timestamp()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("localhost", edge.settings.port, ssl=outdated())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda found: found.name)
async def test_no_ticket_links_two_connections(edge: Worker, version: ssl.TLSVersion) -> None:
    """A device is given nothing that its next connection would be known by."""
    reader, writer = await asyncio.open_connection("localhost", edge.settings.port, ssl=client(most=version))
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b" 404 " in await reader.read()
    session = writer.get_extra_info("ssl_object").session
    assert session is None or not session.has_ticket
    writer.close()
    await writer.wait_closed()


async def test_a_handshake_that_never_comes_is_cut(tmp_path: Path) -> None:
    """Who connects and says nothing is let go when a head would have to be there, and not a minute later."""
    certificate, key = pair(tmp_path)
    settings = replace(settings_in(tmp_path), tls_certificate=certificate, tls_key=key, idle_seconds=0.2)
    edge = await running(settings)
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.settings.port)
    assert await asyncio.wait_for(reader.read(), 20) == b""
    writer.close()
    await edge.close()
    await edge.session.close()


def test_a_new_pair_is_served_to_whoever_comes_next(tmp_path: Path) -> None:
    """After a reload the next handshake gets the new certificate, also from a client that names no host."""
    served = Certificate(*pair(tmp_path))
    later = dt.datetime(2036, 1, 1, tzinfo=dt.UTC)
    assert _ends(served.context) == ENDS.timestamp()
    pair(tmp_path, ends=later)
    served.reload()
    assert (served.faulty, served.expires) == (False, later.timestamp())
    assert _ends(served.context) == later.timestamp()


def test_a_faulty_pair_leaves_the_one_before_in_force(tmp_path: Path) -> None:
    """A certificate beside another's key is told, and what was served before is served on, until it is corrected."""
    certificate, key = pair(tmp_path)
    served = Certificate(certificate, key)
    sound_key = key.read_bytes()
    _, other = pair(tmp_path, "other")
    key.write_bytes(other.read_bytes())
    served.reload()
    assert served.faulty
    assert _ends(served.context) == ENDS.timestamp()
    key.write_bytes(sound_key)
    served.reload()
    assert not served.faulty


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("mismatch", "KEY_VALUES_MISMATCH"),
        ("expired", "certificate has expired"),
        ("garbage", "no PEM"),
        ("missing", "No such file or directory"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_sentence(tmp_path: Path, fault: str, words: str) -> None:
    """A pair that no client could use is refused before it is served, with its file and the reason."""
    certificate, key = pair(tmp_path, ends=dt.datetime(2001, 1, 1, tzinfo=dt.UTC) if fault == "expired" else ENDS)
    match fault:
        case "mismatch":
            _, key = pair(tmp_path, "other")
        case "garbage":
            certificate.write_bytes(b"no certificate")
        case "missing":
            certificate.unlink()
    with pytest.raises(CertificateError, match=words) as told:
        sound(certificate, key)
    assert str(certificate) in str(told.value)


def _ends(server: ssl.SSLContext, asking: ssl.SSLContext | None = None) -> float:
    """When the certificate ends that a client without a host name is shown."""
    asking = asking or client()
    asking.check_hostname = False
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = asking.wrap_bio(to_client, to_server), server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    certificate = sides[0].getpeercert()
    assert certificate
    return ssl.cert_time_to_seconds(str(certificate["notAfter"]))


async def test_unfinished_handshakes_take_no_place(tmp_path: Path) -> None:
    """Many who connect and never shake hands are cut, those that came first; who does is served meanwhile."""
    certificate, key = pair(tmp_path)
    settings = replace(settings_in(tmp_path), tls_certificate=certificate, tls_key=key, connections=16)
    worker = await running(settings)
    silent = [await asyncio.open_connection("127.0.0.1", settings.port) for _ in range(40)]
    async with asyncio.timeout(20):
        await asyncio.gather(*(reader.read() for reader, _ in silent[:36]), return_exceptions=True)
    assert not any(reader.at_eof() for reader, _ in silent[36:]), "a quarter of all connections may take their time"
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", settings.port, ssl=client(), server_hostname="localhost"
    )
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(20):
        assert (await reader.read()).startswith(b"HTTP/1.1 404 ")
    for _, one in (*silent, (reader, writer)):
        one.close()
    assert await worker.close() == 0
    await worker.session.close()


MANY = 200
HALF_OPEN_BYTES = 160_000


def test_a_handshake_that_does_not_come_takes_little(tmp_path: Path) -> None:
    """A connection that has not shaken hands takes no buffer beyond a record's size."""
    certificate, key = pair(tmp_path)
    with worker_process(tmp_path, tls_certificate=str(certificate), tls_key=str(key)) as worker, ExitStack() as stack:
        before, descriptors = worker.resident(), worker.descriptors()
        for _ in range(MANY):
            stack.enter_context(socket.create_connection(("127.0.0.1", worker.port), timeout=20))
        worker.until(lambda: worker.descriptors() >= descriptors + MANY * 9 // 10)
        worker.metrics()
        assert worker.resident() - before < MANY * HALF_OPEN_BYTES

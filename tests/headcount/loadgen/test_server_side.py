"""What an operator port or a data folder says amiss is a sentence, never the end of an account."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from headcount.loadgen import server_side
from headcount.loadgen.server_side import Centre, Unreachable, Workers
from headcount_wire.clock import SystemClock

SOUND = """headcount_edge_requests_total{outcome="accepted"} 7.0
headcount_edge_build_info{%s} 1.0
process_start_time_seconds 1.0
"""


def answer(text: str) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text.encode())


@contextlib.contextmanager
def port(said: bytes, drip: bytes = b"") -> Iterator[int]:
    """Says the same to everybody, and then a piece each tenth of a second; yields its number."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while not over.is_set():
                with contextlib.suppress(OSError):
                    taken, _ = server.accept()
                    with taken:
                        taken.recv(65_536)
                        taken.sendall(said)
                        while drip and not over.wait(0.1):
                            taken.sendall(drip)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            with contextlib.suppress(OSError), socket.create_connection(server.getsockname()) as last:
                last.sendall(b"over")
            thread.join(10)


@pytest.mark.parametrize(
    ("labels", "build"),
    [
        ('compiled="true",version="0.1.0"', ("0.1.0, compiled",)),
        ('version="0.1.0",compiled="false"', ("0.1.0",)),
        ('compiled="true",version="\x1b[31m"', ()),
    ],
)
def test_an_edge_says_what_it_is(labels: str, build: tuple[str, ...]) -> None:
    """Its version and whether it is compiled, in any order; what is no version is not shown."""
    with port(answer(SOUND % labels)) as at:
        assert Workers([f"http://127.0.0.1:{at}"]).since().builds == build


ODD = {
    "no HTTP": b"hello\r\n\r\n",
    "too short": b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nheadcount_edge",
    "a long line": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    "infinite": answer('headcount_edge_requests_total{outcome="accepted"} +Inf\n'),
    "no number": answer('headcount_edge_requests_total{outcome="accepted"} abc\n'),
    "not an edge": answer("up 1\n"),
    "elsewhere": b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
    "no text": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe",
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_operator_port_is_said_to_be_none(name: str) -> None:
    """Whatever it says, it is one kind of error, which a load tells in its account."""
    with port(ODD[name]) as at, pytest.raises(Unreachable, match="metrics"):
        Workers([f"http://127.0.0.1:{at}"])


def test_what_drips_or_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer has so much time as a whole, and so many bytes."""
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    monkeypatch.setattr(server_side, "ASK_SECONDS", 0.5)
    began = time.monotonic()
    with port(head, b"x") as at, pytest.raises(Unreachable):
        Workers([f"http://127.0.0.1:{at}"])
    assert time.monotonic() - began < 60
    monkeypatch.setattr(server_side, "ASK_SECONDS", 60.0)
    monkeypatch.setattr(server_side, "METRICS_BYTES", 1_000)
    with port(head, b"x" * 600) as at, pytest.raises(Unreachable):
        Workers([f"http://127.0.0.1:{at}"])


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked is what was named."""
    with port(answer(SOUND % 'version="1"')) as at:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{at}")
        with pytest.raises(Unreachable):
            Workers(["http://127.0.0.1:9"])


@pytest.mark.parametrize("name", ["00000000000000000001.unit", "abc.unit"])
def test_a_folder_with_a_strange_file_is_said_to_hold_one(tmp_path: Path, name: str) -> None:
    """A unit that is none is a sentence, at the start or at the end."""
    for folder in ("units", "spool"):
        (tmp_path / folder).mkdir()

    def asked() -> None:
        centre = Centre(tmp_path, SystemClock())
        (tmp_path / "units" / name).write_bytes(b"junk")
        Centre(tmp_path, SystemClock())
        centre.since(0.0, lambda: True)

    with pytest.raises(Unreachable):
        asked()

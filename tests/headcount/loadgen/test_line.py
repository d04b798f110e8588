"""An answer is read as HTTP has it, whatever a proxy makes of it; what is none is said to be none."""

from __future__ import annotations

import asyncio

import pytest
from headcount.loadgen.line import ANSWER_BYTES, Heard, Line
from headcount.loadgen.run import Options
from headcount_sdk.uploader import Fate
from headcount_wire.app_key import new_key

from tests.headcount.loadgen.conftest import ACCEPTED, ANSWER, answering, beside, loaded

JSON = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"
SIZE = len(ACCEPTED)
CHUNKED = b"%bTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (JSON, SIZE, ACCEPTED)
UNTIL_CLOSED = b"%bConnection: close\r\n\r\n%b" % (JSON, ACCEPTED)

ACCEPTS = {
    "sized": (ANSWER, False),
    "in chunks": (CHUNKED, False),
    "after a 100": (b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER, False),
    "after a 103 with fields": (b"HTTP/1.1 103 Early Hints\r\nContent-Type: text/html\r\n\r\n" + ANSWER, False),
    "and hangs up": (b"%bConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (JSON, SIZE, ACCEPTED), True),
    "HTTP/1.0": (ANSWER.replace(b"1.1", b"1.0", 1), True),
}
NONE = {
    "a length that is none": b"%bContent-Length: many\r\n\r\n%b" % (JSON, ACCEPTED),
    "a negative length": b"%bContent-Length: -5\r\n\r\n%b" % (JSON, ACCEPTED),
    "two lengths": b"%bContent-Length: 3\r\nContent-Length: 45\r\n\r\n%b" % (JSON, ACCEPTED),
    "a bad chunk": b"%bTransfer-Encoding: chunked\r\n\r\nzz\r\n" % JSON,
    "no HTTP": b"\x00\xff\xfe\r\n\r\n",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x16",
    "a head that never ends": JSON + b"X: " + b"a" * ANSWER_BYTES,
    "a body that never ends": b"%bContent-Length: 99999999\r\n\r\n" % JSON + b" " * ANSWER_BYTES,
}


class Wire(asyncio.Transport):
    """The other end of a line: whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.over = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def close(self) -> None:
        self.over = True

    def abort(self) -> None:
        self.over = True


def heard(*pieces: bytes, lost: bool = False, asked: bool = True) -> tuple[list[Heard], int, bool]:
    """What a line hears in these pieces, how often it is lost, and whether it left."""
    found: list[Heard] = []
    gone: list[Line] = []

    def answered(line: Line, one: Heard) -> None:
        found.append(one)
        line.carries = None

    line, wire = Line(answered, gone.append), Wire()
    line.connection_made(wire)
    if asked:
        line.send(b"POST", object(), 0.0)
    for piece in pieces:
        line.data_received(piece)
    if lost:
        line.connection_lost(None)
    return found, len(gone), wire.over


@pytest.mark.parametrize("name", ACCEPTS)
@pytest.mark.parametrize("piecemeal", [False, True])
def test_an_acceptance_is_one_however_it_is_said(name: str, piecemeal: bool) -> None:
    """In one piece or byte by byte; and whether another request may follow is read off it."""
    said, last = ACCEPTS[name]
    pieces = [said[at : at + 1] for at in range(len(said))] if piecemeal else [said]
    ((one,), _, _) = heard(*pieces)
    assert (one.outcome.fate, one.status, one.last) == (Fate.ACCEPTED, 202, last)


def test_an_answer_may_end_with_the_connection() -> None:
    """Without a length it is whole when the other side hangs up; with one it is not when too little came."""
    (one,), gone, _ = heard(UNTIL_CLOSED, lost=True)
    assert (one.outcome.fate, one.last, gone) == (Fate.ACCEPTED, True, 1)
    assert heard(UNTIL_CLOSED)[0] == [], "not before"
    assert heard(ANSWER[:-1], lost=True)[:2] == ([], 1)
    assert heard(b"HTTP/1.1 100 Continue\r\n\r\n", lost=True)[:2] == ([], 1)


@pytest.mark.parametrize("name", NONE)
@pytest.mark.parametrize("piecemeal", [False, True])
def test_what_is_no_answer_is_said_to_be_none(name: str, piecemeal: bool) -> None:
    """It is counted as none, and is the last that is read of this connection."""
    said = NONE[name]
    pieces = [said[at : at + 997] for at in range(0, len(said), 997)] if piecemeal else [said]
    first = heard(*pieces)[0][0]
    assert (first.outcome.fate, first.last) == (Fate.NO_ANSWER, True)


def test_what_nobody_asked_for_is_not_taken_for_the_next_answer() -> None:
    """Two answers to one request: the first counts, and the connection is left; of an idle one it is left too."""
    (one,), _, _ = heard(ANSWER + ANSWER.replace(ACCEPTED, b" " * SIZE))
    assert (one.outcome.fate, one.last) == (Fate.ACCEPTED, True)
    assert heard(ANSWER, asked=False) == ([], 0, True)


@pytest.mark.parametrize("said", [CHUNKED, NONE["a length that is none"]], ids=["chunked", "no length"])
def test_a_load_over_real_sockets_reads_the_same(said: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """What is chunked is accepted; what is no answer is an attempt that failed, and no trace of an error is shown."""
    with beside(lambda: answering(lambda _: said)) as port:
        options = Options(
            target=f"http://127.0.0.1:{port}", keys=(new_key("live"),), devices=20, rate=20, seconds=1, patience=1
        )
        code, printed = loaded(options)
    assert code == (0 if said is CHUNKED else 1), printed
    assert ("no answer of an edge (0)" in printed) == (said is not CHUNKED)
    assert "Traceback" not in "".join(capfd.readouterr())

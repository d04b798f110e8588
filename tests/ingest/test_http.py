"""HTTP as it may come: every form of a request that is sound is read, every other is a listed refusal, none harms."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from headcount_wire import codec, limits
from headcount_wire.problems import Problem

from tests.ingest import world
from tests.ingest.conftest import TODAY, Worker
from tests.ingest.exchange import PATIENCE_SECONDS, answers_in, ask, chunked, converse, path_of, request
from tests.ingest.world import sound

CANARY = b"CANARY7f3a"
REPORT = codec.encode_json(sound())
LENGTH = b"Content-Length: %d" % len(REPORT)
CHUNKED = b"Transfer-Encoding: chunked"
ID = b"0123456789abcdef" * 2
GET = {"method": b"GET", "path": b"/v1/policy", "framed": False, "media": b""}


def streamed(body: bytes, *headers: bytes, **how: object) -> bytes:
    """A request whose body's framing is written by hand."""
    return request(b"", *headers, framed=False, **how) + body  # type: ignore[arg-type]  # passed on as they came


OFFER = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")


ACCEPTED = {
    "plain": request(sound()),
    "one_chunk": streamed(chunked(REPORT), CHUNKED),
    "byte_by_byte": streamed(chunked(REPORT, 1), CHUNKED),
    "extended_chunks": streamed(chunked(REPORT).replace(b"\r\n", b";name=" + CANARY + b"\r\n", 1), CHUNKED),
    "trailers": streamed(chunked(REPORT)[:-2] + b"X-User: " + CANARY + b"\r\n\r\n", CHUNKED, b"Trailer: X-User"),
    "http_1_0": request(sound(), version=b"1.0", closing=False),
    "expects_and_sends": request(sound(), b"Expect: 100-continue"),
    "absolute_form": request(sound(), path=b"http://other.example" + path_of()),
    "query": request(sound(), path=path_of() + b"?user=" + CANARY),
    "fragment": request(sound(), path=path_of() + b"#" + CANARY),
    "empty_lines_first": b"\r\n\r\n" + request(sound()),
    "media_type_with_charset": request(sound(), media=b"Application/JSON; charset=utf-8"),
    "identity": request(sound(), b"Content-Encoding: identity"),
    "forty_headers": request(sound(), *(b"X-%d: a" % at for at in range(34))),
    "a_long_header": request(sound(), b"X-Long: " + b"a" * 2000),
    "an_offer_of_http_2": request(sound(), *OFFER, closing=False),
    "an_offer_and_chunks": streamed(chunked(REPORT, 10), CHUNKED, *OFFER, closing=False),
    "lower_case_scheme": request(sound(), b"authorization: bearer " + world.ACTIVE.encode(), key=""),
}


@pytest.mark.parametrize("name", ACCEPTED)
async def test_a_sound_request_is_read_in_every_form(served_world: Worker, name: str) -> None:
    """Whatever HTTP allows of a sound request is answered 202, and nothing of it but the report is kept."""
    answer = await ask(served_world.settings.port, ACCEPTED[name])
    assert (answer.status, answer.problem) == (202, None)
    assert await served_world.outcomes() == {"accepted": 1}
    ((_, record),) = served_world.spooled()
    assert record.tallies == ((TODAY, world.SHARED, 0, 2, 0, 1),)


REFUSED: dict[str, tuple[bytes, Problem]] = {
    # whose length can be read in two ways: each is a way to hide a second request
    "two_framings": (streamed(chunked(REPORT), LENGTH, CHUNKED), Problem.BAD_HTTP),
    "two_framings_turned": (streamed(b"0\r\n\r\nG", CHUNKED, b"Content-Length: 6"), Problem.BAD_HTTP),
    "two_lengths": (streamed(REPORT, LENGTH, b"Content-Length: 3"), Problem.BAD_HTTP),
    "a_length_twice": (streamed(REPORT, LENGTH, LENGTH), Problem.BAD_HTTP),
    "a_list_of_lengths": (streamed(REPORT, LENGTH + b", %d" % len(REPORT)), Problem.BAD_HTTP),
    "a_signed_length": (streamed(REPORT, b"Content-Length: +%d" % len(REPORT)), Problem.BAD_HTTP),
    "a_negative_length": (streamed(REPORT, b"Content-Length: -1"), Problem.BAD_HTTP),
    "a_huge_length": (streamed(REPORT, b"Content-Length: " + b"9" * 40), Problem.BAD_HTTP),
    "an_odd_length": (streamed(REPORT, b"Content-Length: 1_0"), Problem.BAD_HTTP),
    "a_folded_length": (streamed(REPORT, b"Content-Length:\r\n %d" % len(REPORT)), Problem.BAD_HTTP),
    "chunked_twice": (streamed(chunked(REPORT), b"Transfer-Encoding: chunked, chunked"), Problem.BAD_HTTP),
    "an_unknown_framing": (streamed(REPORT, b"Transfer-Encoding: xchunked"), Problem.BAD_HTTP),
    "a_coded_framing": (streamed(REPORT, b"Transfer-Encoding: gzip"), Problem.BAD_HTTP),
    "a_huge_chunk": (streamed(b"f" * 18 + b"\r\n" + REPORT, CHUNKED), Problem.BAD_HTTP),
    "a_negative_chunk": (streamed(b"-1\r\n" + REPORT, CHUNKED), Problem.BAD_HTTP),
    "a_hexadecimal_chunk": (streamed(b"0x5\r\nabcde\r\n0\r\n\r\n", CHUNKED), Problem.BAD_HTTP),
    # whose head is none
    "bare_line_feeds": (request(sound()).replace(b"\r\n", b"\n"), Problem.BAD_HTTP),
    "one_bare_line_feed": (request(sound(), b"X: a\nX-User: " + CANARY), Problem.BAD_HTTP),
    "a_bare_carriage_return": (request(sound(), b"X: a\rX-User: " + CANARY), Problem.BAD_HTTP),
    "a_folded_header": (request(sound(), b"X: a\r\n " + CANARY), Problem.BAD_HTTP),
    "a_zero_byte": (request(sound(), b"X: a\0" + CANARY), Problem.BAD_HTTP),
    "a_space_before_the_colon": (request(sound(), b"X : " + CANARY), Problem.BAD_HTTP),
    "no_colon": (request(sound(), CANARY), Problem.BAD_HTTP),
    "no_name": (request(sound(), b": " + CANARY), Problem.BAD_HTTP),
    "300_headers": (request(sound(), *(b"X-%d: a" % at for at in range(300))), Problem.BAD_HTTP),
    "a_header_beyond_16_kib": (request(sound(), b"X: " + CANARY * 1640), Problem.BAD_HTTP),
    "headers_beyond_16_kib": (request(sound(), *(b"X: " + CANARY * 820 for _ in range(2))), Problem.BAD_HTTP),
    "an_address_beyond_16_kib": (request(path=b"/v1/policy?" + CANARY * 1640, method=b"GET"), Problem.BAD_HTTP),
    "an_odd_method": (request(sound(), method=b"BREW"), Problem.BAD_HTTP),
    "a_lower_case_method": (request(sound(), method=b"post"), Problem.BAD_HTTP),
    "a_later_version": (request(sound(), version=b"3.0"), Problem.BAD_HTTP),
    "the_start_of_http_2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Problem.BAD_HTTP),
    "the_start_of_tls": (bytes.fromhex("16030100c8010000c40303") + CANARY * 10, Problem.BAD_HTTP),
    "no_http": (CANARY + b"\r\n\r\n", Problem.BAD_HTTP),
    # whose address or method is not one
    "connect": (request(method=b"CONNECT", path=b"other.example:443"), Problem.NOT_FOUND),
    "options_of_all": (request(method=b"OPTIONS", path=b"*"), Problem.NOT_FOUND),
    "the_root": (request(method=b"GET", path=b"/"), Problem.NOT_FOUND),
    "a_slash_more_in_front": (request(sound(), path=b"/" + path_of()), Problem.NOT_FOUND),
    "an_encoded_address": (request(sound(), path=b"/v1/%72eports/" + ID), Problem.NOT_FOUND),
    "a_policy_with_a_slash": (request(method=b"GET", path=b"/v1/policy/"), Problem.NOT_FOUND),
    "trace": (request(sound(), method=b"TRACE"), Problem.METHOD),
    "put": (request(sound(), method=b"PUT"), Problem.METHOD),
    "delete_the_policy": (request(method=b"DELETE", path=b"/v1/policy"), Problem.METHOD),
    "an_upper_case_id": (request(sound(), path=path_of(ID.upper())), Problem.MALFORMED_ID),
    "an_encoded_id": (request(sound(), path=path_of(b"%30" + ID[1:])), Problem.MALFORMED_ID),
    "an_id_and_a_line_end": (request(sound(), path=path_of(ID + b"%0a")), Problem.MALFORMED_ID),
    "a_long_id": (request(sound(), path=path_of(ID + b"0")), Problem.MALFORMED_ID),
    "a_way_to_an_id": (request(sound(), path=path_of(CANARY + b"/" + ID)), Problem.MALFORMED_ID),
    "a_way_back_to_an_id": (request(sound(), path=path_of(b"../reports/" + ID)), Problem.MALFORMED_ID),
    "a_slash_after_the_id": (request(sound(), path=path_of(ID + b"/")), Problem.MALFORMED_ID),
    # whose forms are not read
    "an_offer_and_nothing": (request(b"", *OFFER, closing=False), Problem.MALFORMED),
    "an_offer_and_noise": (streamed(b"zz\r\n", CHUNKED, *OFFER, closing=False), Problem.BAD_HTTP),
    "an_offer_of_too_much": (request(bytes(limits.BODY_BYTES + 1), *OFFER, closing=False), Problem.TOO_LARGE),
    "an_offer_without_a_key": (request(sound(), *OFFER, key="", closing=False), Problem.KEY_MISSING),
    "no_length": (streamed(REPORT), Problem.MALFORMED),
    "two_codings": (request(sound(), b"Content-Encoding: gzip, identity"), Problem.MEDIA_TYPE),
    "no_media_type": (request(sound(), media=b""), Problem.MEDIA_TYPE),
    "a_form": (request(sound(), media=b"multipart/form-data; boundary=" + CANARY), Problem.MEDIA_TYPE),
    "another_scheme": (request(sound(), b"Authorization: Basic eDp5", key=""), Problem.KEY_MISSING),
    "an_empty_key": (request(sound(), b"Authorization: Bearer ", key=""), Problem.KEY_MISSING),
    "http_0_9": (b"GET /v1/policy\r\n\r\n", Problem.BAD_HTTP),
    "http_2_without_its_start": (request(sound(), version=b"2.0"), Problem.BAD_HTTP),
    "http_1_0_in_chunks": (streamed(chunked(REPORT), CHUNKED, version=b"1.0", closing=False), Problem.BAD_HTTP),
    "an_address_in_a_query": (request(sound(), path=b"http://other.example?" + path_of()), Problem.NOT_FOUND),
    "two_offers": (request(b"{}", *OFFER, closing=False) + request(b"{}", *OFFER, closing=False), Problem.MALFORMED),
    "an_offer_and_another": (request(b"", *OFFER, key="", closing=False) * 2, Problem.KEY_MISSING),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_not_sound_is_refused(served_world: Worker, capfd: pytest.CaptureFixture[str], name: str) -> None:
    """One answer of the list, one count, a closed connection, nothing kept, nothing of it in answer or log."""
    data, problem = REFUSED[name]
    raw = await converse(served_world.settings.port, data)
    assert CANARY not in raw
    (answer,) = answers_in(raw)
    assert answer.problem is problem
    assert await served_world.outcomes() == {problem.slug: 1}
    assert served_world.spooled() == []
    logged = capfd.readouterr()
    assert CANARY.decode() not in logged.out + logged.err


async def test_what_is_asked_by_head_has_no_body(served_world: Worker) -> None:
    """HEAD is answered as GET is, without a body: the policy, and refusals."""
    port = served_world.settings.port
    found = await ask(port, request(**GET))  # type: ignore[arg-type]  # spread as the parameters are named
    raw = await converse(port, request(**{**GET, "method": b"HEAD"}))  # type: ignore[arg-type]
    assert raw.endswith(b"\r\n\r\n")
    assert f"etag: {found.headers['etag']}".encode() in raw.lower()
    for refused, status in ((request(method=b"HEAD", key=""), 405), (request(method=b"HEAD", path=b"/x"), 404)):
        raw = await converse(port, refused)
        assert raw.endswith(b"\r\n\r\n")
        assert raw.startswith(b"HTTP/1.1 %d " % status)


async def test_requests_on_one_connection_are_answered_in_their_order(served_world: Worker) -> None:
    """Pipelined requests each have their answer, in order; a refused one in the middle does not spoil the next."""
    sent = [request(sound(), closing=False), request(b"{}", closing=False), request(sound(policy=9), closing=False)]
    raw = await converse(served_world.settings.port, b"".join([*sent, request(sound())]))
    assert [answer.problem for answer in answers_in(raw)] == [None, Problem.MALFORMED, Problem.POLICY_OLD, None]
    assert await served_world.outcomes() == {"accepted": 2, "malformed": 1, "policy-old": 1}
    assert len(served_world.spooled()) == 2


Between = Callable[[asyncio.StreamReader], Awaitable[object]]


async def in_two(port: int, first: bytes, second: bytes, between: Between) -> bytes:
    """Send something, wait for something, send more; all that is answered after that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(first)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await between(reader)
            writer.write(second)
            return await reader.read()
    finally:
        writer.close()


async def test_noise_behind_a_report_does_not_undo_it(served_world: Worker) -> None:
    """Bytes behind an answered request that are no request are refused, and the connection ends; the report stands."""

    async def answered(reader: asyncio.StreamReader) -> None:
        (answer,) = answers_in(await reader.readuntil(b'"v":1}'))
        assert answer.status == 202

    noise = CANARY + b"\r\n\r\n" + request(sound())
    raw = await in_two(served_world.settings.port, request(sound(), closing=False), noise, answered)
    assert [answer.problem for answer in answers_in(raw)] == [Problem.BAD_HTTP]
    assert CANARY not in raw
    assert len(served_world.spooled()) == 1


def head_and_body(data: bytes) -> tuple[bytes, bytes]:
    """A request, cut where its body begins."""
    head, _, body = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", body


async def test_who_asks_first_is_told_to_go_on(served_world: Worker) -> None:
    """A client that expects 100 Continue is told so before it sends a body; one that would be refused is, instead."""

    async def told(reader: asyncio.StreamReader) -> None:
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

    port = served_world.settings.port
    (answer,) = answers_in(await in_two(port, *head_and_body(request(sound(), b"Expect: 100-continue")), told))
    assert answer.status == 202
    for refused, problem in (
        (request(sound(), b"Expect: 100-continue", key=world.UNKNOWN), Problem.KEY_UNKNOWN),
        (request(bytes(limits.BODY_BYTES + 1), b"Expect: 100-continue"), Problem.TOO_LARGE),
    ):
        answer = await ask(port, head_and_body(refused)[0])
        assert answer.problem is problem
    assert await served_world.outcomes() == {"accepted": 1, "key-unknown": 1, "too-large": 1}


async def test_a_large_body_that_comes_by_itself_is_a_body(served_world: Worker) -> None:
    """A body of more bytes than a head may have, read behind its head, has one answer, and the connection goes on."""
    large = codec.encode_json(sound()) + b" " * 60_000
    head, body = head_and_body(request(large, b"Expect: 100-continue", closing=False))
    reader, writer = await asyncio.open_connection("127.0.0.1", served_world.settings.port)
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in range(3):
            writer.write(head)
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(body)
            (answer,) = answers_in(await reader.readuntil(b'"v":1}'))
            assert answer.status == 202
        writer.write(request(sound()))
        (answer,) = answers_in(await reader.read())
    writer.close()
    assert answer.status == 202
    assert await served_world.outcomes() == {"accepted": 4}


async def test_a_client_of_http_1_0_is_not_told_to_go_on(served_world: Worker) -> None:
    """An older client does not know 100 Continue, and gets one answer."""

    async def waited_for(_: asyncio.StreamReader) -> None:
        while not (await served_world.metrics())["headcount_edge_bytes_in_flight"]:
            pass

    data = request(sound(), b"Expect: 100-continue", version=b"1.0", closing=False)
    (answer,) = answers_in(await in_two(served_world.settings.port, *head_and_body(data), waited_for))
    assert answer.status == 202


@pytest.mark.parametrize("name", ["plain", "one_chunk", "an_offer_of_http_2", "an_offer_and_chunks"])
async def test_a_request_may_come_in_any_pieces(served_world: Worker, name: str) -> None:
    """Byte by byte, each on its own, a request is read as it is in one piece."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served_world.settings.port)
    async with asyncio.timeout(PATIENCE_SECONDS):
        for byte in ACCEPTED[name]:
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)
        (answer,) = answers_in(await reader.read())
    writer.close()
    assert answer.status == 202
    assert len(served_world.spooled()) == 1

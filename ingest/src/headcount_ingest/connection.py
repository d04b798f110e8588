"""One connection: HTTP/1.1 off the socket, requests to the path, answers back in the order of the questions.

The parser (llhttp, by httptools) says what it finds line by line, and of a head only declared fields are kept
(``head.py``). A connection has no task and no timer: ``server.py`` looks at every ``deadline`` now and then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from math import inf

import httptools
from headcount_wire import limits
from headcount_wire.problems import Problem

from headcount_ingest.answer import CONTINUE, answer
from headcount_ingest.connections import Connections
from headcount_ingest.edge import Edge
from headcount_ingest.exchange import Exchange
from headcount_ingest.head import FIELDS, FORWARDED, FRAMING, Head, path_of
from headcount_ingest.outcomes import Gone, Refused
from headcount_ingest.turns import REQUESTS_A_TURN, end_of

HEAD_BYTES = 16 * 1024
"""A request's target and header lines together; each line counts 64 bytes more than it has."""
LINE_BYTES = 64
FRAMED_BYTES = 8 * limits.BODY_BYTES
"""A body with all that frames it: chunk sizes, extensions, trailers; and what is thrown away behind a refusal."""
CHUNKED = b"chunked"
UNDER_WAY_MOST = 64
"""Requests of one connection that wait for an answer before no more of them is read."""


VERSIONS = frozenset({"1.0", "1.1"})
CLOSING = frozenset(
    {Problem.KEY_MISSING, Problem.KEY_UNKNOWN, Problem.KEY_REVOKED, Problem.NOT_FOUND, Problem.METHOD, Problem.RATE}
)
"""Refusals behind which a client, no proxy, has to connect again: there is nothing for it to go on with."""


class _BadHead(Exception):
    """A head beyond its bounds, without one host, or in a coding of which no end is known."""


class _Rest:
    """A body whose head was read before, as the parser tells it; nothing else is read of it."""

    def __init__(self, connection: Connection) -> None:
        self.on_body = connection.on_body
        self.on_message_complete = connection.on_message_complete


class Connection:
    """A client's connection; ``AsProtocol`` hands on what the loop says.

    ``deadline``: when to call ``out_of_time``, by the loop's time. ``client``: the group of its address; empty for a
    trusted proxy, who speaks for many.
    """

    def __init__(self, edge: Edge, connections: Connections) -> None:
        self._edge = edge
        self._all = connections
        self._time = asyncio.get_running_loop().time
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpRequestParser | None = None
        self._peer: Callable[[bytes], str] = str
        self._exchanges: deque[Exchange] = deque()
        self._reading = False
        self._paused = False
        self._unread = False
        self._leaving = False
        self._left = b""
        self._in_line = False
        self._moves = 0  # how many requests have begun, and how many have ended
        self._new_head()
        self.client = ""
        self.deadline = inf

    # ---- what the loop says (``as_protocol.py``)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there; of the address only its rate group is kept."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        self._peer = self._edge.rates.peer(address)
        self.client = self._edge.rates.client(address)
        self._parser = httptools.HttpRequestParser(self)
        self._all.add(self)
        self._until(self._edge.settings.idle_seconds)
        if not self._all.place(self, self._time()):
            self._refuse(self._edge.gate.overloaded(self.client))
            if not self._all.have_time:
                transport.close()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where its next bytes go: they are taken out before any other connection is read."""
        return self._all.received

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came: every request that they complete goes its way."""
        if self._leaving or self._parser is None:
            self._throw_away(nbytes)
            return
        data = self._all.received[:nbytes].tobytes()
        if not self._exchanges and not self._head_bytes and self._edge.gate.full(self._edge.waits):
            # Unread: a refusal that costs as much as a report helps nobody.
            self._refuse(self._edge.gate.overloaded(self.client))
        elif self._left:  # it was asked to wait, and these were under way already
            self._put_off(data)
        else:
            self._read(data, 1)

    def go_on(self) -> None:
        """It is its turn again (``turns.py``)."""
        self._in_line = False
        if data := self._forget():
            self._read(data, REQUESTS_A_TURN)

    def eof_received(self) -> bool:
        """The client sends no more; it may still be waiting for answers."""
        if not self._exchanges or not self._exchanges[-1].arrived:
            return False
        self._exchanges[-1].last = True
        return self._transport is not None and self._transport.get_extra_info("sslcontext") is None

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more. What waits for the disk is finished and counted; a half-sent body is not."""
        self._all.discard(self)
        self._forget()
        self._transport, self._parser, self._leaving = None, None, True
        for exchange in tuple(self._exchanges):
            exchange.body.cut(Gone())
        self._exchanges.clear()

    def pause_writing(self) -> None:
        """The client reads no answers: then nothing more is read of it."""
        self._unread = True
        self._balance()

    def resume_writing(self) -> None:
        """It reads again."""
        self._unread = False
        self._balance()

    # ---- what the parser says

    def on_message_begin(self) -> None:
        """A request begins."""
        self._moves += 1
        self._held = 0

    def on_url(self, part: bytes) -> None:
        """A piece of its target."""
        self._head_bytes += len(part)
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line. What is not declared is dropped here."""
        self._head_bytes += len(name) + len(value) + LINE_BYTES
        name = name.lower()
        if name not in FIELDS or self._in_body:  # in a body it is a trailer
            self._hosts += name == b"host"
            return
        before = self._fields.get(name)
        if before is None:
            self._fields[name] = value
        elif name == FORWARDED:
            self._fields[name] = before + b"," + value

    def on_headers_complete(self) -> None:
        """The head is whole: the path begins, and its body is awaited."""
        parser = self._parser
        assert parser is not None
        version = parser.get_http_version()
        if self._head_bytes > HEAD_BYTES or version not in VERSIONS or (self._exchanges and self._exchanges[-1].last):
            raise _BadHead
        if self._hosts != 1 and (self._hosts or version == "1.1"):
            raise _BadHead
        coding = self._fields.get(b"transfer-encoding")
        if coding is not None and (coding.lower() != CHUNKED or version == "1.0"):  # 1.0 knows no chunks
            raise _BadHead
        self._in_body = True
        self._all.busy(self)
        head = Head(
            parser.get_method(), path_of(self._target), self._fields, self._peer(self._fields.get(FORWARDED, b""))
        )
        exchange = Exchange(self._edge, last=not parser.should_keep_alive(), bare=head.method == b"HEAD")
        self._exchanges.append(exchange)
        exchange.begin(head, self._over)
        if self.client and isinstance(exchange.outcome, Refused) and exchange.outcome.problem in CLOSING:
            exchange.last = True
        if exchange.body.wanted:
            self._until(self._edge.settings.body_seconds)
            asked = self._fields.get(b"expect", b"").lower() == b"100-continue"
            expected = asked and version == "1.1"  # an older client does not know that answer
            if expected and len(self._exchanges) == 1 and self._transport is not None:
                self._transport.write(CONTINUE)

    def on_body(self, chunk: bytes) -> None:
        """A piece of the body."""
        self._exchanges[-1].body.feed(chunk)

    def on_message_complete(self) -> None:
        """The request is whole: it goes on to the disk, and the next one may begin."""
        exchange = self._exchanges[-1]
        if self._parser is not None and self._parser.should_upgrade() and exchange.body.wanted:
            return  # llhttp leaves the body unread: ``_read_on`` reads it
        self._moves += 1
        exchange.arrived = True
        self._new_head()
        self.deadline = inf
        if exchange.body.end():
            self._edge.batch.add(exchange.body.hand_over)

    # ---- what becomes of it

    def out_of_time(self) -> None:
        """The deadline has passed: a head or a body did not come, or a client did not leave."""
        if self._exchanges and self._exchanges[-1].body.wanted:
            self._exchanges[-1].body.cut(Refused(Problem.SLOW_BODY))
        elif self._transport is not None and not self._leaving:
            self._all.busy(self)
            self._leaving, self._parser = True, None
            self._forget()
            self._transport.close()
            self._until(self._edge.settings.lingering_seconds)
        else:
            self.abort()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    def drain(self) -> None:
        """The worker is stopping: leave now, or with the last answer."""
        if self._exchanges:
            self._exchanges[-1].last = True
        elif self._transport is not None and not self._leaving:
            if self._target:  # a head is under way: it has a moment to come, and is told 503
                self._until(self._edge.settings.lingering_seconds)
            else:
                self._transport.close()

    def _read(self, data: bytes, requests: int) -> None:
        """Read so many requests at most; the rest waits for its turn."""
        assert self._parser is not None
        end = end_of(data, requests)
        self._reading, moves = True, self._moves
        try:
            self._parser.feed_data(data if end == len(data) else data[:end])
            if moves == self._moves:
                self._hold(end)
        except httptools.HttpParserUpgrade as upgrade:  # answered like any other, and then it is over
            self._exchanges[-1].last = True
            self._read_on(data[upgrade.args[0] :])
            end = len(data)
        except (httptools.HttpParserError, _BadHead):
            self._edge.rates.address(self._peer(b""))
            self._refuse(Refused(Problem.BAD_HTTP))
        finally:
            self._reading = False
        if end < len(data):
            self._put_off(data[end:])
        self._answer()
        if self._left or self._paused or len(self._exchanges) > UNDER_WAY_MOST:
            self._balance()

    def _put_off(self, data: bytes) -> None:
        """Have what came too soon wait, while there is room for it."""
        if self._parser is None or self._leaving:
            return
        if self._all.turns.hold(len(data)):
            self._left += data
        else:
            self._refuse(self._edge.gate.overloaded(self.client))

    def _forget(self) -> bytes:
        """What waited for its turn, and waits no more."""
        data, self._left = self._left, b""
        self._all.turns.held -= len(data)
        return data

    def _read_on(self, data: bytes) -> None:
        """Read the body behind a head that offers another protocol: the offer is declined, the report is not."""
        if not self._exchanges[-1].body.wanted:
            return
        self._parser = httptools.HttpRequestParser(_Rest(self))
        framing = [b"%b: %b\r\n" % (name, self._fields[name]) for name in FRAMING if name in self._fields]
        try:
            self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % b"".join(framing))
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # what comes behind it is another request, and not answered
            self._parser = None
        except httptools.HttpParserError:
            self._refuse(Refused(Problem.BAD_HTTP))

    def _over(self) -> None:
        """A request is over: its answer goes out with those of all that are over now."""
        if not self._reading:  # else it is looked at when that is through
            self._edge.batch.add(self._answer)

    def _answer(self) -> None:
        """Write every answer whose turn it is."""
        if self._reading or self._leaving or not self._exchanges:  # while reading: once, when it is through
            return
        parts: list[bytes] = []
        last = False
        while self._exchanges and not last:
            exchange = self._exchanges[0]
            outcome = exchange.outcome
            if outcome is None:
                break
            self._exchanges.popleft()
            # Behind a body that is not whole there is no finding the next request.
            last = exchange.last or not exchange.arrived or (self._edge.gate.draining and not self._exchanges)
            parts.append(answer(outcome, self._edge.clock.now(), last=last, bare=exchange.bare))
        if self._transport is None or not parts:
            return
        self._transport.write(b"".join(parts))
        if last:
            self._leave()
        elif not self._exchanges:
            self._until(self._edge.settings.idle_seconds)
            self._all.idle(self, self._time())
        if self._left or self._paused:
            self._balance()

    def _refuse(self, outcome: Refused) -> None:
        """Take nothing more: what was being read gets this outcome, or else the bytes behind the last request do."""
        self._parser = None
        self._forget()
        current = self._exchanges[-1] if self._exchanges else None
        if current is not None and not current.arrived:
            current.body.cut(outcome)
        elif current is None or not current.last:
            self._exchanges.append(Exchange.refused(self._edge, outcome))
        self._answer()

    def _leave(self) -> None:
        """Send what is to be sent and close; what still comes is read for a moment, so that the answer arrives."""
        assert self._transport is not None
        self._all.busy(self)
        self._leaving, self._parser = True, None
        self._forget()
        for exchange in self._exchanges:
            exchange.body.cut(Gone())
        self._exchanges.clear()
        self._balance()
        if not self._transport.can_write_eof():
            self._transport.close()
            return
        try:
            self._transport.write_eof()
        except OSError:  # the client has closed: its reset came back while the answer was written
            self.abort()
        else:
            self._until(self._edge.settings.lingering_seconds)

    def _throw_away(self, size: int) -> None:
        """Bound what is read of a client that has had its answer and goes on sending."""
        self._held += size
        if self._held > FRAMED_BYTES:
            self.abort()

    def _until(self, seconds: float) -> None:
        self.deadline = self._time() + seconds

    def _balance(self) -> None:
        """Read no more than can be answered, and than is being read of the answers."""
        full = self._unread or len(self._exchanges) > UNDER_WAY_MOST
        if self._left and not full and not self._in_line:
            self._in_line = True
            self._all.turns.wait(self)
        pause = (full or bool(self._left)) and not self._leaving
        if self._transport is not None and pause is not self._paused:
            self._paused = pause
            self._transport.pause_reading() if pause else self._transport.resume_reading()

    def _new_head(self) -> None:
        self._target = b""
        self._fields: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._hosts = 0
        self._held = 0
        self._in_body = False

    def _hold(self, size: int) -> None:
        """Bound what the parser holds of a line, a chunk's frame or a trailer that does not end."""
        self._held += size
        if self._held > (FRAMED_BYTES if self._in_body else HEAD_BYTES):
            raise _BadHead

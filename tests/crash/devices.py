"""Devices under load: many connections, lost answers, cut bodies, retries that reach another worker."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

from tests.crash.ledger import Ledger, Sent

CUT_BODY, DROP_ANSWER, GIVE_UP = 0.01, 0.03, 0.1
"""How often a connection is closed in a body, or before the answer; and how often such a report is given up."""
REPEAT_NOW, REPEAT_OLD = 0.02, 0.04
"""How often an acknowledged report is sent once more: at once, or an old one."""
NEW_CONNECTION = 0.05
ANSWER_SECONDS = 30.0


class HungUp(Exception):
    """The device closed the connection before it had read an answer."""


class Device:
    """One device after another, on one connection at a time; each report is sent until it is acknowledged.

    ``up`` returns when somebody serves on the port.
    """

    def __init__(
        self, port: int, key: str, ledger: Ledger, draw: random.Random, up: Callable[[], Awaitable[object]]
    ) -> None:
        self._port = port
        self._key = key
        self._ledger = ledger
        self._draw = draw
        self._up = up
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._old: list[Sent] = []

    async def report_until(self, over: asyncio.Event) -> None:
        """Send reports until told to stop; the last one is sent to its end."""
        while not over.is_set():
            sent = self._ledger.new(self._draw)
            if not await self._deliver(sent, careless=True):
                continue
            self._old.append(sent)
            if self._draw.random() < REPEAT_NOW:
                await self.repeat(sent)
            if self._draw.random() < REPEAT_OLD:
                await self.repeat(self._draw.choice(self._old[-2000:]))
        self._hang_up()

    async def repeat(self, sent: Sent) -> None:
        """Send a report once more that was acknowledged, on a connection of its own."""
        self._hang_up()
        self._ledger.repeats += 1
        await self._deliver(sent, careless=False)
        self._hang_up()

    async def _deliver(self, sent: Sent, *, careless: bool) -> bool:
        """Whether a report was acknowledged; ``False``: it was given up."""
        while True:
            try:
                status = await asyncio.wait_for(self._post(sent, careless), ANSWER_SECONDS)
            except HungUp:
                self._hang_up()
                self._ledger.hung_up += 1
                if self._draw.random() < GIVE_UP:
                    return False
                continue
            except OSError:
                self._hang_up()
                self._ledger.cut_off += 1
                await self._up()
                continue
            self._ledger.answers[status] += 1
            self._ledger.answered.set()
            if status == 202:
                self._ledger.acknowledged.add(bytes.fromhex(sent.report_id))
                return True

    async def _post(self, sent: Sent, careless: bool) -> int:
        if self._line is None or self._draw.random() < NEW_CONNECTION:
            self._hang_up()
            self._line = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._line
        request = (
            f"POST /v1/reports/{sent.report_id} HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer {self._key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(sent.body)}\r\n\r\n"
        ).encode() + sent.body
        fate = self._draw.random() if careless else 1.0
        if fate < CUT_BODY:
            writer.write(request[: -self._draw.randint(1, len(sent.body))])
            raise HungUp
        writer.write(request)
        if fate < CUT_BODY + DROP_ANSWER:
            if self._draw.random() < 0.5:
                await writer.drain()
            raise HungUp
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head[9:12])
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
        except asyncio.IncompleteReadError:
            raise ConnectionResetError from None
        if b"\nconnection: close" in head.lower():
            self._hang_up()
        return status

    def _hang_up(self) -> None:
        if self._line is not None:
            with contextlib.suppress(RuntimeError):
                self._line[1].close()
            self._line = None

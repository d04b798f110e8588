"""What nobody should send, and what an edge should answer: the closed list, and who sends it."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from headcount_wire.app_key import new_key
from headcount_wire.codec import JSON

from headcount.loadgen.account import Account
from headcount.loadgen.bodies import Reports
from headcount.loadgen.target import Target

AT_ONCE = 64
"""Connections that hostile clients hold at most."""
PATIENCE_SECONDS = 20.0
LOOK_SECONDS = 0.1
BOMB_BYTES = 32 * 1024 * 1024
LARGE_BYTES = 70 * 1024


@dataclass(frozen=True, slots=True)
class HostileKind:
    """A sentence, and the statuses that are meant for it; none at all means that no answer is due."""

    sentence: str
    meant: tuple[int, ...] = ()


class Hostile(Enum):
    """Everything that nobody should send."""

    GARBAGE = HostileKind("Bytes that are no HTTP.", (400,))
    NOT_A_REPORT = HostileKind("A body that is no report.", (400,))
    BOMB = HostileKind("A small body that swells to 32 MB.", (400, 413))
    TOO_LARGE = HostileKind("A body larger than a report may be.", (413,))
    KEY_MISSING = HostileKind("A report without an app key.", (401,))
    KEY_UNKNOWN = HostileKind("A report under a key that nobody gave out.", (401,))
    BAD_ID = HostileKind("A report under an id that is none.", (400,))
    MEDIA = HostileKind("A report that says it is a picture.", (415,))
    NOWHERE = HostileKind("An address that is not there.", (404,))
    REPLAY = HostileKind("A report that was accepted before, once more: it is accepted and not counted.", (202,))
    HALF = HostileKind("Half a report, and then nobody.")
    SLOW = HostileKind("A body that stops coming.", (408,))

    @property
    def sentence(self) -> str:
        """What it is, for people."""
        return self.value.sentence

    @property
    def meant(self) -> tuple[int, ...]:
        """The statuses that are meant for it."""
        return self.value.meant

    @property
    def slug(self) -> str:
        """As it stands in the account."""
        return self.name.lower()


KINDS = tuple(Hostile)


class Crowd:
    """Hostile clients, each with a connection of its own; ``replay`` gives a request that was accepted, if any was."""

    def __init__(
        self,
        target: Target,
        tls: ssl.SSLContext | None,
        reports: Reports,
        account: Account,
        replay: Callable[[], bytes | None],
    ) -> None:
        self._target = target
        self._tls = tls
        self._reports = reports
        self._account = account
        self._replay = replay
        self._bomb = gzip.compress(b" " * BOMB_BYTES, 9)
        self._at = 0
        self._clients: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> int:
        """How many are under way."""
        return len(self._clients)

    def send(self) -> None:
        """Send the next kind, unless so many are under way that one more would only cost the load generator."""
        if self.busy >= AT_ONCE:
            return
        kind = KINDS[self._at % len(KINDS)]
        self._at += 1
        data = self._bytes(kind)
        if data is None:
            return
        self._account.hostile[kind.slug] += 1
        task = asyncio.get_running_loop().create_task(self._one(kind, data))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def finish(self, stopping: Callable[[], bool]) -> None:
        """Wait for those under way: each ends by its own patience, or at once when somebody wants it to end."""
        while self._clients and not stopping():
            await asyncio.wait(set(self._clients), timeout=LOOK_SECONDS)
        await asyncio.sleep(0)  # who has just been sent has begun
        for client in set(self._clients):
            client.cancel()
        if self._clients:
            await asyncio.wait(set(self._clients))

    async def _one(self, kind: Hostile, data: bytes) -> None:
        status = 0
        written = False
        with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.CancelledError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                name = self._target.host if self._tls else None
                reader, writer = await asyncio.open_connection(
                    self._target.address, self._target.port, ssl=self._tls, server_hostname=name
                )
                try:
                    writer.write(data)
                    written = True
                    with contextlib.suppress(ConnectionError):
                        await writer.drain()
                    if kind.meant:
                        status = int((await reader.read(16))[9:12] or b"0")
                finally:
                    writer.close()
        self._judge(kind, status, written=written)

    def _judge(self, kind: Hostile, status: int, *, written: bool) -> None:
        account, slug = self._account, kind.slug
        account.hostile_accepted += status == 202
        if status in kind.meant or not kind.meant:
            account.as_meant[slug] += 1
        elif status:
            account.otherwise[f"{slug}: {status}"] += 1
        else:
            account.hostile_silence[slug] += 1
            account.hostile_unanswered += written and kind is Hostile.REPLAY

    def _bytes(self, kind: Hostile) -> bytes | None:
        request, said = self._reports.request, self._reports.any_body
        new = secrets.token_hex(16)
        match kind:
            case Hostile.GARBAGE:
                return b"\x16\x03\x01 what is this\r\n\r\n"
            case Hostile.NOT_A_REPORT:
                return request(new, JSON, gzip.compress(b'{"events":[{"user":"me"}]}'))
            case Hostile.BOMB:
                return request(new, JSON, self._bomb)
            case Hostile.TOO_LARGE:
                return request(new, JSON, secrets.token_bytes(LARGE_BYTES))
            case Hostile.KEY_MISSING:
                return request(new, said.media, said.body, "").replace(b"Authorization: Bearer \r\n", b"")
            case Hostile.KEY_UNKNOWN:
                return request(new, said.media, said.body, new_key("live"))
            case Hostile.BAD_ID:
                return request("me-again", said.media, said.body)
            case Hostile.MEDIA:
                return request(new, "image/png", said.body)
            case Hostile.NOWHERE:
                return request(new, said.media, said.body).replace(b"/v1/reports/", b"/v1/events/", 1)
            case Hostile.REPLAY:
                return self._replay()
            case Hostile.HALF | Hostile.SLOW:
                whole = request(new, said.media, said.body)
                return whole[: -len(said.body) // 2]

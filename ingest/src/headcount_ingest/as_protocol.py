"""A connection as the event loop calls it: a protocol that fills a buffer. It only hands on."""

from __future__ import annotations

import asyncio

from headcount_ingest.connection import Connection


class AsProtocol(asyncio.BufferedProtocol):
    """Hands on what the loop says. It stands apart, since a class of a compiled module cannot be a loop's protocol."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there."""
        self._connection.connection_made(transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        return self._connection.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes came."""
        self._connection.buffer_updated(nbytes)

    def eof_received(self) -> bool:
        """The client sends no more; whether the connection stays open for answers."""
        return self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads no answers."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """It reads again."""
        self._connection.resume_writing()

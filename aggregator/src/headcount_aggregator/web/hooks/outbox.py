"""Messages on their way: each is a file from the moment it was made until it was delivered or given up.

A message has a name that says what it is about, and is made once: when its file goes, a mark with its name stays, so
that neither a restart nor a late answer sends it again. What was delivered leaves no content behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

KEPT_SECONDS = 60 * 86_400.0
"""How long it is remembered that a message was sent; nothing older is made again, since it is about the newest days."""


class Message(msgspec.Struct, frozen=True):
    """What is sent to one webhook of one Customer's app. ``made`` and ``due``: moments; ``tries``: how often tried."""

    webhook: str
    name: str
    customer: str
    app: str
    made: float
    due: float
    tries: int
    body: msgspec.Raw


class Outbox:
    """The folder of messages. One process writes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, message: Message) -> bool:
        """Put a new message in; false when one of this name was made before."""
        waiting, over = self._waiting(message.webhook, message.name), self._over(message.webhook, message.name)
        if waiting.exists() or over.exists():
            return False
        self._write(waiting, msgspec.json.encode(message))
        return True

    def due(self, now: float) -> Iterator[Message]:
        """The messages that are to be tried now, the oldest first; a file that is none is passed over."""
        found: list[Message] = []
        for path in self._folder.glob("*/*.json") if self._folder.is_dir() else ():
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Message))
            except (OSError, msgspec.MsgspecError):
                continue
        yield from sorted((message for message in found if message.due <= now), key=lambda message: message.made)

    def again(self, message: Message, due: float) -> None:
        """Try a message again at a later moment."""
        later = msgspec.structs.replace(message, due=due, tries=message.tries + 1)
        self._write(self._waiting(message.webhook, message.name), msgspec.json.encode(later))

    def end(self, message: Message, now: float, outcome: str) -> None:
        """A message is over: its content goes, a mark stays."""
        over = self._over(message.webhook, message.name)
        self._write(over, msgspec.json.encode({"at": now, "outcome": outcome}))
        self._waiting(message.webhook, message.name).unlink(missing_ok=True)

    def forget(self, now: float) -> None:
        """Remove marks that are older than anything that could be made again."""
        for path in self._folder.glob("*/*.over") if self._folder.is_dir() else ():
            if now - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink(missing_ok=True)

    def _waiting(self, webhook: str, name: str) -> Path:
        return self._folder / webhook / f"{name}.json"

    def _over(self, webhook: str, name: str) -> Path:
        return self._folder / webhook / f"{name}.over"

    def _write(self, path: Path, data: bytes) -> None:
        """Write a file whole and synced, name included."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(".tmp")
        descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        try:
            os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

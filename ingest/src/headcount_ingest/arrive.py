"""The third step: a bounded body off the socket, for a key that is known.

Every byte that has arrived takes room (``gate.py``); what was only announced takes none, so that
bodies which never come keep no report out.
"""

from __future__ import annotations

from typing import Final

from headcount_wire import limits
from headcount_wire.problems import Problem

from headcount_ingest.authenticate import Authentic, still_stands
from headcount_ingest.gate import Room
from headcount_ingest.keyring import Keyring
from headcount_ingest.outcomes import Gone, Refused
from headcount_ingest.terms import Account
from headcount_ingest.waiting import Waits

CHUNKS_MOST = 64
"""Pieces of a body that are held apart: one of two bytes takes more than twenty times as much as it counts."""


class Arrived:
    """A whole body with the account it came under."""

    __slots__ = ("account", "body", "coding", "media", "report_id")

    def __init__(self, report_id: bytes, account: Account, media: str, coding: str, body: bytes) -> None:
        self.report_id: Final = report_id
        self.account: Final = account
        self.media: Final = media
        self.coding: Final = coding
        self.body: Final = body


class Body:
    """A request's body on its way in. Nothing of it is kept before somebody has asked for it and found room."""

    __slots__ = ("_arrived", "_chunks", "_room", "_size", "_whole")

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._arrived = False
        self._room: Room | None = None
        self._whole: Waits[bytes | Refused | Gone] = Waits()

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for more of it."""
        return self._room is not None and not self._arrived and not self._whole.ready

    def whole(self, room: Room) -> Waits[bytes | Refused | Gone]:
        """All of it, once it is there; what arrives from now on takes ``room``."""
        self._room = room
        room.comes(self.cut)
        return self._whole

    def feed(self, chunk: bytes) -> None:
        """Some of it has arrived."""
        if self._room is None or self._whole.ready:
            return
        self._size += len(chunk)
        if self._size > limits.BODY_BYTES:
            self.cut(Refused(Problem.TOO_LARGE))
        elif refused := self._room.grow(len(chunk)):
            self.cut(refused)
        else:
            if len(self._chunks) == CHUNKS_MOST:
                self._chunks = [b"".join(self._chunks)]
            self._chunks.append(chunk)

    def end(self) -> bool:
        """All of it has arrived: nothing cuts it any more. Whether somebody waits for it, and is to be handed it."""
        if not self.wanted:
            return False
        assert self._room is not None
        self._arrived = True
        self._room.whole()
        return True

    def hand_over(self) -> None:
        """Give all of it to who waits for it."""
        chunks, self._chunks = self._chunks, []
        self._whole.hand_over(chunks[0] if len(chunks) == 1 else b"".join(chunks))

    def cut(self, outcome: Refused | Gone) -> None:
        """No more of it is taken."""
        if not self._arrived:
            self._chunks = []
            self._whole.hand_over(outcome)


def arrive(authentic: Authentic, whole: bytes | Refused | Gone, keyring: Keyring) -> Arrived | Refused | Gone:
    """A request's body, once it is over, with what its key stands for; or why there is none.

    What its key stands for may have changed meanwhile: what counts is what is declared when the body is whole.
    """
    if not isinstance(whole, bytes):
        return whole
    account = still_stands(authentic.account, keyring)
    if isinstance(account, Refused):
        return account
    return Arrived(authentic.report_id, account, authentic.media, authentic.coding, whole)

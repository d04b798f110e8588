"""What was recorded since the last checkpoint: an append-only log in mapped memory.

An entry costs no system call and survives SIGKILL of the app right after it is written, since
the pages belong to the system. (A power cut can lose the last seconds; the checkpoint is synced.)
Each entry carries the generation of the checkpoint it follows: a new checkpoint makes all
entries before it void at once, without touching them.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from headcount_sdk.storage import Storage

FILE = "journal"
_ENTRY = struct.Struct("<IHHHBBHI")
_CRC = struct.Struct("<I")
ENTRY_BYTES = _ENTRY.size + _CRC.size
CAPACITY = 4096
FILE_BYTES = ENTRY_BYTES * CAPACITY
AMOUNT_MAX = 2**32 - 1


class Note(IntEnum):
    """Entries that are the device's own and never leave it; they stand where other entries have a fact.

    ``STEP``: a step of a funnel was taken (slot: which, amount: the minute, by the wall clock, since 1970).
    ``OPEN``: a session is under way in the foreground. ``AWAY``: it went to the background (amount: its
    length so far in seconds). ``OVER``: it ended and is tallied.
    """

    STEP = 200
    OPEN = 201
    AWAY = 202
    OVER = 203


class Entry(NamedTuple):
    """One thing recorded on a local day: ``amount`` of a fact about a measure, or a note."""

    day: int
    context: int
    measure: int
    label: int
    fact: int
    slot: int
    amount: int


class Journal:
    """The mapped log of one generation. ``damaged``: the file had lost its size; whole entries are still read.

    ``full``: no entry fits any more, it is time for a checkpoint.
    """

    def __init__(self, storage: Storage, generation: int) -> None:
        size = storage.size(FILE)
        self.damaged = size not in (None, FILE_BYTES)
        # What an earlier run left is looked for once: to read the whole map is to hold it all in memory.
        self._unread = bool(size)
        self._map = storage.map(FILE, FILE_BYTES)
        self._generation = generation
        self._next = 0
        self.full = False

    @property
    def empty(self) -> bool:
        """Whether nothing was recorded since the checkpoint."""
        return self._next == 0

    def append(self, day: int, context: int, measure: int, label: int, fact: int, slot: int, amount: int) -> None:
        """Write one entry; it outlives the process from here on."""
        at = self._next * ENTRY_BYTES
        entry = _ENTRY.pack(self._generation, day, context, measure, label, fact, slot, amount)
        self._map[at : at + ENTRY_BYTES] = entry + _CRC.pack(binascii.crc32(entry))
        self._next += 1
        self.full = self._next >= CAPACITY

    def replay(self) -> Iterator[Entry]:
        """The entries of this generation, in order; leaves the journal ready to go on after them."""
        while self._next < CAPACITY:
            at = self._next * ENTRY_BYTES
            entry = self._map[at : at + _ENTRY.size]
            (crc,) = _CRC.unpack_from(self._map, at + _ENTRY.size)
            generation, *fields = _ENTRY.unpack(entry)
            if generation != self._generation or binascii.crc32(entry) != crc:
                return
            self._next += 1
            self.full = self._next >= CAPACITY
            yield Entry(*fields)

    def start(self, generation: int) -> None:
        """Begin a new generation; what the old one held is wiped from the file."""
        used = max(self._next, self._used() if self._unread else 0) * ENTRY_BYTES
        self._map[:used] = bytes(used)
        self._unread = False
        self._generation = generation
        self._next = 0
        self.full = False

    def _used(self) -> int:
        filled = bytes(self._map).rstrip(b"\0")
        return -(-len(filled) // ENTRY_BYTES)

    def close(self) -> None:
        """Unmap the file."""
        self._map.close()

"""Bring an app's index up to its sealed files: each is held against the hash chain before it is let in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from headcount_aggregator.sealed_chain import Pruned, link_of, place_of, pruned_of, record_of
from headcount_aggregator.sealed_file import parse_release
from headcount_aggregator.sealed_index import Indexed, Sealed, SealedIndex, Stamp

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.web")

BATCH_FILES = 64
"""How many files' numbers are in memory at once while an index is made."""


@dataclass(slots=True)
class Kept:
    """What is remembered of an app between looks: the files that are in its index, and those that were refused.

    Who opens an index or makes it anew forgets ``files``: they are what is in this very index.
    """

    codes: tuple[int, int]
    files: dict[str, Indexed] = field(default_factory=dict)
    refused: dict[str, Stamp] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the app's folder."""
        return f"{self.codes[0]}-{self.codes[1]}"


def bring_up(index: SealedIndex, folder: Path, kept: Kept) -> None:
    """Add what was sealed since the last look; make the index anew when a file in it is gone or changed."""
    begins = _begins(folder)
    there = _stamps(folder, begins)
    if there and there == {name: file.stamp for name, file in kept.files.items()}:
        return
    kept.files = index.files()
    kept.refused = {name: stamp for name, stamp in kept.refused.items() if there.get(name) == stamp}
    if not _as_indexed(index, folder, kept, there):
        index.begin_anew()
        kept.files = {}
    new = [name for name in there if name not in kept.files and name not in kept.refused]
    if not new:
        return
    chain = _Chain(folder, list(there), begins)
    for begin in range(0, len(new), BATCH_FILES):
        names = new[begin : begin + BATCH_FILES]
        found = [sealed for name in names if (sealed := _sealed(chain, name, there[name], kept))]
        index.add(found)
    kept.files = index.files()


def _begins(folder: Path) -> Pruned:
    """Where the chain begins: what is before it is kept no longer, and is on its way out."""
    try:
        return pruned_of(folder)
    except (OSError, ValueError):
        return Pruned()


def _stamps(folder: Path, begins: Pruned) -> dict[str, Stamp]:
    """The files that are named as sealed ones and are still kept, in the order of the chain."""
    try:
        with os.scandir(folder) as entries:
            sealed = [entry for entry in entries if entry.name.endswith(".json")]
            found = {entry.name: entry.stat() for entry in sealed if place_of(folder / entry.name) >= begins.place}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {name: Stamp.of(stat) for name, stat in sorted(found.items())}


def _as_indexed(index: SealedIndex, folder: Path, kept: Kept, there: Mapping[str, Stamp]) -> bool:
    """Whether every indexed file is there as it was read; one that was only moved or copied back is."""
    for name, file in kept.files.items():
        stamp = there.get(name)
        if stamp == file.stamp:
            continue
        try:
            if stamp is None or hashlib.sha256((folder / name).read_bytes()).hexdigest() != file.header.hash:
                return False
        except OSError:
            return False
        index.restamp(name, stamp)
    return True


class _Chain:
    """The hash each file of a folder must have: by the record, or by the links of its neighbours."""

    def __init__(self, folder: Path, names: Sequence[str], begins: Pruned) -> None:
        self.folder = folder
        self._before = begins.hash
        self._names = names
        self._place = {name: place for place, name in enumerate(names)}
        try:
            self._record = record_of(folder)
        except (OSError, ValueError):
            self._record = {}

    def hash_of(self, name: str, data: bytes) -> str:
        """The hash a file must have; empty when nothing can be said for it."""
        return self._record.get(name) or self._by_links(name, data)

    def _by_links(self, name: str, data: bytes) -> str:
        """By the file after it; of the newest, its own if it follows the one before it."""
        place = self._place[name]
        if place + 1 < len(self._names) and (named := link_of("", self._read(place + 1)).previous):
            return named
        before = hashlib.sha256(self._read(place - 1)).hexdigest() if place else self._before
        link = link_of(name, data)
        return link.hash if link.previous == before else ""

    def _read(self, place: int) -> bytes:
        return (self.folder / self._names[place]).read_bytes()


def _sealed(chain: _Chain, name: str, stamp: Stamp, kept: Kept) -> Sealed | None:
    """A file that is what was sealed, for this app; else it is remembered as refused, and logged."""
    try:
        data = (chain.folder / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != chain.hash_of(name, data):
            raise ValueError
        header, numbers = parse_release(data)
        if (header.customer, header.app) != kept.codes:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError):
        kept.refused[name] = stamp
        log.error("release_refused", file=f"{kept.name}/{name}", advice="it is not what was sealed")
        return None
    return Sealed(name, stamp, header, numbers)

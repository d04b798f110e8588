"""Is an app's folder of releases what was sealed? Each file names the hash of the one before it.

The links tell that a file in the middle was changed or taken away. What they cannot tell of the
newest ones stands in the *record*, a file ``chain`` beside them: the name and hash of every release,
written by the store when it has sealed them. It guards against damage and mistakes; who may write
the folder can rewrite all of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import orjson

GENESIS = "0" * 64
RECORD = "chain"
PRUNED = "pruned"
"""Says up to which place releases are gone, because their time was over; the next one names the last one's hash."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """Where a chain begins: how many releases are gone, and the hash of the last of them."""

    place: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Link:
    """One sealed file as it is: its hash, and the hash it says the one before it has (``None``: it is damaged)."""

    name: str
    hash: str
    previous: str | None


@dataclass(slots=True)
class Survey:
    """An app's sealed files in order, and a sentence for everything that is wrong with them."""

    links: list[Link] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    recorded: int = 0


def link_of(name: str, data: bytes) -> Link:
    """What a file's bytes say of its place in the chain."""
    try:
        previous = orjson.loads(data)["previous"]
    except (ValueError, KeyError, TypeError):
        previous = None
    return Link(name, hashlib.sha256(data).hexdigest(), previous if isinstance(previous, str) else None)


def pruned_of(folder: Path) -> Pruned:
    """Where an app's chain begins; raises ``ValueError`` when the file that says so is damaged."""
    try:
        place, hash_before = (folder / PRUNED).read_text("ascii").split()
    except FileNotFoundError:
        return Pruned()
    return Pruned(int(place), hash_before)


def sealed_paths(folder: Path) -> list[Path]:
    """An app's sealed files in order, without those that are being removed; raises as ``pruned_of``."""
    first = pruned_of(folder).place
    return [path for path in sorted(folder.glob("*.json")) if place_of(path) >= first]


def place_of(path: Path) -> int:
    """A sealed file's place in its chain, by its name; a name that is none comes last."""
    place = path.name.partition("-")[0]
    return int(place) if place.isdecimal() else 10**6


def hash_of(path: Path) -> str:
    """What the next release must name."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def record_of(folder: Path) -> dict[str, str]:
    """The recorded hash of each release, by file name, in order; empty where there is no record yet.

    Raises ``ValueError`` when the record is none.
    """
    try:
        lines = (folder / RECORD).read_text("ascii").splitlines()
    except FileNotFoundError:
        return {}
    pairs = [(line[: -len(GENESIS) - 1], line[-len(GENESIS) :]) for line in lines]
    if not all(line[-len(GENESIS) - 1 : -len(GENESIS)] == " " for line in lines):
        raise ValueError("the record of the chain is damaged")
    return dict(pairs)


class Surveyor:
    """Looks at chains; a file that did not change since the last look is not read again."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[tuple[int, int, int], Link]] = {}

    def survey(self, folder: Path) -> Survey:
        """Every link of an app's chain, held against the one before it and against the record."""
        found = Survey()
        begins = Pruned()
        try:
            record = record_of(folder)
            begins = pruned_of(folder)
            record = {name: its for name, its in record.items() if place_of(folder / name) >= begins.place}
        except (OSError, ValueError):
            record = {}
            found.faults.append(f"{folder.name}: the record of its releases ({RECORD}, {PRUNED}) cannot be read")
        found.recorded = len(record)
        previous = begins.hash
        altered: list[str] = []
        paths = [path for path in sorted(folder.glob("*.json")) if place_of(path) >= begins.place]
        for place, path in enumerate(paths, begins.place):
            link = self._link(path)
            found.links.append(link)
            if link.previous is None:
                found.faults.append(f"{folder.name}: {path.name} cannot be read, or is no release")
            elif link.previous != previous or not path.name.startswith(f"{place:06d}-"):
                found.faults.append(f"{folder.name}: {path.name} does not follow the release before it")
            if record.get(path.name, link.hash) != link.hash:
                altered.append(f"{folder.name}: {path.name} is not as it was sealed")
            previous = link.hash
        there = {link.name for link in found.links}
        gone = [f"{folder.name}: {name} was sealed and is not there" for name in record if name not in there]
        found.faults += altered + gone
        return found

    def _link(self, path: Path) -> Link:
        try:
            stat = path.stat()
            stamp = (stat.st_ctime_ns, stat.st_size, stat.st_ino)
            seen = self._seen.get(path)
            if seen is None or seen[0] != stamp:
                seen = self._seen[path] = (stamp, link_of(path.name, path.read_bytes()))
        except OSError:
            return Link(path.name, "", None)
        return seen[1]


def verify(folder: Path) -> int:
    """Walk one app's chain; returns its length, raises ``ValueError`` with the first thing that is wrong."""
    found = Surveyor().survey(folder)
    if found.faults:
        raise ValueError(found.faults[0])
    return len(found.links)

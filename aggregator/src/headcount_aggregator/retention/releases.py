"""Releases that go: the oldest of a chain, up to a place. Before them the chain then begins with what they left.

A file ``pruned`` says up to which place they are gone, and the hash of the last of them: the next one names it. It is
written before the first file goes; whoever finds a file before that place takes it for gone, and removes it.
"""

from __future__ import annotations

from pathlib import Path

from headcount_aggregator import debug_counts
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.sealed_chain import PRUNED, Pruned, hash_of, place_of, pruned_of, sealed_paths


def folders(releases: Path, customer: int) -> list[Path]:
    """The folders of a Customer's apps."""
    found = releases.glob(f"{int(customer)}-*") if releases.is_dir() else ()
    return sorted(path for path in found if path.is_dir())


def over(folder: Path, kept_from: int) -> Pruned | None:
    """Up to where a chain's releases speak only of days before the first that is kept; ``None``: nowhere new.

    Places follow the freeze, so a long period that ended before stays until the days sealed ahead of it are over too.
    """
    last: Path | None = None
    for path in sorted(folder.glob("*.json")):
        if int(path.stem.split("-")[-1]) >= kept_from:
            break
        last = path
    if last is None:
        return None
    pruned = pruned_of(folder)
    if place_of(last) < pruned.place:
        return pruned
    return Pruned(place_of(last) + 1, hash_of(last))


def is_pruned(folder: Path, through: Pruned) -> bool:
    """Whether a folder says so already."""
    return pruned_of(folder).place >= through.place


def prune(folder: Path, through: Pruned, disk: Disk) -> None:
    """Let a chain begin at a place, and remove what is before it."""
    if not is_pruned(folder, through):
        temporary = folder / f"{PRUNED}.tmp"
        disk.write(temporary, f"{through.place} {through.hash}\n".encode("ascii"))
        disk.rename(temporary, folder / PRUNED)
    kept = set(sealed_paths(folder))
    for path in sorted(folder.glob("*.json")):
        if path not in kept:
            disk.remove(path)
    disk.sync(folder)


def are_gone(releases: Path, customer: int, what: str) -> bool:
    """Whether no release up to a noted place (``folder/place``) is left."""
    name, _, place = what.partition("/")
    folder = releases / name
    return name.startswith(f"{customer}-") and all(place_of(path) > int(place) for path in folder.glob("*.json"))


def remove_all(releases: Path, customer: int, away: Path, disk: Disk) -> None:
    """Remove everything that can be read of a Customer: releases, provisional totals, debug counts.

    A folder is moved away (``away``: a folder on the same disk) before its files go: nobody sees half a chain.
    """
    away.mkdir(parents=True, exist_ok=True, mode=0o700)
    for folder in folders(releases, customer):
        disk.rename(folder, away / folder.name)
        disk.sync(releases)
    for folder in folders(away, customer):
        for path in sorted(folder.iterdir()):
            disk.remove(path)
        folder.rmdir()
    debug = releases / debug_counts.FOLDER
    for path in sorted(debug.glob(f"{int(customer)}-*")) if debug.is_dir() else ():
        disk.remove(path)
    disk.sync(away)

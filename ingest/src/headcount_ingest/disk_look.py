"""What the disk holds of one worker, and what is free on it: looked up beside the answers, never for one.

A look runs in a thread, once a second; answers, readiness and metrics read what the last one found.
Between two looks as much can be written as the disk takes in a second: the floor leaves room for that.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from headcount_ingest.settings import EdgeSettings

SILENT_SECONDS = 5.0
SEALED, OPEN, SET_ASIDE = (".seg", ".orphan"), ".open", ".bad"
BEGUN_DIGITS = 20
"""A segment's name begins with the moment it was begun, in nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one look saw: bytes free for this user, segments and their bytes, files set aside.

    ``oldest``: when the oldest sealed segment was begun, in seconds since 1970; ``None`` without one.
    """

    free: int = 0
    open_segments: int = 0
    open_bytes: int = 0
    sealed_segments: int = 0
    sealed_bytes: int = 0
    set_aside: int = 0
    oldest: float | None = None


class DiskLook:
    """The latest look at one worker's folder. ``floor``: least bytes free; ``most``: bytes of segments.

    ``low``, ``full``: whether the last look found less free than the floor, or as many bytes as may
    wait for the loader. ``silent``: whether a look is under way that the disk does not answer.
    """

    def __init__(self, folder: Path, floor: int, most: int, seconds: float) -> None:
        self._folder = folder
        self._floor = floor
        self._most = most
        self._seconds = seconds
        self._sizes: dict[str, int] = {}
        self._over = asyncio.Event()
        self.found = Found()
        self.low = self.full = self.silent = False

    @classmethod
    def of(cls, settings: EdgeSettings) -> DiskLook:
        """A worker's, with its first look taken."""
        folder = settings.spool / settings.worker
        found = cls(folder, settings.disk_floor_bytes, settings.spool_bytes, settings.look_seconds)
        found.look()
        return found

    def look(self) -> None:
        """Look once; a folder that is gone has nothing in it, and the spool finds out."""
        try:
            found = self._scan()
        except OSError:
            found = Found(free=self._floor)
        self.found = found
        self.low = found.free < self._floor
        self.full = found.open_bytes + found.sealed_bytes >= self._most

    async def keep(self) -> None:
        """Look again and again until ``end``."""
        while not self._over.is_set():
            looking = asyncio.create_task(asyncio.to_thread(self.look))
            done, _ = await asyncio.wait({looking}, timeout=SILENT_SECONDS)
            self.silent = not done
            await looking
            self.silent = False
            try:
                async with asyncio.timeout(self._seconds):
                    await self._over.wait()
            except TimeoutError:
                continue

    def end(self) -> None:
        """Have ``keep`` return after the look that is under way."""
        self._over.set()

    def _scan(self) -> Found:
        disk = os.statvfs(self._folder)
        sizes: dict[str, int] = {}
        opened: list[int] = []
        set_aside = 0
        with os.scandir(self._folder) as entries:
            for entry in entries:
                suffix = Path(entry.name).suffix
                if suffix == SET_ASIDE:
                    set_aside += 1
                elif suffix == OPEN or suffix in SEALED:
                    try:
                        # A sealed segment never changes: after an outage of hours there are thousands.
                        size = self._sizes.get(entry.name) or entry.stat().st_size
                    except FileNotFoundError:  # the loader was quicker
                        continue
                    if suffix == OPEN:
                        opened.append(size)
                    else:
                        sizes[entry.name] = size
        self._sizes = sizes
        oldest = min((name[:BEGUN_DIGITS] for name in sizes), default="")
        return Found(
            free=disk.f_bavail * disk.f_frsize,
            open_segments=len(opened),
            open_bytes=sum(opened),
            sealed_segments=len(sizes),
            sealed_bytes=sum(sizes.values()),
            set_aside=set_aside,
            oldest=int(oldest) / 1e9 if oldest.isdecimal() else None,
        )

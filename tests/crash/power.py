"""A disk whose power can be cut under the processes that use it: a file with ext4 in it.

What the kernel holds and has not written is gone with the cut, as with a machine's power. The processes are frozen
before: else a sync that races the cut may be told that it succeeded, as no machine without power would tell it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path

from tests.crash.machine import cut_power, make_disk, mount, unmount
from tests.crash.nursery import PATIENCE_SECONDS, Process

MEBIBYTES = 128


class PoweredDisk:
    """The disk, mounted at ``folder`` while it is used as a context manager."""

    def __init__(self, place: Path) -> None:
        self.folder = place / "disk"
        self._image = place / "disk.ext4"

    def __enter__(self) -> PoweredDisk:
        make_disk(self._image, self.folder, MEBIBYTES)
        return self

    def __exit__(self, *_: object) -> None:
        unmount(self.folder)

    async def cut(self, processes: Sequence[Process]) -> None:
        """Cut the power of the disk and of the processes at one moment, and give it back to the disk."""
        for process in processes:
            process.send(signal.SIGSTOP)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not all(stands_still(process) for process in processes):
            assert time.monotonic() < deadline, "a process cannot be frozen"
        cut_power(self.folder)
        for process in processes:
            await process.end()
        unmount(self.folder)
        mount(self._image, self.folder)


def stands_still(process: Process) -> bool:
    """Whether no thread of a process runs or waits for the disk any more."""
    if process.ended.done():
        return True
    for stat in Path(f"/proc/{process.pid}/task").glob("*/stat"):
        try:
            state = stat.read_text("utf-8").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state not in "TtZX":
            return False
    return True

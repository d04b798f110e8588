"""What this machine lets a test do: whether a file can be mounted as a disk, and its power cut."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

_SHUTDOWN, _WITHOUT_THE_LOG = 0x8004587D, 2
UNMOUNT_SECONDS = 20.0


class Refused(Exception):
    """The machine did not let a command do its work; says what it said."""


def run(*command: str) -> None:
    """Run a command of the system's administrator; raises ``Refused``."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except OSError as error:
        raise Refused(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        raise Refused(f"{' '.join(command)}: {done.stderr.strip()}")


def make_disk(image: Path, folder: Path, mebibytes: int) -> None:
    """Make a file with an empty ext4 in it, and mount it; raises ``Refused``."""
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(mebibytes * 2**20)
    run("mkfs.ext4", "-q", "-F", str(image))
    mount(image, folder)


def mount(image: Path, folder: Path) -> None:
    """Mount such a file; raises ``Refused``."""
    run("mount", "-o", "loop", str(image), str(folder))


def unmount(folder: Path) -> None:
    """Unmount it, once nobody looks at it any more; raises ``Refused``."""
    deadline = time.monotonic() + UNMOUNT_SECONDS
    while True:
        try:
            return run("umount", str(folder))
        except Refused:
            if time.monotonic() > deadline:
                raise


def cut_power(folder: Path) -> None:
    """Have a mounted ext4 lose at once whatever is not on its disk; only unmounting is possible then.

    ``FS_IOC_SHUTDOWN`` without a flush of the log (linux: ``fs/ext4/ioctl.c``). Raises ``OSError``.
    """
    disk = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(disk, _SHUTDOWN, struct.pack("I", _WITHOUT_THE_LOG))
    finally:
        os.close(disk)


@cache
def power_cuts() -> int:
    """How often the power is cut: ``HEADCOUNT_POWER_CUTS``, or 20 where a trial says it is possible, and else 0."""
    return int(os.environ.get("HEADCOUNT_POWER_CUTS") or (20 if os.geteuid() == 0 and _trial() else 0))


def _trial() -> bool:
    with tempfile.TemporaryDirectory() as place:
        image, folder = Path(place) / "trial.ext4", Path(place) / "trial"
        try:
            make_disk(image, folder, 4)
        except Refused:
            return False
        try:
            cut_power(folder)
        except OSError:
            return False
        finally:
            unmount(folder)
    return True

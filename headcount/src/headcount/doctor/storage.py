"""Checks of where the house stores: the folder, its file system, room, and whether a sync is one."""

from __future__ import annotations

import os
import secrets
import stat
import time
from pathlib import Path

from headcount.doctor.checks import Check, Result, Verdict, worst
from headcount.settings import Settings

SYNCS = 200
SYNC_BYTES = 16 * 1024
"""About forty reports of one group commit."""
SYNC_PATIENCE_SECONDS = 10.0
SLOW_SECONDS = 0.1
TOO_QUICK_SECONDS = 0.000_02
FILES_LEFT = 10_000

MEMORY = frozenset({"tmpfs", "ramfs", "devtmpfs"})
LAYERED = frozenset({"overlay", "aufs", "unionfs"})
NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "ceph", "glusterfs", "lustre", "afs"})


def data(settings: Settings) -> Result:
    """Whether the data folder can be used, and by its owner alone."""
    folder = nearest(settings.data)
    if not folder.is_dir():
        return Result(Check.DATA, Verdict.FAIL, f"{folder} is no folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        return Result(Check.DATA, Verdict.FAIL, f"{folder} cannot be written")
    if folder != settings.data:
        return Result(Check.DATA, Verdict.OK, f"{settings.data} will be made")
    inside = [folder, *(path for path in (folder / "spool", folder / "units", folder / "releases") if path.is_dir())]
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o077:
        return Result(Check.DATA, Verdict.FAIL, f"{folder} is open to others ({mode:04o})")
    owners = {path.stat().st_uid for path in inside}
    if len(owners) > 1:
        return Result(Check.DATA, Verdict.FAIL, f"{folder} and the folders in it have different owners")
    return Result(Check.DATA, Verdict.OK, f"{folder}, {mode:04o}")


def file_system(settings: Settings) -> Result:
    """Whether the data folder's file system keeps what was synced."""
    kind = kind_of(nearest(settings.data).resolve(), Path("/proc/self/mountinfo"))
    if kind in MEMORY:
        return Result(Check.FILE_SYSTEM, Verdict.FAIL, f"{kind}: what was acknowledged is gone with the power")
    if kind in LAYERED:
        return Result(Check.FILE_SYSTEM, Verdict.WARN, f"{kind}: gone with its container; mount a volume")
    if kind in NETWORK or kind.startswith("fuse"):
        return Result(Check.FILE_SYSTEM, Verdict.WARN, f"{kind}: a server, or a program, decides when it has stored")
    return Result(Check.FILE_SYSTEM, Verdict.OK, kind or "unknown")


def disk_free(settings: Settings) -> Result:
    """Whether there is room above the floor, and for the spools to grow."""
    disk = os.statvfs(nearest(settings.data))
    free = disk.f_bavail * disk.f_frsize
    wanted = settings.disk_floor_bytes + settings.workers * settings.spool_bytes
    faults: list[tuple[Verdict, str]] = []
    if free < settings.disk_floor_bytes:
        faults.append((Verdict.FAIL, f"{free:,} bytes, less than the floor: reports are answered 507"))
    elif free < wanted:
        faults.append((Verdict.WARN, f"{free:,} bytes; floor and spools together may need {wanted:,}"))
    if disk.f_files and disk.f_favail < FILES_LEFT:
        faults.append((Verdict.WARN, f"{disk.f_favail:,} files can be made"))
    return worst(Check.DISK_FREE, faults, f"{free:,} bytes")


def sync(settings: Settings) -> Result:
    """Whether a sync returns, and in a time that a disk needs."""
    try:
        times = sorted(measured(nearest(settings.data)))
    except OSError as error:
        return Result(Check.SYNC, Verdict.FAIL, f"failed ({error.strerror})")
    middle, last = times[len(times) // 2], times[int(len(times) * 0.99)]
    text = f"p50 {middle * 1000:.2f} ms, p99 {last * 1000:.2f} ms ({len(times)} times)"
    if "eatmydata" in os.environ.get("LD_PRELOAD", "") or middle < TOO_QUICK_SECONDS:
        return Result(Check.SYNC, Verdict.WARN, f"{text}: too quick to have reached a disk")
    return Result(Check.SYNC, Verdict.WARN if last > SLOW_SECONDS else Verdict.OK, text)


def measured(folder: Path) -> list[float]:
    """Seconds of each of some group-sized appends with sync, in a file that is gone afterwards."""
    file = folder / f".doctor-{secrets.token_hex(8)}"
    fd = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
    times: list[float] = []
    block = secrets.token_bytes(SYNC_BYTES)
    try:
        ends = time.monotonic() + SYNC_PATIENCE_SECONDS
        while len(times) < SYNCS and time.monotonic() < ends:
            view = memoryview(block)
            began = time.perf_counter()
            while view:
                view = view[os.write(fd, view) :]
            os.fdatasync(fd)
            times.append(time.perf_counter() - began)
    finally:
        os.close(fd)
        file.unlink()
    return times


def nearest(folder: Path) -> Path:
    """The folder, or what there is of the way to it."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def kind_of(path: Path, mounts: Path) -> str:
    """The type of the file system a path lies on, by the kernel's table of mounts; empty where there is none."""
    best, kind = -1, ""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    for line in lines:
        left, _, right = line.partition(" - ")
        point = left.split()[4].encode().decode("unicode_escape")
        # The later of two at one place hides the earlier.
        if path.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), right.split()[0]
    return kind

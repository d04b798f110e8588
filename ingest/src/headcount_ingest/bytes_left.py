"""Reading what an earlier process left in a worker's folder, where anything may lie."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from headcount_wire import segment


def bytes_left(path: Path) -> bytes:
    """What a segment's file holds; raises ``OSError`` also for what can be none.

    A worker that opened a pipe would never begin, and a hole of a terabyte is no file to have in memory.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "this is no file")
        if found.st_size > segment.FILE_BYTES_MOST:
            raise OSError(errno.EFBIG, "this file is larger than a segment")
        with os.fdopen(fd, "rb", closefd=False) as file:
            return file.read(segment.FILE_BYTES_MOST)
    finally:
        os.close(fd)

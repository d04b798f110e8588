"""Structured logs on stderr, of the process that runs the house and of those it runs."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STDERR = 2


class _Lasting(io.RawIOBase):
    """The standard error stream, whose reader may go away: then what is written is lost, and nothing else."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return STDERR

    def write(self, data: ReadableBuffer, /) -> int:
        size = len(memoryview(data))
        try:
            return os.write(STDERR, data)
        except OSError:
            return size


def log_as_json() -> None:
    """One JSON object a line, with its level and its time; a line is one write, as several processes share stderr.

    Everything on stderr, tracebacks included, outlasts its reader from here on. Where somebody has put another
    stream in its place, that stays.
    """
    if _is_stderr():
        lasting = io.BufferedWriter(_Lasting(), buffer_size=64 * 1024)
        sys.stderr = io.TextIOWrapper(lasting, encoding="utf-8", errors="backslashreplace", line_buffering=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,  # which process says it
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
    )


def _is_stderr() -> bool:
    try:
        return sys.stderr.fileno() == STDERR
    except (OSError, ValueError):
        return False

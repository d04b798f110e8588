"""A worker's system calls, watched and made to fail by strace: the calls of the process itself, not of a stand-in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import pytest

from tests.crash.nursery import PATIENCE_SECONDS

MISSING = "strace is not there, and the disk's faults are injected with it. Install it: sh tests/servers.sh"
FORBIDDEN = (
    "strace may not attach to a process here ({said}), and the disk's faults are injected with it. "
    "Allow ptrace: in a container with --cap-add=SYS_PTRACE, on a machine with kernel.yama.ptrace_scope at most 1"
)
LET_GO_SECONDS = 20.0
_UNFINISHED = " <unfinished ...>"
_RESUMED = re.compile(r"\d+ +<\.\.\. \w+ resumed>(.*)")
_LINE = re.compile(r"(?:(?P<thread>\d+) +)?(?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)(?P<rest>.*)")


@dataclass(frozen=True, slots=True)
class Call:
    """One system call that ended; ``begun`` and ``ended`` are lines of the log."""

    thread: int
    name: str
    arguments: str
    result: int
    injected: bool
    begun: int
    ended: int


class Strace:
    """strace on a running process, until it is left. ``calls`` are those that have ended by now, in their order."""

    def __init__(self, log: Path, target: int, *options: str) -> None:
        self._log = log
        self._target = target
        self._options = options

    async def __aenter__(self) -> Strace:
        command = ("strace", "-o", str(self._log), *self._options, "-p", str(self._target))
        try:
            self._process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        except FileNotFoundError:
            pytest.fail(MISSING)
        assert self._process.stderr is not None
        said = (await asyncio.wait_for(self._process.stderr.readline(), PATIENCE_SECONDS)).decode().strip()
        if "attached" not in said:
            pytest.fail(FORBIDDEN.format(said=said))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it ends with the process it watches
                os.kill(self._process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.communicate(), LET_GO_SECONDS)
        except TimeoutError:  # a process that dies while strace lets go of it can hold strace up for ever
            self._process.kill()
            await self._process.communicate()

    @property
    def calls(self) -> Sequence[Call]:
        """The calls in the order in which they ended."""
        return list(parse(self._log.read_text("utf-8", "replace")))


def parse(text: str) -> Sequence[Call]:
    """strace's lines as calls, in the order in which they ended."""
    begun: dict[str, tuple[int, str]] = {}
    found: list[Call] = []
    for number, line in enumerate(text.splitlines()):
        thread = line.split(" ", 1)[0]
        if line.endswith(_UNFINISHED):
            begun[thread] = number, line.removesuffix(_UNFINISHED)
            continue
        first, whole = number, line
        if (resumed := _RESUMED.match(line)) and thread in begun:
            first, start = begun.pop(thread)
            whole = start + resumed.group(1)
        if match := _LINE.match(whole):
            injected = "(INJECTED)" in match["rest"]
            result = int(match["result"])
            found.append(
                Call(int(match["thread"] or 0), match["call"], match["arguments"], result, injected, first, number)
            )
    return found

"""The order of a worker's system calls: what has to have ended before an answer begins.

An answer of 202 is traced back to its request (the id in the URL that was read from the same socket), and from there
to the write that holds the record (the id's 16 bytes). Every rule is about that write, its file and its folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.traced import Call

OPTIONS = (
    *("-f", "-y", "-x", "-s", "1000000", "-e"),
    "trace=openat,write,writev,pwrite64,fdatasync,fsync,rename,renameat,renameat2,recvfrom,recvmsg,read,sendto,sendmsg",
)
"""How strace has to look for ``broken_rules`` to tell."""

_FILE = re.compile(r"\A\d+<([^>]*)>")
_SOCKET = re.compile(r"\A(\d+)<socket:")
_REQUEST = re.compile(r"POST /v1/reports/([0-9a-f]{32})")
_CREATED = re.compile(r'"([^"]*\.open)", ([A-Z_|]+)')
_HEX = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_READS, _SENDS = ("recvfrom", "recvmsg", "read"), ("sendto", "sendmsg", "write", "writev")


@dataclass(slots=True)
class _Seen:
    """The writes, syncs and creations up to a moment, by file."""

    writes: dict[str, list[Call]] = field(default_factory=dict)
    syncs: dict[str, list[Call]] = field(default_factory=dict)
    created: dict[str, Call] = field(default_factory=dict)


def broken_rules(calls: Sequence[Call]) -> Sequence[str]:
    """What is wrong with the order of calls, in words; empty when nothing is. One broken rule is named once."""
    return sorted(set(_broken(calls)))


def answers(calls: Sequence[Call]) -> int:
    """How many answers of 202 there are: without any, no rule can be broken."""
    return sum(1 for call in calls if _is_answer(call))


def _broken(calls: Sequence[Call]) -> Iterator[str]:
    seen = _Seen()
    asked: dict[str, str] = {}
    # What a call did holds from its end; an answer may have arrived from its beginning.
    for call in sorted(calls, key=lambda call: call.begun if call.name in _SENDS else call.ended):
        socket = _SOCKET.match(call.arguments)
        if call.name in _READS and socket and (request := _REQUEST.search(call.arguments)):
            asked[socket.group(1)] = request.group(1)
        elif _is_answer(call) and socket:
            yield from _answered(call, asked.pop(socket.group(1), ""), seen)
        elif call.result >= 0:
            yield from _noted(call, seen)


def _is_answer(call: Call) -> bool:
    return call.name in _SENDS and '"HTTP/1.1 202' in call.arguments


def _noted(call: Call, seen: _Seen) -> Iterator[str]:
    file = _FILE.match(call.arguments)
    if call.name == "openat" and (made := _CREATED.search(call.arguments)):
        if "O_EXCL" in made.group(2):
            seen.created[made.group(1)] = call
    elif file and call.name in ("write", "writev", "pwrite64"):
        name = file.group(1)
        seen.writes.setdefault(name, []).append(call)
        if name.endswith((".open", ".seg")) and name not in seen.created:
            yield "a file was written to that this process did not begin"
    elif file and call.name in ("fdatasync", "fsync"):
        seen.syncs.setdefault(file.group(1), []).append(call)


def _answered(answer: Call, report_id: str, seen: _Seen) -> Iterator[str]:
    writes = [(name, call) for name, calls in seen.writes.items() for call in calls]
    found = [(name, call) for name, call in writes if report_id and _holds(call, report_id)]
    if not found:
        yield "an answer was given before the record was written"
    for name, write in found:
        if not _synced(seen, name, write, answer):
            yield "an answer was given before the record was synced"
        if (made := seen.created.get(name)) and not _synced(seen, str(Path(name).parent), made, answer):
            yield "an answer was given before the file's name was synced"


def _holds(write: Call, report_id: str) -> bool:
    return any(report_id in text.replace("\\x", "") for text in _HEX.findall(write.arguments))


def _synced(seen: _Seen, name: str, after: Call, before: Call) -> bool:
    """Whether something was synced between two calls."""
    return any(after.ended < sync.begun and sync.ended < before.begun for sync in seen.syncs.get(name, ()))

"""A worker on one spool whose disk fails at a chosen call; what it answered, and what a fresh process finds."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
from headcount_wire import days, segment
from headcount_wire.clock import SystemClock
from headcount_wire.problems import Problem

from tests.crash.ledger import Ledger
from tests.crash.nursery import PATIENCE_SECONDS, Nursery, Process
from tests.crash.traced import Call, Strace
from tests.ingest.conftest import KEY, settings_in

CALLS = ("openat", "write", "fdatasync", "fsync", "rename", "ftruncate")
"""The calls a spool is made of."""

REFUSALS = frozenset({Problem.STORAGE, Problem.STORAGE_FAILED, Problem.DRAINING})
"""What a report may be answered besides 202 while its worker's disk fails."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a journey.

    ``answers``: 0 where the connection ended. ``calls``: those of the spool's thread. ``in_time``: the fault was met
    before the worker was told to stop; then ``ended`` is what the process ended with by itself, ``None`` if it
    went on, and ``after`` the answer to one more report when the disk was sound again.
    """

    answers: Sequence[int]
    calls: Sequence[Call]
    in_time: bool
    ended: int | None
    after: int

    @property
    def failed(self) -> Sequence[Call]:
        """The calls that were made to fail."""
        return [call for call in self.calls if call.injected]


class Rig:
    """A folder with a spool, its worker, and the ledger of what was sent to it one report after another."""

    def __init__(self, folder: Path, nursery: Nursery, variant: str = "real", seal_seconds: float = 0.02) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.settings = replace(settings_in(folder), port=nursery.port(), admin_port=0, seal_seconds=seal_seconds)
        self.spool = self.settings.spool / self.settings.worker
        self.ledger = Ledger(days.utc_day(SystemClock().now()))
        self.nowhere: set[bytes] = set()
        self.wrong: list[str] = []
        self.heard = ""
        self._nursery = nursery
        self._variant = variant
        self.draw = random.Random(str(folder))

    async def start(self, *, hold: bool = False, variant: str = "") -> Process:
        """A worker on this spool; it serves when this returns, unless it is held."""
        self.process = await self._nursery.start(self.settings, variant or self._variant, hold=hold)
        if not hold:
            await self.process.is_ready()
        return self.process

    async def report(self) -> int:
        """The status a new report is answered with; 0: the connection ended. Refusals that say too little are noted."""
        sent = self.ledger.new(self.draw)
        url = f"http://127.0.0.1:{self.settings.port}/v1/reports/{sent.report_id}"
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        try:
            async with aiohttp.ClientSession() as session, session.post(url, data=sent.body, headers=headers) as answer:
                found = await answer.json(content_type=None)
                status, wait = answer.status, answer.headers.get("Retry-After", "")
        except aiohttp.ClientError as error:
            self.heard = repr(error)
            return 0
        self.heard = f"{status} {found}"
        if status == 202:
            self.ledger.acknowledged.add(bytes.fromhex(sent.report_id))
            return status
        if found["type"] != Problem.STORAGE_FAILED.uri:
            self.nowhere.add(bytes.fromhex(sent.report_id))
        if (status, found["type"]) not in {(one.status, one.uri) for one in REFUSALS}:
            self.wrong.append(f"answered {status}")
        elif not wait.isdecimal():
            self.wrong.append("refused without Retry-After")
        return status

    async def sealed(self) -> None:
        """Return when nothing is open, or the process has ended."""
        url = f"http://127.0.0.1:{self.settings.port}/v1/policy"
        async with asyncio.timeout(PATIENCE_SECONDS), aiohttp.ClientSession() as session:
            while list(self.spool.glob("*.open")) and not self.process.ended.done():
                try:
                    async with session.get(url):
                        pass
                except aiohttp.ClientError:
                    await asyncio.wait((self.process.ended,), timeout=PATIENCE_SECONDS)

    async def spool_thread(self) -> int:
        """The thread that syncs: a report is sent, and it is watched who does."""
        log = self.folder / "thread.strace"
        async with Strace(log, self.process.pid, "-f", "-e", "trace=fdatasync") as strace:
            assert await self.report() == 202, self.heard
            (thread,) = {call.thread for call in strace.calls}
        await self.sealed()
        return thread

    async def recovered(self) -> list[str]:
        """Let a fresh process look at the spool; what is wrong with what it hands over."""
        await self.process.end()
        fresh = await self.start(variant="real")
        if await fresh.end(signal.SIGTERM):
            self.wrong.append("the fresh process failed")
        if list(self.spool.glob("*.open")):
            self.wrong.append("something was left open")
        found = [
            report_id
            for path in self.spool.glob("*.seg")
            for report_id, record in segment.salvage(path.read_bytes()).records
            if frozenset(record.tallies) == self.ledger.tallies(report_id)
        ]
        if lost := self.ledger.acknowledged - set(found):
            self.wrong.append(f"{len(lost)} of {len(self.ledger.acknowledged)} acknowledged are not in the spool")
        if told := self.nowhere & set(found):
            self.wrong.append(f"{len(told)} are in the spool that were told to be nowhere")
        if len(found) != len(set(found)):
            self.wrong.append("a record stands twice")
        return self.wrong


async def suffer(rig: Rig, *options: str) -> Outcome:
    """Three segments of reports while calls of the spool's thread fail; the last segment is sealed by SIGTERM."""
    await rig.start()
    thread = await rig.spool_thread()
    answers: list[int] = []
    async with Strace(rig.folder / "spool.strace", thread, "-e", f"trace={','.join(CALLS)}", *options) as strace:
        for _ in range(2):
            answers += [await rig.report(), await rig.report()]
            await rig.sealed()
        answers.append(await rig.report())
        in_time = any(call.injected for call in strace.calls)
        if not in_time:
            await rig.process.end(signal.SIGTERM)
    after = await rig.report() if in_time else 0
    if in_time and after != 202:
        await asyncio.wait((rig.process.ended,), timeout=PATIENCE_SECONDS)
    ended = rig.process.ended.result() if in_time and rig.process.ended.done() else None
    return Outcome(answers, strace.calls, in_time, ended, after)

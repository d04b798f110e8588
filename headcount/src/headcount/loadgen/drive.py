"""The load: reports leave when they are due, whatever the edge does; each attempt has one fate, each report too.

Open loop. A moment is drawn before it comes, and latency counts from it: who stalls is not asked less, and cannot hide
it (Gil Tene's "coordinated omission"). A report that fails or is refused for now is tried again, byte for byte, after
the SDK's own pause, hurried: seconds here are minutes there.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from headcount_sdk.pacing import LONGEST_SECONDS, pause
from headcount_sdk.uploader import TIMEOUT_SECONDS, Fate, Outcome

from headcount.loadgen.account import Account
from headcount.loadgen.bodies import Reports, Sending
from headcount.loadgen.hostile import Crowd
from headcount.loadgen.line import Heard, Line
from headcount.loadgen.measured import WHOLE_SECOND, Measured, Second
from headcount.loadgen.profiles import Plan, arrivals, even_arrivals
from headcount.loadgen.target import Target

LOOK_SECONDS = 0.1
SECOND = 1.0
REMEMBERED = 64
MUST_SAY_WHEN = frozenset({429, 503, 507})
GIVEN_AT_ONCE = 256
"""Reports that leave before the answers that are there are looked at."""


@dataclass(frozen=True, slots=True)
class Way:
    """How reports travel.

    ``lines``: connections at most; a report for which there is none waits, and its latency with it. ``each``: a
    connection for each report. ``repeats``: share of accepted reports whose answer the device did not hear, so that
    it sends them again. ``patience``: seconds that are waited for what is under way when the last report came due.
    """

    lines: int = 256
    each: bool = False
    repeats: float = 0.01
    patience: float = 30.0
    tls: ssl.SSLContext | None = None


class Load:
    """One run. ``seen`` is told each second; ``stopping`` asks whether somebody wants it to end early."""

    def __init__(
        self,
        target: Target,
        plan: Plan,
        reports: Reports,
        way: Way,
        draw: random.Random,
        seen: Callable[[Second], None],
        stopping: Callable[[], bool],
    ) -> None:
        self._target, self._plan, self._reports, self._way = target, plan, reports, way
        self._draw, self._seen, self._stopping = draw, seen, stopping
        self._loop = asyncio.get_running_loop()
        self._arrivals = arrivals(plan, draw)
        self._hurry = max(1.0, LONGEST_SECONDS / max(1.0, plan.seconds / 6))
        self._retries: list[Sending] = []
        self._queue: deque[Sending] = deque()
        self._idle: list[Line] = []
        self._under_way: dict[Line, None] = {}
        self._lines: set[Line] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._accepted: deque[bytes] = deque(maxlen=REMEMBERED)
        self._fresh: list[float] = []
        self._over = self._dark = False
        self._changed = asyncio.Event()
        self.account = Account()
        self.measured = Measured()
        self._crowd = Crowd(target, way.tls, reports, self.account, self._replay)

    async def run(self) -> None:
        """Send by the plan, then wait for what is under way; afterwards every report has its fate."""
        loop, plan = self._loop, self._plan
        self._began = loop.time() + LOOK_SECONDS
        cpu = time.process_time()
        self._next = next(self._arrivals, None)
        self._hostile = even_arrivals(plan.hostile_rate, plan.seconds, self._draw)
        self._next_hostile = next(self._hostile, None)
        self._sampled = (self._began, 0, 0, 0, 0)
        self._sampler = loop.call_at(self._began + SECOND, self._sample)
        end = self._began + plan.seconds
        while loop.time() < end and not self._to_end:
            self._leave_due()
            await self._until(min(end, self._next_due(end)))
        self.measured.took = min(loop.time(), end) - self._began
        self.measured.cpu_seconds = time.process_time() - cpu
        self.measured.accepted_in_time = self.account.accepted
        self._next = self._next_hostile = None
        deadline = loop.time() + (0.0 if self._to_end else self._way.patience)
        while self._busy and loop.time() < deadline and not self._to_end:
            self._leave_due()
            await self._until(min(deadline, self._next_due(deadline)))
        await self._crowd.finish(lambda: self._to_end)
        self.measured.drained = loop.time() - self._began - self.measured.took
        await self._end()

    @property
    def _to_end(self) -> bool:
        """Whether to end early: somebody wants it, or no report can be accepted."""
        return self._stopping() or self.account.hopeless

    @property
    def _busy(self) -> bool:
        return bool(self._retries or self._queue or self._under_way or self._connecting)

    def _next_due(self, latest: float) -> float:
        """When something is to be done next: a report is due, or a look at what takes too long."""
        due = min(latest, self._loop.time() + LOOK_SECONDS)
        if self._next is not None:
            due = min(due, self._began + self._next)
        if self._next_hostile is not None:
            due = min(due, self._began + self._next_hostile)
        return min(due, self._retries[0].due) if self._retries else due

    async def _until(self, moment: float) -> None:
        """Let the connections work until a moment, or until a report became due that was not before."""
        self._changed.clear()
        timer = self._loop.call_at(moment, self._changed.set)
        await self._changed.wait()
        timer.cancel()

    def _leave_due(self) -> None:
        now = self._loop.time()
        self._look(now)
        given = 0
        while self._next is not None and self._began + self._next <= now and given < GIVEN_AT_ONCE:
            self.account.made += 1
            self._leave(self._reports.next(self._began + self._next), now)
            self._next = next(self._arrivals, None)
            given += 1
        while self._retries and self._retries[0].due <= now and given < GIVEN_AT_ONCE:
            self._leave(heapq.heappop(self._retries), now)
            given += 1
        while self._next_hostile is not None and self._began + self._next_hostile <= now:
            self._crowd.send()
            self._next_hostile = next(self._hostile, None)

    def _leave(self, sending: Sending, now: float) -> None:
        """A report is due: it leaves on a connection, or waits for one."""
        self.account.sent += 1
        sending.tries += 1
        self.measured.lag.record(now - sending.due)
        if self._dark:
            self._failed(sending, "no network", written=False)
        elif self._idle:
            self._send(self._idle.pop(), sending)
        elif len(self._lines) + len(self._connecting) < self._way.lines:
            self._connect(sending)
        else:
            self._queue.append(sending)

    def _connect(self, sending: Sending) -> None:
        task = self._loop.create_task(self._connected(sending))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connected(self, sending: Sending) -> None:
        line = Line(self._answered, self._lost)
        name = self._target.host if self._way.tls else None
        address, port = self._target.address, self._target.port
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._loop.create_connection(lambda: line, address, port, ssl=self._way.tls, server_hostname=name)
        except (OSError, TimeoutError) as error:
            self._failed(sending, f"no connection ({type(error).__name__})", written=False)
            self._serve_waiting()
            return
        except asyncio.CancelledError:
            self._failed(sending, "no connection when the load ended", written=False)
            raise
        if self._dark or not line.open:
            line.abort()
            self._failed(sending, "no network" if self._dark else "connection lost", written=False)
            return
        self._lines.add(line)
        self._send(line, sending)

    def _send(self, line: Line, sending: Sending) -> None:
        self._under_way[line] = None
        self.measured.bytes_sent += len(sending.data)
        line.send(sending.data, sending, self._loop.time())

    def _answered(self, line: Line, heard: Heard) -> None:
        sending: Sending = line.carries
        line.carries = None
        self._under_way.pop(line, None)
        self._judge(sending, heard, self._loop.time(), line.left)
        if heard.last or self._way.each:
            self._lines.discard(line)
            line.close()
            self._serve_waiting()
        elif self._queue and not self._over:
            self._send(line, self._queue.popleft())
        else:
            self._idle.append(line)

    def _judge(self, sending: Sending, heard: Heard, now: float, left: float) -> None:
        account, outcome = self.account, heard.outcome
        match outcome.fate:
            case Fate.ACCEPTED:
                self._took(sending, outcome, now, left)
            case Fate.NO_ANSWER:
                self._failed(sending, f"no answer of an edge ({heard.status})", written=True, after=outcome.retry_after)
            case Fate.KEPT:
                account.refused[outcome.word] += 1
                account.silent += heard.status in MUST_SAY_WHEN and not heard.says_when
                self._again(sending, outcome.retry_after)
            case _:
                # Dropped, to be split, kept for a day or sent elsewhere: not accepted here, and not in this load.
                account.refused[outcome.word] += 1
                account.refused_for_good += not sending.accepted
                account.doubtful += sending.doubtful and not sending.accepted

    def _took(self, sending: Sending, outcome: Outcome, now: float, left: float) -> None:
        account = self.account
        account.accepted += 1
        self.measured.intended.record(now - sending.due)
        self.measured.served.record(now - left)
        self._fresh.append(now - sending.due)
        if sending.accepted:
            account.again += 1
            return
        sending.accepted = True
        self.measured.taken.record(now - sending.first_due)
        account.counted += 1
        account.dropped += outcome.dropped
        self._accepted.append(sending.data)
        if self._draw.random() < self._way.repeats:
            self._again(sending)

    def _failed(self, sending: Sending, why: str, *, written: bool, after: float = 0.0) -> None:
        self.account.failed[why] += 1
        self.account.unanswered += written
        sending.doubtful |= written
        self._again(sending, after)

    def _again(self, sending: Sending, after: float = 0.0) -> None:
        """Try again after the SDK's pause, hurried; what the edge asked for is not."""
        sending.due = self._loop.time() + after + pause(sending.tries - 1, 0.0, self._draw) / self._hurry
        heapq.heappush(self._retries, sending)

    def _lost(self, line: Line) -> None:
        self._lines.discard(line)
        self._under_way.pop(line, None)
        if line in self._idle:
            self._idle.remove(line)
        sending: Sending | None = line.carries
        line.carries = None
        if sending is not None:
            self._failed(sending, "connection lost", written=True)
        self._serve_waiting()

    def _serve_waiting(self) -> None:
        """A connection ended: who waits for one may have another."""
        while self._queue and len(self._lines) + len(self._connecting) < self._way.lines and not self._over:
            self._connect(self._queue.popleft())

    def _look(self, now: float) -> None:
        """Enter or leave an outage; end what has waited longer than a device does."""
        first, last = self._plan.dark
        dark = first <= now - self._began < last
        if dark and not self._dark:
            self._give_up(len(self._under_way), "no network")
        self._dark = dark
        oldest = now - TIMEOUT_SECONDS
        late = sum(1 for line in islice(self._under_way, len(self._under_way)) if line.left < oldest)
        self._give_up(late, "no answer in time")
        while self._queue and (dark or self._queue[0].due < oldest):
            self._failed(self._queue.popleft(), "no network" if dark else "no connection in time", written=False)

    def _give_up(self, count: int, why: str) -> None:
        """End the oldest attempts under way."""
        for line in list(islice(self._under_way, count)):
            sending: Sending = line.carries
            line.carries = None
            del self._under_way[line]
            self._lines.discard(line)
            line.abort()
            self._failed(sending, why, written=True)

    def _replay(self) -> bytes | None:
        return self._accepted[0] if self._accepted else None

    def _sample(self) -> None:
        """One second is over: add its line, and tell whoever looks on."""
        account, now = self.account, self._loop.time()
        at, *before = self._sampled
        counts = (account.sent, account.accepted, account.refused.total(), account.failed.total())
        self._sampled = (now, *counts)
        sent, accepted, refused, failed = (a - b for a, b in zip(counts, before, strict=True))
        ordered = sorted(self._fresh)
        self._fresh = []
        p50, p99, most = (
            1e3 * ordered[int(share * (len(ordered) - 1))] if ordered else 0.0 for share in (0.5, 0.99, 1)
        )
        elapsed = now - self._began
        meant = self._plan.rate_at(elapsed) if elapsed <= self._plan.seconds + SECOND / 2 else 0.0
        waiting = len(self._queue) + len(self._retries)
        self._sampler = self._loop.call_at(now + SECOND, self._sample)  # whatever becomes of who looks on
        if now > at:
            second = Second(elapsed, meant, sent, accepted, refused, failed, waiting, len(self._lines), p50, p99, most)
            self.measured.seconds.append(second)
            self._seen(second)

    async def _end(self) -> None:
        """Give every report that still waits its fate, and close every connection."""
        self._over = True
        await asyncio.sleep(0)  # a task that is cancelled before its first step would give its report no fate
        for task in set(self._connecting):
            task.cancel()
        self._give_up(len(self._under_way), "no answer when the load ended")
        while self._queue:
            self._failed(self._queue.popleft(), "no connection when the load ended", written=False)
        if self._connecting:
            await asyncio.wait(set(self._connecting))
        left = [sending for sending in self._retries if not sending.accepted]
        self.account.waiting = len(left)
        self.account.doubtful += sum(sending.doubtful for sending in left)
        for line in self._lines:
            line.close()
        self._sampler.cancel()
        if self._loop.time() - self._sampled[0] >= WHOLE_SECOND:
            self._sample()
            self._sampler.cancel()
        await asyncio.sleep(0)

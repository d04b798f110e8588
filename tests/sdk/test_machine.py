"""Any order of use, time, consent, death and network, against a model that remembers every event.

The model is two tables: what was recorded while it was granted, and what the edge has taken. A withdrawal leaves of its
purpose only what the edge has taken by then. In the end, when the network is good, both tables are the same.
"""

from __future__ import annotations

import gzip
import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from headcount_sdk import Headcount, Status, Surprise
from headcount_sdk.storage import Storage
from headcount_sdk.testing import ManualClock, accepted
from headcount_sdk.transport import Answer, NoAnswer, Request
from headcount_wire import codec
from headcount_wire.facts import Fact
from headcount_wire.problems import Problem
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.sdk.conftest import CATALOG, START, CountingFacts
from tests.sdk.test_durability import DyingStorage, PowerCut
from tests.sdk.test_uploader import refusal

PURPOSES = {2: "usage", 3: "usage", 4: "diagnostics"}
CAPS = {2: 5, 3: 1, 4: 10}
CALLS = {2: "meeting.joined", 3: "share.used", 4: "join.time"}
SIGNS = {2: Fact.COUNT, 3: Fact.DEVICES, 4: Fact.BUCKET}
"""For each measure the fact by which the model counts it."""


class Network:
    """An edge that takes each id once, on a line that fails as it is told: before, after, or with a refusal."""

    def __init__(self) -> None:
        self.mode = "good"
        self.silent = False
        self.bodies: dict[str, bytes] = {}
        self.taken: Counter[tuple[int, int]] = Counter()
        self.once: Counter[tuple[int, ...]] = Counter()

    def send(self, request: Request, timeout: float) -> Answer:
        if request.method == "GET":
            return Answer(304)
        assert request.wanted()
        self.silent |= self.mode in ("down", "lossy")
        if self.mode == "down":
            raise NoAnswer
        if self.mode == "busy":
            return refusal(Problem.OVERLOADED)
        if request.url not in self.bodies:
            self.bodies[request.url] = request.body
            self._take(request.body)
        assert self.bodies[request.url] == request.body, "a retry was not byte-identical"
        if self.mode == "lossy":
            raise NoAnswer
        return accepted()

    def _take(self, body: bytes) -> None:
        for day in codec.decode_json(gzip.decompress(body)).days:
            for tally in day.tallies:
                if SIGNS.get(tally.measure) == tally.fact and (tally.fact != Fact.DEVICES or tally.label == 0):
                    self.taken[day.day, tally.measure] += tally.n
                if tally.fact in (Fact.DEVICES, Fact.GAP, Fact.AGE, Fact.FIRST, Fact.CLIPPED):
                    slot = tally.slot if tally.fact == Fact.FIRST else 0
                    self.once[day.day, tally.measure, tally.label, tally.fact, slot] += 1


class Device(RuleBasedStateMachine):
    """One device and its edge, driven by random commands."""

    @initialize()
    def begin(self) -> None:
        """A fresh device."""
        self.folder = Path(tempfile.mkdtemp())
        self.clock, self.network = ManualClock(START), Network()
        self.recorded: Counter[tuple[int, int]] = Counter()
        self.given_up = 0
        self.cut_short = False
        self.granted: dict[str, bool] = {}
        self.from_day: dict[str, int] = {}
        self.open()

    def open(self, storage: Storage | None = None) -> None:
        """A process of the app starts."""
        self.client = Headcount(
            "hc_live_" + "k" * 43,
            "https://edge.example",
            CATALOG,
            directory=self.folder / "state",
            clock=self.clock,
            transport=self.network,
            facts=CountingFacts(),
            utc_offset=lambda _: 0.0,
            draw=random.Random(1),
            storage=storage,
        )
        self.client.start(thread=False)

    def _heard(self) -> None:
        """What the client that ends has noted: a report of unknown fate may be lost, never doubled."""
        counts = self.client.health.counts
        assert counts[Surprise.INTERNAL] == 0
        self.given_up += counts[Surprise.FATE_UNKNOWN]

    def die(self) -> None:
        """The process is gone, as SIGKILL takes it."""
        self._heard()
        self.client._hooks.remove()
        self.client._device.abandon()
        self.client._guard.usable = False

    def today(self) -> int:
        """The day a recording counts on."""
        return max(int(self.clock.now() // 86_400), self.client._device.state.last_day)

    # -- the world ----------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 60, 3600, 6 * 3600, 86_400, 2 * 86_400]))
    def time_passes(self, seconds: int) -> None:
        """On both clocks."""
        self.clock.advance(seconds)

    @rule(hours=st.integers(-20, 20))
    def the_clock_is_set(self, hours: int) -> None:
        """By the user or a time server; no time passes."""
        self.clock.set_now(self.clock.now() + hours * 3600.0)

    @rule(mode=st.sampled_from(["good", "good", "down", "busy", "lossy"]))
    def the_network_changes(self, mode: str) -> None:
        """The line is as it is until it changes again."""
        self.network.mode = mode

    @rule()
    def the_app_is_killed(self) -> None:
        """And started again."""
        self.die()
        self.open()

    @rule()
    def the_app_restarts(self) -> None:
        """In good order."""
        self._heard()
        self.client.shutdown()
        self.open()

    # -- use ----------------------------------------------------------------------------------

    @rule(measure=st.sampled_from([2, 2, 3, 4]), context=st.booleans())
    def something_is_recorded(self, measure: int, context: bool) -> None:
        """A counter, a flag or a timing."""
        if context:
            self.client.set_context(app_version=str(1 + int(self.clock.now()) % 3))
        day, purpose = self.today(), PURPOSES[measure]
        counts = self.granted.get(purpose, False) and day >= self.from_day[purpose]
        if measure == 4:
            self.client.measure(CALLS[measure], 20)
        else:
            self.client.track(CALLS[measure], **({"entry": "link"} if measure == 2 else {}))
        if counts and self.recorded[day, measure] < CAPS[measure]:
            self.recorded[day, measure] += 1

    @rule(now=st.booleans())
    def it_sends(self, now: bool) -> None:
        """When it is due, or at once."""
        if now:
            self.client.flush()
        else:
            self.client.pump()

    @rule(purpose=st.sampled_from(["usage", "diagnostics", "context"]))
    def the_user_grants(self, purpose: str) -> None:
        """A yes."""
        assert self.client.consent.grant(purpose)
        self._granted(purpose)

    @rule(purpose=st.sampled_from(["usage", "diagnostics", "context"]))
    def the_user_withdraws(self, purpose: str) -> None:
        """A no: of this purpose nothing more arrives than has arrived."""
        assert self.client.consent.withdraw(purpose)
        self._withdrawn(purpose)

    @precondition(lambda self: bool(self.granted))
    @rule(
        action=st.sampled_from(["flush", "grant", "withdraw", "switch"]),
        purpose=st.sampled_from(["usage", "diagnostics"]),
        step=st.integers(1, 14),
    )
    def it_dies_at_a_durable_step(self, action: str, purpose: str, step: int) -> None:
        """In the middle of whatever it was making durable; what stands after is what was before, or what was to be."""
        self._heard()
        self.client.shutdown()
        storage = DyingStorage(str(self.folder / "state"), 0)
        self.open(storage)
        storage.at = storage.step + step
        try:
            if action == "flush":
                self.client.flush()
            elif action == "grant":
                self.client.consent.grant(purpose)
            elif action == "withdraw":
                self.client.consent.withdraw(purpose)
            else:
                self.client.consent.switch("os", False)
        except PowerCut:
            self.cut_short = True
        storage.at = 0
        self.die()
        self.open()
        status = self.client.consent.status()[purpose]
        if action == "grant" and status is Status.GRANTED:
            self._granted(purpose)
        if action == "withdraw" and status is Status.DENIED:
            self._withdrawn(purpose)

    def _granted(self, purpose: str) -> None:
        self.granted[purpose] = True
        self.from_day.setdefault(purpose, self.today())

    def _withdrawn(self, purpose: str) -> None:
        today = self.today()
        if purpose not in self.granted:
            self.from_day[purpose] = today
        elif self.granted[purpose]:
            self.from_day[purpose] = today + 1
        self.granted[purpose] = False
        for key in [key for key in self.recorded if PURPOSES[key[1]] == purpose]:
            self.recorded[key] = self.network.taken[key]

    # -- what always holds --------------------------------------------------------------------

    def teardown(self) -> None:
        """In the end the network is good, and everything has arrived, once."""
        if not hasattr(self, "client"):
            return
        self.network.mode = "good"
        for _ in range(3):
            self.clock.advance(86_400)
            self.client.flush()
        oldest = int(self.clock.now() // 86_400) - 30
        taken = {key: n for key, n in self.network.taken.items() if n and key[0] > oldest}
        recorded = {key: n for key, n in self.recorded.items() if n and key[0] > oldest}
        self._heard()
        assert not self.given_up or self.network.silent or self.cut_short, "what was refused was given up"
        if self.given_up:
            assert all(n <= recorded.get(key, 0) for key, n in taken.items())
        else:
            assert taken == recorded
        for key, n in self.network.once.items():
            assert n == 1, f"{key} was said {n} times"
        self.client.shutdown()
        shutil.rmtree(self.folder)


Device.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestDevice = Device.TestCase

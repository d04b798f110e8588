"""Drives simulated people through the real SDK: one client a device, real files, real HTTP."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from headcount_sdk.client import Headcount
from headcount_sdk.storage import Storage
from headcount_sdk.typed import Severity
from headcount_sdk.uploader import Fate

from headcount.demo.counts import CATALOG, Counts
from headcount.demo.ground import Ground
from headcount.demo.population import LEAVE_AFTER_MINUTES, Person, PersonFacts, Use, use_of
from headcount.file_clock import FileClock

DAY = 86_400.0


@dataclass(slots=True)
class Tally:
    """What happened to the reports of one simulated day."""

    sent: int = 0
    accepted: int = 0
    fates: dict[str, int] = field(default_factory=dict)


class PocketClock:
    """A device's clock: its pauses are simulated too, so that sessions end; nothing waits for it."""

    def __init__(self, clock: FileClock) -> None:
        self._clock = clock

    def now(self) -> float:
        """The simulated time of day."""
        return self._clock.now()

    def monotonic(self) -> float:
        """The same: nobody sets it back here."""
        return self._clock.now()


class Flash(Storage):
    """A device's files. A thousand simulated phones share this disk: they do not wait for each other's syncs.

    What the SDK promises about power cuts is proved in ``tests/crash``; here no power is cut.
    """

    def sync(self, fd: int) -> None:
        """Leave it to the system."""

    def sync_directory(self) -> None:
        """Leave it to the system."""


class Device:
    """One person's device. Its client is made with the first day of use, as an app would."""

    def __init__(self, person: Person, ground: Ground, host: str, clock: FileClock) -> None:
        self.person = person
        self._facts = PersonFacts(person)
        self._client: Headcount | None = None
        directory = ground.folder / "devices" / str(person.number)
        self._make: Callable[[], Headcount] = lambda: Headcount(
            ground.app_keys[person.customer],
            host,
            CATALOG,
            directory=directory,
            storage=Flash(str(directory)),
            clock=PocketClock(clock),
            facts=self._facts,
            utc_offset=lambda _: person.utc_offset,
            draw=random.Random(person.number),
        )

    def live(self, day: int, use: Use | None) -> None:
        """Live through one day: consent on the first, use the app, perhaps withdraw."""
        person = self.person
        if day < person.joined or not person.consents():
            return
        self._facts.day = day
        if self._client is None:
            self._client = self._make()
            self._client.start(thread=False)
            self._client.consent.grant(*person.purposes)
        if use is not None:
            self._client.on_foreground()
            self._use(Counts(self._client), use)
        if person.withdraws == day:
            self._client.consent.withdraw(*person.purposes)

    @staticmethod
    def _use(counts: Counts, use: Use) -> None:
        counts.screen("home")
        counts.screen("lobby")
        if use.gives_up:
            return
        for entry, milliseconds in use.meetings:
            counts.meeting.joined.add(entry=entry)
            counts.meeting.join_time.record(milliseconds)
        counts.screen("meeting")
        if use.shared:
            counts.screen_share.used.set()
        if use.problem:
            bother = Severity[use.bother.upper()]
            counts.problem.reported.report(use.problem, severity=bother, screen=use.place).send()

    def leave(self, use: Use | None) -> None:
        """Put the app away, or see it crash."""
        if self._client is None or use is None:
            return
        if use.crashes:
            self._client.crashed()
        else:
            self._client.on_background()

    def upload(self, day: int, *, now: bool = False) -> list[Fate]:
        """Send what is due, if there is a network."""
        if self._client is None or not self.person.online(day):
            return []
        outcomes = self._client.flush() if now else self._client.pump()
        return [outcome.fate for outcome in outcomes]

    def close(self) -> None:
        """Let go of the device's files."""
        if self._client is not None:
            self._client.shutdown()


class Drive:
    """A whole population under one clock. Days count from ``first_day`` (a day number)."""

    def __init__(
        self, persons: Sequence[Person], ground: Ground, host: str, clock: FileClock, first_day: int, seed: int
    ):
        self._devices = [Device(person, ground, host, clock) for person in persons]
        self._folder: Path = ground.folder / "devices"
        self._clock = clock
        self._first_day = first_day
        self._seed = seed
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="devices")

    def days(self, span: int, rest: int = 0) -> Iterator[tuple[int, Tally]]:
        """Live through the span, a day at a time; yields each day with what became of its reports.

        ``rest``: so many days follow on which nobody uses the app, and devices send what they still hold.
        """
        for day in range(span + rest):
            noon = (self._first_day + day) * DAY + 12 * 3600.0
            self._clock.set_now(noon)
            uses = [self._use(device.person, day) if day < span else None for device in self._devices]
            for device, use in zip(self._devices, uses, strict=True):
                device.live(day, use)
            for place, minutes in enumerate(LEAVE_AFTER_MINUTES):
                self._clock.set_now(noon + minutes * 60.0)
                for device, use in zip(self._devices, uses, strict=True):
                    if use is not None and use.leaves_after == place:
                        device.leave(use)
            yield day, self._night(day)

    def _use(self, person: Person, day: int) -> Use | None:
        return use_of(person, day, self._first_day, self._seed)

    def _night(self, day: int) -> Tally:
        """The hours after midnight, in three steps, so that uploads spread as they would."""
        tally = Tally()
        for hours in (26.0, 30.0, 35.0):
            self._clock.set_now((self._first_day + day) * DAY + hours * 3600.0)
            for fates in self._pool.map(lambda device: device.upload(day), self._devices):
                for fate in fates:
                    tally.sent += 1
                    tally.accepted += fate is Fate.ACCEPTED
                    tally.fates[fate.name] = tally.fates.get(fate.name, 0) + 1
        return tally

    def close(self) -> None:
        """Let go of every device, and remove their folders."""
        self._pool.shutdown()
        for device in self._devices:
            device.close()
        shutil.rmtree(self._folder, ignore_errors=True)

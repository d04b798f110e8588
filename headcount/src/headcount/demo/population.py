"""Simulated people: who they are, when they use the app, and what they do there. All by seed.

Nobody here is like a real person; the numbers are only made to look like a product's: waves of
new people, weekends, people who come once, people who stay, versions that roll out, a slow release.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar

from headcount_sdk.facts import DeviceFacts
from headcount_wire import days

Value = TypeVar("Value")

_SYSTEMS = (("android", 46), ("ios", 34), ("ipados", 6), ("macos", 6), ("windows", 8))
_PLACES = (
    ("de", "Europe/Berlin", 34),
    ("en", "Europe/London", 18),
    ("en", "America/New_York", 14),
    ("fr", "Europe/Paris", 14),
    ("es", "Europe/Madrid", 10),
    ("pl", "Europe/Warsaw", 5),
    ("ja", "Asia/Tokyo", 3),
    ("nl", "Europe/Amsterdam", 2),
)
Entry = Literal["link", "calendar", "dial_in", "room"]
Problem = Literal["sound", "picture", "connection"]
Bother = Literal["minor", "major", "blocking"]
Place = Literal["lobby", "meeting"]
_PROBLEMS: tuple[tuple[Problem, int], ...] = (("sound", 45), ("connection", 35), ("picture", 20))
_BOTHERS: tuple[tuple[Bother, int], ...] = (("minor", 50), ("major", 35), ("blocking", 15))
_PLACES_OF_PROBLEMS: tuple[tuple[Place, int], ...] = (("meeting", 70), ("lobby", 30))
LEAVE_AFTER_MINUTES = (2, 4, 7, 11, 17, 26, 28)
"""After how long people leave the app: each day has so many such moments, all within one session."""

_ENTRIES: tuple[tuple[Entry, int], ...] = (("link", 50), ("calendar", 30), ("room", 15), ("dial_in", 5))
_CLASSES = {"ipados": "tablet", "macos": "desktop", "windows": "desktop"}
_VERSIONS = ("3.0", "3.1", "3.2")
DEVICES, SPAN = 1_000, 42
"""The usual size of the demo: two or three minutes on two cores, and every page shows something."""

WAVES = ((0, 40), (14, 25), (21, 25))
"""When people are won: the first day of a week of it, and how many of 100; the others come on any day."""

STEADY_FROM_THE_FIRST = 0.8
"""The part of the other Customers' people who are there on the first day: by it their Customers are taken into sums."""

VERSION_EVERY_DAYS = 24
"""Days between two versions of the simulated app."""


@dataclass(frozen=True, slots=True)
class Use:
    """One day of one person: meetings by entry with their joining times, and what else there was.

    ``gives_up``: they wait in the lobby and join nothing. ``leaves_after``: how many of ``LEAVE_AFTER_MINUTES``.
    ``bother`` and ``place`` are of the problem, if there was one.
    """

    meetings: tuple[tuple[Entry, float], ...]
    shared: bool
    gives_up: bool = False
    crashes: bool = False
    problem: Problem | None = None
    leaves_after: int = 0
    bother: Bother = "minor"
    place: Place = "meeting"


@dataclass(frozen=True, slots=True)
class Person:
    """One person with one device. Days count from the first simulated one."""

    number: int
    customer: str
    system: str
    language: str
    time_zone: str
    utc_offset: float
    joined: int
    keenness: float
    patience: float
    purposes: tuple[str, ...]
    withdraws: int | None
    upgrades_after: int
    offline: tuple[int, int]

    def consents(self) -> bool:
        """Whether anything may be counted at all."""
        return bool(self.purposes)

    def online(self, day: int) -> bool:
        """Whether the device has a network on a day."""
        return not self.offline[0] <= day < self.offline[1]

    def version(self, day: int) -> str:
        """The app's version on a day: upgrades come some days after the release."""
        index = max(0, (day - self.upgrades_after)) // VERSION_EVERY_DAYS
        return _VERSIONS[min(index, len(_VERSIONS) - 1)]


class PersonFacts(DeviceFacts):
    """What the SDK reads on a simulated device."""

    def __init__(self, person: Person) -> None:
        super().__init__()
        self._person = person
        self.day = person.joined

    def os(self) -> str | None:
        return self._person.system

    def language(self) -> str | None:
        return self._person.language

    def time_zone(self) -> str | None:
        return self._person.time_zone

    def app_version(self) -> str | None:
        return self._person.version(self.day)

    def device_class(self) -> str | None:
        return _CLASSES.get(self._person.system, "phone")


def people(count: int, span_days: int, customers: tuple[tuple[str, int], ...], seed: int) -> list[Person]:
    """A population over a span of days; ``customers`` are names with their weights.

    The first Customer wins its people in waves and loses many; the others have theirs from the first day on, and these
    come a day or two a week: enough for sums over Customers, for few reports.
    """
    return [_person(number, span_days, customers, random.Random(f"{seed}/{number}")) for number in range(count)]


def _person(number: int, span: int, customers: tuple[tuple[str, int], ...], draw: random.Random) -> Person:
    customer = _weighted(customers, draw)
    steady = customer != customers[0][0]
    language, zone, offset = _place(draw)
    usage = draw.random() < 0.86
    purposes: tuple[str, ...] = ("usage",) if usage else ()
    if usage and draw.random() < 0.8:
        purposes += ("diagnostics",)
    if usage and draw.random() < 0.85:
        purposes += ("context",)
    joined = _joined(span, draw)
    if steady and draw.random() < STEADY_FROM_THE_FIRST:
        joined = 0
    gone = draw.randrange(span)
    return Person(
        number=number,
        customer=customer,
        system=_weighted(_SYSTEMS, draw),
        language=language,
        time_zone=zone,
        utc_offset=offset,
        joined=joined,
        keenness=draw.betavariate(2.0, 26.0) if steady else draw.betavariate(1.6, 1.4),
        patience=400.0 if steady else draw.choice((1.5, 4.0, 25.0, 400.0)),
        purposes=purposes,
        withdraws=draw.randrange(joined + 1, span + 2) if draw.random() < 0.05 else None,
        upgrades_after=draw.choice((0, 1, 1, 2, 3, 5, 9)),
        offline=(gone, gone + draw.randrange(2, 8)) if draw.random() < 0.2 else (0, 0),
    )


def _joined(span: int, draw: random.Random) -> int:
    """The day somebody came: most in waves, so that a week's newcomers are enough to speak of."""
    at = draw.randrange(100)
    for first, share in WAVES:
        if at < share and first < span:
            if first == 0 and draw.random() < 0.5:
                return 0  # the app begins with some people
            return min(span - 1, first + draw.randrange(7))
        at -= share
    return draw.randrange(span)


def use_of(person: Person, day: int, first_day: int, seed: int) -> Use | None:
    """What a person does on a day, or ``None`` when the app stays closed."""
    if day < person.joined:
        return None
    draw = random.Random(f"{seed}/{person.number}/{day}")
    weekend = (days.to_date(first_day) + timedelta(days=day)).weekday() >= 5
    stays = 0.5 ** ((day - person.joined) / person.patience)
    chance = (0.15 + 0.8 * person.keenness) * (0.35 if weekend else 1.0) * (0.03 + 0.97 * stays)
    if day != person.joined and draw.random() > chance:
        return None
    slow = 1.35 if person.version(day) == "3.1" else 1.0
    base = 900.0 if person.system == "android" else 700.0
    meetings: tuple[tuple[Entry, float], ...] = tuple(
        (_weighted(_ENTRIES, draw), base * slow * draw.lognormvariate(0.0, 0.5))
        for _ in range(1 + int(draw.expovariate(0.7)))
    )
    shared = draw.random() < 0.3
    slower = person.version(day) == "3.1"
    problem: Problem | None = _weighted(_PROBLEMS, draw) if draw.random() < (0.4 if slower else 0.25) else None
    return Use(
        meetings,
        shared,
        gives_up=draw.random() < 0.25,
        crashes=draw.random() < (0.16 if slower else 0.08),
        problem=problem,
        leaves_after=draw.randrange(len(LEAVE_AFTER_MINUTES)),
        bother=_weighted(_BOTHERS, draw),
        place=_weighted(_PLACES_OF_PROBLEMS, draw),
    )


def _place(draw: random.Random) -> tuple[str, str, float]:
    language, zone, _ = draw.choices(_PLACES, [weight for _, _, weight in _PLACES])[0]
    return language, zone, _OFFSETS[zone]


def _weighted(values: tuple[tuple[Value, int], ...], draw: random.Random) -> Value:
    return draw.choices([value for value, _ in values], [weight for _, weight in values])[0]


_OFFSETS = {
    "Europe/Berlin": 3600.0,
    "Europe/London": 0.0,
    "America/New_York": -18000.0,
    "Europe/Paris": 3600.0,
    "Europe/Madrid": 3600.0,
    "Europe/Warsaw": 3600.0,
    "Asia/Tokyo": 32400.0,
    "Europe/Amsterdam": 3600.0,
}

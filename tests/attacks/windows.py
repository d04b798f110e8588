"""The attack on windows: many of them hold the same hidden day, and nobody comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence

from headcount_aggregator.periods import ROLLING, PeriodKind, period_of
from headcount_aggregator.release.counts import blocks_of_day
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number

from tests.aggregator.world import FIRST_DAY, Use, World, catalog
from tests.attacks.outcome import Engine, Outcome, of_share

K = 20
SPAN = 31
HIDDEN = FIRST_DAY + 3
SIZES = range(1, K)
TENS = 10

Day = Callable[[int, int], Sequence[tuple[str, bool]]]
"""The people of a day, each with a system and whether it finished its set-up, given the hidden number."""


def windows() -> Iterator[Outcome]:
    """Take the shown days from every window: what is left is the hidden day, rounded each time at another place."""
    worlds: tuple[Day, ...] = (_set_up_once, _first_days, _rare_system)
    naive = sum(_pinned([_each_rounded(_world(day, hidden), day) for hidden in SIZES]) for day in worlds)
    told = sum(_pinned([_everything(_world(day, hidden)) for hidden in SIZES]) for day in worlds)
    tried = len(worlds) * len(SIZES)
    yield of_share(Engine.NAIVE, naive, tried, "sizes of a hidden day told")
    yield of_share(Engine.THRESHOLD, told, tried, "sizes of a hidden day told, by everything that is released")


def _pinned(told: Sequence[Hashable]) -> int:
    """How many of the hidden numbers leave an answer that no other leaves."""
    seen = Counter(told)
    return sum(seen[answer] == 1 for answer in told)


def _usual(day: int) -> int:
    return 30 + 7 * day % 23


def _set_up_once(day: int, hidden: int) -> Sequence[tuple[str, bool]]:
    """Of an app's people some finish its set-up, which a device does once; on one day few did."""
    done = hidden if day == HIDDEN else _usual(day)
    return [("ios", at < done) for at in range(100)]


def _first_days(day: int, hidden: int) -> Sequence[tuple[str, bool]]:
    """In an app's first days all are new; on one day few were."""
    return [("ios", False)] * (hidden if day == HIDDEN else _usual(day))


def _rare_system(day: int, hidden: int) -> Sequence[tuple[str, bool]]:
    """The same by value: on one day few had two systems that enough have on the others."""
    web, linux = (hidden, K - hidden) if day == HIDDEN else (_usual(day), _usual(day + 1))
    return [("ios", False)] * 50 + [("web", False)] * web + [("linux", False)] * linux


def _world(people: Day, hidden: int) -> World:
    uses: list[Use] = []
    for day in range(FIRST_DAY, FIRST_DAY + SPAN):
        for os, done in people(day, hidden):
            uses.append(Use(len(uses), day, os, "1.0", {1: 1} if done else {}, False, ()))
    return World(uses)


def _each_rounded(world: World, people: Day) -> Hashable:
    """What a product would say that rounds each window by itself: here of those who did it, or had the system."""
    code, key = (8, ("web", "")) if people is _rare_system else (0, ("", ""))
    measure = 2 if people is _set_up_once else 1
    found = []
    for day in range(HIDDEN, FIRST_DAY + SPAN):
        for kind in ROLLING:
            devices = world.people(period_of(kind, day), code, measure).get(key, set())
            found.append((len(devices) + TENS // 2) // TENS * TENS)
    return tuple(found)


def _everything(world: World) -> Hashable:
    """Every number of every day, window, week and month."""
    statistics = Statistics(catalog(), FIRST_DAY, world, Threshold(K))
    span = range(FIRST_DAY, FIRST_DAY + SPAN)
    found: list[Number] = []
    blocks = []
    for day in span:
        numbers = list(statistics.of_day(day))
        found += numbers
        blocks += blocks_of_day(numbers)
    for kind in (PeriodKind.WEEK, PeriodKind.MONTH):
        for period in sorted({period_of(kind, day) for day in span}):
            numbers, added = statistics.of_span(period, blocks)
            found += numbers
            blocks += added
    return tuple(found)

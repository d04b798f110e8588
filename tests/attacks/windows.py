"""The attack on windows: many of them hold the same hidden day, and nobody comes back."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence

from headcount_aggregator.periods import ROLLING, PeriodKind, period_of
from headcount_aggregator.release.counts import blocks_of_day
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.release.wide_people import beyond
from headcount_aggregator.released import Number, Statistic

from tests.aggregator.world import FIRST_DAY, Use, World, catalog
from tests.attacks.outcome import Engine, Outcome, of_share

K = 20
SPAN = 31
HIDDEN = FIRST_DAY + 3
SIZES = range(1, K)
TENS = 10

ONE_SYSTEM = 28
SEEDS = range(3)

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


def one_system() -> Iterator[Outcome]:
    """In the windows that begin with an app new people tell all people, so how often they came back is exact.

    An app with one system told its people a second time, as those of the system, made of the days and of who came
    back: each window said of the hidden day on which side of another step it lies.
    """
    worlds = [(hidden, _coming_back(seed, hidden)) for seed in SEEDS for hidden in (1, 5, 9, 13, 17, 19)]
    naive = sum(_fitting(world, hidden, in_one_rest=True) == {hidden} for hidden, world in worlds)
    told = sum(len(_fitting(world, hidden)) == 1 for hidden, world in worlds)
    yield of_share(Engine.NAIVE, naive, len(worlds), "hidden days told, where windows have one rest for both")
    yield of_share(Engine.THRESHOLD, told, len(worlds), "hidden days told")


def _coming_back(seed: int, hidden: int) -> World:
    """A young app of one system: of those who were there six in ten come each day, on one day only few new ones."""
    draw = random.Random(seed)
    uses: list[Use] = []
    known: list[int] = []
    for day in range(ONE_SYSTEM):
        off = FIRST_DAY + day == HIDDEN + 6
        back = [] if off else [device for device in known if draw.random() < 0.6]
        new = range(1000 * day, 1000 * day + (hidden if off else draw.randint(40, 70)))
        known += [] if off else new
        uses += [Use(device, FIRST_DAY + day, "web", "1.0", {}, False, ()) for device in (*back, *new)]
    return World(uses)


def _fitting(world: World, hidden: int, *, in_one_rest: bool = False) -> set[int]:
    """The sizes of the hidden day that fit all windows from the app's first day, of what is told by system.

    ``in_one_rest``: what was told before who came back and who was hidden were told each for itself.
    """
    statistics = Statistics(catalog(), FIRST_DAY, world, Threshold(K))
    fitting = set(range(1, K))
    days = new = 0
    for day in range(FIRST_DAY, FIRST_DAY + ONE_SYSTEM):
        numbers = [n for n in statistics.of_day(day) if n.measure == 1 and not n.slot and n.value is not None]
        said = {(n.statistic, n.period, n.value1): n.value or 0 for n in numbers}
        days += said.get((Statistic.PEOPLE, PeriodKind.DAY, ""), 0)
        new += said.get((Statistic.NEW_PEOPLE, PeriodKind.DAY, ""), 0)
        for kind in ROLLING:
            if period_of(kind, day).first <= FIRST_DAY and day >= HIDDEN + 6:
                back = days - new
                told = _one_rest(days, back, hidden) if in_one_rest else said[Statistic.PEOPLE, kind, "web"]
                fits = _one_rest if in_one_rest else _two_rests
                fitting = {size for size in fitting if fits(days, back, size) == told}
    assert hidden in fitting
    return fitting


def _one_rest(days: int, back: int, size: int) -> int:
    return (days - beyond(back - size, K, hidden=True) + TENS // 2) // TENS * TENS


def _two_rests(days: int, back: int, size: int) -> int:
    told = days - beyond(back, K, hidden=False) + beyond(size, K, hidden=True)
    return (told + TENS // 2) // TENS * TENS


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

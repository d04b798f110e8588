"""The attack on a day with few new people in an app's first weeks: of whom is told how many have not done a thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator

from headcount_aggregator.periods import ROLLING, PeriodKind, period_of
from headcount_aggregator.release.counts import blocks_of_day
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.provisional import Provisional
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number

from tests.aggregator.world import FIRST_DAY, Use, World, catalog
from tests.attacks.outcome import Engine, Outcome, of_share

K = 20
SPAN = 26
QUIET = 3
PRESENT = 60
SIZES = range(1, K)
FROM_FIRST = "from the app's first day"


def newcomers() -> Iterator[Outcome]:
    """New people are exact, and so is who finished the set-up, which a device does once: all but those of one day.

    Whether a window is shown depends on how many have not finished: known, but for the few new people of that day. And
    who came back are all people of the days less the new ones: each window says on which side of a step that lies.
    """
    worlds = {hidden: _world(hidden) for hidden in SIZES}
    naive = _pinned([_enough_are_left(world) for world in worlds.values()])
    told = _pinned([_everything(world) for world in worlds.values()])
    yield of_share(Engine.NAIVE, naive, len(SIZES), "sizes of a hidden day told, by which windows are shown")
    yield of_share(Engine.THRESHOLD, told, len(SIZES), f"sizes of a hidden day told, by all periods {FROM_FIRST}")


def _pinned(answers: list[Hashable]) -> int:
    seen = Counter(answers)
    return sum(seen[answer] == 1 for answer in answers)


def _world(hidden: int) -> World:
    """Forty come a day, and on one day few; on each day all but some of those who are there for it finish."""
    uses: list[Use] = []
    waiting: list[int] = []
    done: list[int] = []
    for day in range(SPAN):
        new = [] if day == QUIET else list(range(100 * day, 100 * day + 40))
        waiting += new
        finish = [] if day == QUIET else waiting[: max(0, len(waiting) - day * 7 % 19 - 1)]
        waiting = [device for device in waiting if device not in finish]
        few = range(10_000, 10_000 + hidden) if day == QUIET else ()
        back = done[-(PRESENT - len(few)) :]
        for device in sorted({*new, *finish, *back, *few}):
            joined = {2: 1} if device in finish else {}
            uses.append(Use(device, FIRST_DAY + day, "ios", "1.0", joined, False, ()))
        done += finish
    return World(uses)


def _enough_are_left(world: World) -> Hashable:
    """Of each window that begins with the app, whether k people or nobody has not finished."""
    shown = []
    for day in range(FIRST_DAY, FIRST_DAY + SPAN):
        mine = world.between(FIRST_DAY, day)
        left = len({use.device for use in mine}) - len({use.device for use in mine if use.joined})
        shown.append(not 0 < left < K)
    return tuple(shown)


def _everything(world: World) -> Hashable:
    """All numbers of days, and of windows, weeks and months that begin with the app, sealed and while they are open."""
    statistics = Statistics(catalog(), FIRST_DAY, world, Threshold(K))
    found: list[Number] = []
    blocks = []
    for day in range(FIRST_DAY, FIRST_DAY + SPAN):
        numbers = [n for n in statistics.of_day(day) if n.period not in ROLLING or n.first <= FIRST_DAY]
        # Of retention the attacker is told nothing here: how many of the few came back is another secret.
        found += [n for n in numbers if not n.statistic.startswith("retention")]
        blocks += blocks_of_day(numbers)
    for kind in (PeriodKind.WEEK, PeriodKind.MONTH):
        found += statistics.of_span(period_of(kind, FIRST_DAY), blocks)[0]
    for today in range(FIRST_DAY + 1, FIRST_DAY + SPAN):
        opened = range(max(FIRST_DAY, today - 3), today)
        provisional = Provisional(catalog(), FIRST_DAY, opened, world, Threshold(K), statistics)
        found += provisional.of_period(period_of(PeriodKind.MONTH, FIRST_DAY), blocks)
    return tuple(found)

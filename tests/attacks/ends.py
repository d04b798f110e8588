"""Attacks on the ends of a rule: the reason why a number is hidden, and the first and last step of one in tens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence

from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.counts import blocks_of_day
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.provisional import Provisional
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, State, Statistic

from tests.aggregator.world import FIRST_DAY, Use, World, catalog
from tests.attacks.outcome import Engine, Outcome, of_share

K = 20
RULE = Threshold(K)
MONDAY = FIRST_DAY + 5
QUIET = MONDAY + 2
SPAN = 8
NEAR = 10
"""An answer that leaves fewer possible tells which side the few are on."""


def reasons() -> Iterator[Outcome]:
    """Of a few people more than k: that those who did something are hidden for the others' sake tells the others."""
    naive = told = tried = 0
    for people in (21, 22, 25):
        sizes = range(1, people)
        naive += _near([State.FEWER_THAN_K if did < K else State.COMPLEMENT for did in sizes])
        told += _near([_everything(people, did) for did in sizes])
        tried += len(sizes)
    yield of_share(Engine.NAIVE, naive, tried, "hidden numbers told to fewer than ten, by the reason")
    yield of_share(Engine.THRESHOLD, told, tried, "hidden numbers told to fewer than ten, by everything that is told")


def _near(answers: Sequence[Hashable]) -> int:
    seen = Counter(answers)
    return sum(seen[answer] < NEAR for answer in answers)


def _everything(people: int, did: int) -> Hashable:
    """Every sealed number around a day on which so many of these people did something, and every provisional one."""
    uses = []
    for day in range(MONDAY, MONDAY + SPAN):
        size, some = (people, did) if day == QUIET else (60, 30)
        for at in range(size):
            joins, waits = at < some, at < some and day == QUIET
            # Each day has its own people, so that what is told of the week is not blurred by who came back.
            joined = {2 if at % 3 else 3: 2} if joins else {}
            uses.append(Use(1000 * day + at, day, "ios", "1.0", joined, joins, (200,) if waits else ()))
    world = World(uses)
    statistics = Statistics(catalog(), MONDAY, world, RULE)
    numbers: list[Number] = []
    blocks = []
    for day in range(MONDAY, MONDAY + SPAN):
        found = list(statistics.of_day(day))
        numbers += found
        blocks += blocks_of_day(found)
    for kind in (PeriodKind.WEEK, PeriodKind.MONTH):
        found, added = statistics.of_span(period_of(kind, QUIET), blocks)
        numbers += found
        blocks += added
    opened = Provisional(catalog(), MONDAY, range(MONDAY, MONDAY + SPAN), world, RULE, statistics)
    for period in (period_of(PeriodKind.DAY, QUIET), period_of(PeriodKind.WEEK, QUIET)):
        numbers += opened.of_period(period, [])
    return tuple(numbers)


def labels() -> Iterator[Outcome]:
    """People by label are in tens, known to be k at least and to leave k: at an end that can be one number.

    Two such labels of all people of a measure tell how many have both.
    """
    naive = told = tried = 0
    for people in (43, 45, 48):
        sizes = range(K, people - K + 1)
        both = {(a, b): a + b - people for a in sizes for b in sizes if 0 < a + b - people < K}
        tried += len(both)
        naive += _pinned(both, {n: (n + 5) // 10 * 10 for n in sizes})
        told += _pinned(both, {n: _by_label(people, n) for n in sizes})
    yield of_share(Engine.NAIVE, naive, tried, "numbers of people with two labels told, where tens are the nearest")
    yield of_share(Engine.THRESHOLD, told, tried, "numbers of people with two labels told")


def _pinned(both: Mapping[tuple[int, int], int], told: Mapping[int, int | None]) -> int:
    answers = {pair: (told[pair[0]], told[pair[1]]) for pair in both}
    possible: dict[Hashable, set[int]] = {}
    for pair, answer in answers.items():
        possible.setdefault(answer, set()).add(both[pair])
    return sum(len(possible[answer]) == 1 for answer in answers.values())


def _by_label(people: int, size: int) -> int | None:
    """What is told of a label that so many of these people have; all others have another."""
    uses = [Use(at, FIRST_DAY, "ios", "1.0", {2 if at < size else 3: 1}, False, ()) for at in range(people)]
    numbers = Statistics(catalog(), FIRST_DAY, World(uses), RULE).of_day(FIRST_DAY)
    (found,) = [n for n in numbers if n.statistic is Statistic.PEOPLE and n.label == 2]
    return found.value

"""The same attacks on releases under noise: what they learn is bounded by the budget, whoever the attacker knows."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import NormalDist

from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.release.dp import DiscreteGaussian, Ledger, budget_of
from headcount_aggregator.release.dp.noisy import Noisy
from headcount_aggregator.release.dp.releases import NoisyReleases, Release
from headcount_aggregator.release.run import Releaser
from headcount_aggregator.released import Number, Statistic
from headcount_aggregator.sealed_file import parse_release

from tests.aggregator import world
from tests.attacks import inference
from tests.attacks.crowd import ACTIVE, CRASHED, DAY, Crowd, Mask, Person, catalog, draw_crowd
from tests.attacks.memory_cells import MemoryCells
from tests.attacks.outcome import Engine, Outcome
from tests.attacks.refreshing import organisation, published, use

K = 20
TOSSES = 240
SURE = 3
"""Standard deviations by which chance may help."""

BUDGET = budget_of(catalog(), "standard")
COMMON = [Person(("ios", "4.0", "en", "phone"), crashed=False)] * 300
RARE = ("linux", "6.1", "fi", "desktop")


def noise_of(seed: int) -> DiscreteGaussian:
    """The real noise, from random bytes that a seed makes."""
    return DiscreteGaussian(random.Random(seed).randbytes)


def release(crowd: Crowd, seed: int) -> Release:
    """A day's release under noise."""
    releases = NoisyReleases(catalog(), BUDGET, DAY, crowd, noise_of(seed))
    return releases.of_period(period_of(PeriodKind.DAY, DAY), Ledger(), ())


def shown(numbers: Sequence[Number], crowd: Crowd, measure: int) -> list[tuple[Mask, int]]:
    """The shown numbers of a measure, with of whom each is."""
    people = [n for n in numbers if n.statistic is Statistic.PEOPLE and n.period is PeriodKind.DAY]
    return crowd.shown_sets(people, measure)


def most_right() -> float:
    """How often the best test of one device-day is right at most, where guessing is in half of all tries."""
    return NormalDist().cdf((2 * float(BUDGET.rho_of_day)) ** 0.5 / 2)


def guessed(rest: Sequence[Person], there: Person, instead: Person | None, seed: int) -> Outcome:
    """Toss a coin whether a person is one or the other, or there at all, and have the best test guess it.

    Who knows everybody else takes the expected value from each noisy number, and weighs what is left by its noise.
    """
    draw = random.Random(seed)
    right = 0
    with_it = Crowd([*rest, there])
    without = Crowd([*rest, instead] if instead else list(rest))
    worlds = (without, with_it)
    expected = [_exact(crowd) for crowd in worlds]
    for toss in range(TOSSES):
        coin = draw.randrange(2)
        found = release(worlds[coin], 10_000 * seed + toss).noisy
        score = 0.0
        for noisy in found:
            for place, value in noisy.at().items():
                zero, one = (table.get((noisy.name, place), 0) for table in expected)
                score += (value - (zero + one) / 2) * (one - zero) / noisy.variance
        right += (score > 0) == (coin == 1)
    chance = SURE * 0.5 / TOSSES**0.5
    figure = f"{right / TOSSES:.0%} of {TOSSES} times right; by its budget at most {most_right():.1%}, and chance"
    return Outcome(Engine.DP, right / TOSSES > most_right() + chance, figure, bounded=True)


def _exact(crowd: Crowd) -> dict[tuple[object, object], int]:
    class Silent:
        def draw(self, scale: int, n: int) -> Sequence[int]:
            return [0] * n

    found: list[Noisy] = list(
        NoisyReleases(catalog(), BUDGET, DAY, crowd, Silent())
        .of_period(period_of(PeriodKind.DAY, DAY), Ledger(), ())
        .noisy
    )
    return {(noisy.name, place): value for noisy in found for place, value in noisy.at().items()}


def secret() -> Outcome:
    """Whether one person crashed, for who knows all others: nested filters and trackers can ask no better."""
    return guessed(COMMON, Person(RARE, crashed=True), Person(RARE, crashed=False), 1)


def rest() -> Outcome:
    """Whether the one who did not crash among all others did."""
    everybody = [Person(("ios", "4.0", "en", "phone"), crashed=True)] * 200
    return guessed(everybody, Person(RARE, crashed=True), Person(RARE, crashed=False), 2)


def member() -> Outcome:
    """Whether one more was there."""
    return guessed(COMMON, Person(RARE, crashed=False), None, 3)


def one_of_a_group() -> Outcome:
    """Whether a group of 19 known or forged devices has a twentieth."""
    return guessed([*COMMON, *[Person(RARE, crashed=False)] * (K - 1)], Person(RARE, crashed=False), None, 4)


def twice() -> Outcome:
    """People of a day and of the next less those of their week, each with its noise."""
    right = tried = 0
    day, budget = world.FIRST_DAY + 5, budget_of(world.catalog(), "standard")  # a Monday
    for m in range(1, K):
        uses = [world.Use(device, day, "ios", "1.0", {}, False, ()) for device in range(100)]
        uses += [world.Use(device, day + 1, "ios", "1.0", {}, False, ()) for device in range(100 - m, 200 - m)]
        cells = world.World(uses)
        for seed in range(3):
            releases = NoisyReleases(world.catalog(), budget, day, cells, noise_of(seed))
            days = [_people(releases, period_of(PeriodKind.DAY, day + n)) for n in (0, 1)]
            right += sum(days) - _people(releases, period_of(PeriodKind.WEEK, day)) == m
            tried += 1
    return Outcome(Engine.DP, right > tried / 4, f"{right} of {tried} numbers told rightly, as by chance", bounded=True)


def _people(releases: NoisyReleases, period: Period) -> int:
    wanted = (Statistic.PEOPLE, 1, 0, period.kind)
    noisy = releases.of_period(period, Ledger(), ()).noisy
    return next(n.values[0] for n in noisy if (n.statistic, n.measure, n.breakdown, n.kind) == wanted)


def after_refresh() -> Outcome:
    """Whatever comes late to a day, nothing that was sealed under noise changes, and nothing is told of it."""
    return _refreshed(6)


def after_week() -> Outcome:
    """The same of its week."""
    return _refreshed(20)


def _refreshed(days: int) -> Outcome:
    changed = 0
    for late in range(1, K):
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            app = organisation(folder, rule="dp")
            monday = world.FIRST_DAY + 5
            uses = [use(device, monday + day) for day in range(3) for device in range(60)]
            cells = MemoryCells(world.World(uses).cells)
            seen = []
            for more in (0, late):
                stragglers = [use(1000 + device, monday + 1, late=True) for device in range(more)]
                cells.arrive([cell for cell in world.World(stragglers).cells if cell.late])
                Releaser(folder, cells, noise=noise_of(7)).release_due(app, monday + days)
                seen.append(published(folder))
            changed += seen[0] != seen[1]
    return Outcome(Engine.DP, changed > 0, f"{changed} of {K - 1} numbers of stragglers changed anything")


def averaging() -> Iterator[Outcome]:
    """Ask for the same number again and again, and take the mean."""
    draw = random.Random(9)
    sigma = next(planned.scale for planned in BUDGET.planned if planned.view.measure == ACTIVE)
    tries, asked = 20, 2000
    near = sum(abs(sum(draw.gauss(300, sigma) for _ in range(asked)) / asked - 300) < 1 for _ in range(tries))
    yield Outcome(Engine.NAIVE, near > tries / 2, f"{near} of {tries} numbers known to 1 after {asked} answers")
    right = 0
    with tempfile.TemporaryDirectory() as text:
        for seed in range(tries):
            folder = Path(text) / str(seed)
            folder.mkdir()
            app = organisation(folder, rule="dp")
            cells = MemoryCells(world.World([use(device, world.FIRST_DAY) for device in range(300)]).cells)
            Releaser(folder, cells, noise=noise_of(seed)).release_due(app, world.FIRST_DAY + 4)
            (path,) = (folder / "1-1").glob("*-day-*.json")
            answers = {_total(parse_release(path.read_bytes())[1]) for _ in range(asked // 100)}
            right += len(answers) != 1 or abs((answers.pop() or 0) - 300) < 1
    yield Outcome(Engine.DP, right > tries / 4, f"{right} of {tries} numbers known to 1, however often asked")


def _total(numbers: Sequence[Number]) -> int | None:
    return next(
        n.value
        for n in numbers
        if n.statistic is Statistic.PEOPLE and n.measure == 1 and not n.breakdown and n.period is PeriodKind.DAY
    )


def provisional() -> Outcome:
    """Before it is sealed, nothing is told under noise."""
    told = 0
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        app = organisation(folder, rule="dp")
        cells = MemoryCells(world.World([use(device, world.FIRST_DAY) for device in range(90)]).cells)
        Releaser(folder, cells, noise=noise_of(1)).publish_provisional(app, world.FIRST_DAY + 2)
        told += published(folder)["provisional"].count(b"people")
    return Outcome(Engine.DP, told > 0, f"{told} numbers told before the freeze")


def reconstruction() -> Outcome:
    """Solve for everybody's secret from what is shown under noise."""
    found = []
    for seed in range(inference.WORLDS):
        crowd = draw_crowd(200, seed, crashes=inference.PRIOR)
        found.append(inference.solved(crowd, shown(release(crowd, seed).numbers, crowd, CRASHED)))
    return inference.guessed(Engine.DP, found)

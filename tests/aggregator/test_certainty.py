"""Intervals hold the truth as often as they say, and a verdict of change is rarely given where there is none."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from headcount_aggregator.certainty import Estimate, Verdict, amount, compare, percentile, ratio, share
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.release.dp.noise import DiscreteGaussian
from headcount_aggregator.release.dp.told import interval
from headcount_aggregator.released import Number, State, Statistic

ROUNDS = 3_000
NOISE = DiscreteGaussian(random.Random(1).randbytes)


def number(value: int | None, *, scale: int = 0, rounding: int = 1, slot: int = 0) -> Number:
    """A released number of a true value: exact, rounded, or with noise of a scale."""
    found = Number(Statistic.PEOPLE, PeriodKind.DAY, 1, 1, 1, 0, 0, "", "", slot, State.SHOWN, value, rounding=rounding)
    if value is None:
        return replace(found, state=State.FEWER_THAN_K)
    if scale:
        (more,) = NOISE.draw(scale, 1)
        low, high = interval(value + more, scale**2)
        return replace(found, value=value + more, low=low, high=high)
    return replace(found, value=(value + rounding // 2) // rounding * rounding)


def tried(one: Callable[[random.Random], bool]) -> float:
    """How often something is so, of many seeded rounds."""
    draw = random.Random(7)
    return sum(one(draw) for _ in range(ROUNDS)) / ROUNDS


def binomial(draw: random.Random, n: int, p: float) -> int:
    return sum(draw.random() < p for _ in range(n))


def holds(found: Estimate | None, truth: float) -> bool:
    assert found is not None
    return found.low <= truth <= found.high


@pytest.mark.parametrize("scale", [5, 21, 1048])
def test_the_interval_of_a_noisy_number_holds_what_was_counted(scale: int) -> None:
    """In 95 of 100 draws, whatever the scale: not fewer, and hardly more than whole numbers force."""
    true = 40 * scale
    covered = tried(lambda _: (n := number(true, scale=scale)).low is not None and n.low <= true <= (n.high or 0))
    assert 0.94 <= covered <= 0.985


@pytest.mark.parametrize(("people", "p"), [(60, 0.1), (60, 0.5), (400, 0.02), (400, 0.98), (2000, 0.3)])
def test_the_interval_of_a_share_holds_what_people_would_do(people: int, p: float) -> None:
    """Of people who each do it with a chance of p: in about 95 of 100 groups, near nothing and near all too."""
    covered = tried(lambda draw: holds(share(number(binomial(draw, people, p)), number(people)), p))
    assert 0.92 <= covered <= 0.99


@pytest.mark.parametrize(("people", "p", "scale"), [(600, 0.4, 21), (3000, 0.1, 24)])
def test_the_interval_of_a_noisy_share_holds_chance_and_noise(people: int, p: float, scale: int) -> None:
    """With noise in the part and in the whole."""
    covered = tried(
        lambda draw: holds(share(number(binomial(draw, people, p), scale=scale), number(people, scale=scale)), p)
    )
    assert 0.93 <= covered <= 0.985


@pytest.mark.parametrize("scale", [0, 24])
def test_no_change_is_rarely_called_one(scale: int) -> None:
    """Two groups of the same habit: a real change is said of about 5 in 100, of amounts and of shares."""

    def shares(draw: random.Random) -> bool:
        found = [share(number(binomial(draw, 500, 0.3), scale=scale), number(500, scale=scale)) for _ in range(2)]
        return compare(*found) is Verdict.REAL_CHANGE

    def amounts(draw: random.Random) -> bool:
        found = [amount(number(binomial(draw, 5_000, 0.1), scale=scale)) for _ in range(2)]
        return compare(*found) is Verdict.REAL_CHANGE

    assert 0.02 <= tried(shares) <= 0.075
    assert 0.02 <= tried(amounts) <= 0.075


def test_a_change_that_is_there_is_found() -> None:
    """From 30 to 45 in 100 of five hundred people, under noise too; of sixty people only now and then."""

    def found(draw: random.Random, people: int, scale: int) -> bool:
        before = share(number(binomial(draw, people, 0.30), scale=scale), number(people, scale=scale))
        after = share(number(binomial(draw, people, 0.45), scale=scale), number(people, scale=scale))
        return compare(before, after) is Verdict.REAL_CHANGE

    assert tried(lambda draw: found(draw, 500, 0)) > 0.99
    assert tried(lambda draw: found(draw, 1000, 24)) > 0.9
    assert 0.2 < tried(lambda draw: found(draw, 60, 0)) < 0.6


def test_who_crashes_crashes_again() -> None:
    """A thousand sessions of fifty people are fifty people: what looks sure of a thousand is not of fifty."""
    before, after = number(30), number(60)
    sessions, people = number(1_000), number(50)
    assert compare(share(before, sessions), share(after, sessions)) is Verdict.REAL_CHANGE
    assert compare(share(before, sessions, people), share(after, sessions, people)) is Verdict.WITHIN_NOISE
    assert compare(amount(number(1_000)), amount(number(1_100))) is Verdict.REAL_CHANGE
    assert compare(amount(number(1_000), people), amount(number(1_100), people)) is Verdict.WITHIN_NOISE


def test_rounding_blurs_too() -> None:
    """Forty and fifty in tens may be forty-four and forty-six."""
    few = share(number(10, rounding=10), number(40, rounding=10))
    exact = share(number(10), number(40))
    assert few is not None
    assert exact is not None
    assert few.high - few.low > exact.high - exact.low


def test_percentiles_are_as_sure_as_their_rank() -> None:
    """Of exponential timings: the interval around the 75th percentile holds the true one in about 95 of 100 samples."""
    true, n = {50: 693.147, 75: 1386.294, 95: 2995.732}, 400

    def one(draw: random.Random) -> bool:
        seen = sorted(draw.expovariate(1 / 1000) for _ in range(n))
        at = {p: number(round(seen[int(p / 100 * (n - 1))]), slot=p) for p in true}
        return holds(percentile(at, 75, n), true[75])

    assert 0.93 <= tried(one) <= 1.0


def test_amounts_for_each_person_can_be_compared() -> None:
    """Three views for each of a hundred people against four: within noise; of ten thousand people, a change."""
    few = [ratio(number(300), number(100)), ratio(number(340), number(100))]
    many = [ratio(number(30_000), number(10_000)), ratio(number(34_000), number(10_000))]
    assert compare(*few) is Verdict.WITHIN_NOISE
    assert compare(*many) is Verdict.REAL_CHANGE


def test_what_is_hidden_is_not_compared() -> None:
    """A hidden number has no estimate, and a comparison with it says so."""
    assert compare(amount(number(None)), amount(number(300))) is Verdict.NOT_KNOWN
    assert share(number(None), number(100)) is None
    assert share(number(10), number(0)) is None
    assert all(verdict.sentence for verdict in Verdict)

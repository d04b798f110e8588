"""The noise is what it says: exactly, from the table's integers, and next to OpenDP's draws."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from decimal import Decimal, localcontext
from itertools import pairwise

import opendp.prelude as opendp
import pytest
from headcount_aggregator.release.dp.noise import SCALE_MOST, DiscreteGaussian, probabilities, table
from scipy.stats import chi2_contingency

SCALES = (2, 5, 11, 21, 100, 1048)
UNIT = 1 << 128


class Seeded:
    """Random bytes that are the same again: an extendable hash of a name."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self._drawn = 0

    def __call__(self, n: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(self._name + self._drawn.to_bytes(8, "big")).digest(n)


def renyi(shares: list[int], shift: int, alpha: float) -> float:
    """The divergence of a table from itself, moved by what one device can change; only where both have mass."""
    pairs = ((p, shares[i - shift]) for i, p in enumerate(shares) if 0 <= i - shift < len(shares))
    powers = [p / UNIT * math.exp((alpha - 1) * (math.log(p) - math.log(q))) for p, q in pairs if p and q]
    return math.log(math.fsum(powers)) / (alpha - 1)


@pytest.mark.parametrize("scale", SCALES)
def test_the_table_is_the_discrete_gaussian_to_the_last_unit(scale: int) -> None:
    """Every probability is that of the formula, computed another way with 90 digits, within one unit of 2**-128."""
    shares = probabilities(scale)
    middle = len(shares) // 2
    assert sum(shares) == UNIT
    with localcontext() as context:
        context.prec = 90
        weights = [(Decimal(-k * k) / (2 * scale * scale)).exp() for k in range(middle + 1)]
        whole = weights[0] + 2 * sum(weights[1:])
        step = max(1, middle // 400)
        for k in range(0, middle + 1, step):
            for at in (middle - k, middle + k):
                assert abs(Decimal(shares[at]) - weights[k] / whole * UNIT) <= Decimal("1.0001")


@pytest.mark.parametrize("scale", SCALES)
def test_one_device_costs_what_the_budget_says(scale: int) -> None:
    """Of the table itself: the divergence at a change of one is at most alpha times rho, and what lies beyond
    the table's ends, where a draw would tell with certainty, is less than 2**-100."""
    shares = probabilities(scale)
    rho = 1 / (2 * scale * scale)
    for alpha in (1.5, 2.0, 4.0, 8.0, 16.0):
        assert renyi(shares, 1, alpha) <= (1 + 1e-6) * alpha * rho + 1e-15
    ends = shares[0] + sum(p for p, q in pairwise(shares) if not q)
    assert ends < 1 << 28


@pytest.mark.parametrize(("change", "scale"), [(20, 420), (50, 1048)])
def test_a_larger_change_with_its_own_scale_costs_the_same(change: int, scale: int) -> None:
    """Noise is of whole numbers at the scale of cap times sigma, not multiples of the cap: no remainder tells."""
    shares = probabilities(scale)
    for alpha in (2.0, 8.0, 32.0):
        assert renyi(shares, change, alpha) <= (1 + 1e-6) * alpha * change**2 / (2 * scale**2)
    drawn = DiscreteGaussian(Seeded("remainders")).draw(scale, 20_000)
    assert max(Counter(x % change for x in drawn).values()) < 1.5 * 20_000 / change


@pytest.mark.parametrize("scale", [3, 21])
def test_draws_are_those_of_opendp(scale: int) -> None:
    """A hundred thousand draws fall as OpenDP's do: a chi-square test finds no difference."""
    opendp.enable_features("contrib")
    space = opendp.vector_domain(opendp.atom_domain(T=int)), opendp.l2_distance(T=float)
    theirs = Counter(opendp.m.make_gaussian(*space, scale=float(scale))([0] * 100_000))
    ours = Counter(DiscreteGaussian(Seeded(f"opendp {scale}")).draw(scale, 100_000))
    edge = 3 * scale
    rows = [
        [sum(n for k, n in drawn.items() if max(-edge, min(edge, k)) == at) for at in range(-edge, edge + 1)]
        for drawn in (ours, theirs)
    ]
    assert chi2_contingency(rows).pvalue > 1e-9


def test_draws_are_as_wide_as_they_say_and_independent() -> None:
    """Of two hundred thousand draws the deviation is the scale, and neighbours are strangers."""
    n, scale = 200_000, 21
    drawn = DiscreteGaussian(Seeded("wide")).draw(scale, n)
    assert abs(sum(drawn) / n) < 5 * scale / math.sqrt(n)
    assert abs(sum(x * x for x in drawn) / n - scale**2) < 5 * scale**2 * math.sqrt(2 / n)
    pairs = sum(a * b for a, b in pairwise(drawn)) / n
    assert abs(pairs) < 5 * scale**2 / math.sqrt(n)


@pytest.mark.parametrize(("below", "expected"), [(-1, -1), (0, 0), (1, 0)])
def test_the_lower_half_of_the_bits_decides_where_the_upper_does_not(below: int, expected: int) -> None:
    """A random number whose upper half is a threshold's own falls before or behind it by its lower half."""
    high, low = table(5)
    place = len(high) // 2 - 1  # the threshold between the values -1 and 0
    words = iter([high[place].to_bytes(8, "little"), (low[place] + below).to_bytes(8, "little")])
    assert DiscreteGaussian(lambda n: next(words)).draw(5, 1) == [expected]


def test_every_draw_is_new() -> None:
    """The system's generator is asked each time: the same question twice gives other noise."""
    noise = DiscreteGaussian()
    assert noise.draw(1000, 50) != noise.draw(1000, 50)


@pytest.mark.parametrize("scale", [0, -3, SCALE_MOST + 1])
def test_there_is_no_noise_of_no_scale(scale: int) -> None:
    """A scale of zero, which would publish the truth, is a mistake and not a setting."""
    with pytest.raises(ValueError, match="a scale of noise"):
        table(scale)

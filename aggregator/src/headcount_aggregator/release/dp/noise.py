"""Noise of whole numbers: the discrete Gaussian, drawn by comparing random 128-bit numbers with a table.

A draw is ``k`` with a probability in proportion to ``exp(-k^2 / (2 scale^2))``, as Canonne, Kamath and Steinke
define it (The Discrete Gaussian for Differential Privacy, 2020). The table holds the cumulated probabilities as
whole numbers of ``2**-128``; they are computed with 320 bits, so no float is near the noise. What the
table is not, compared with the exact distribution, is checked from its integers (``tests/privacy/test_noise.py``),
and its draws are held against OpenDP's.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

UNIT_BITS = 128
SCALE_MOST = 1 << 17
"""The largest scale there is a table for: noise beyond it would leave nothing to see."""

_BITS = 320
_DIGITS = 120
_HALF = (1 << 64) - 1
_TAIL_BITS = 140
"""Weights below ``2**-140`` are left out: far less than one step of the table, all together."""

Entropy = Callable[[int], bytes]
"""So many random bytes, as the system's generator gives them."""


class Noise(Protocol):
    """Where noise comes from."""

    def draw(self, scale: int, n: int) -> Sequence[int]:
        """``n`` whole numbers around zero; ``scale`` is their standard deviation, nearly."""
        ...


class DiscreteGaussian:
    """Noise of the discrete Gaussian. ``entropy`` is the system's unless a test gives another."""

    def __init__(self, entropy: Entropy = os.urandom) -> None:
        self._entropy = entropy

    def draw(self, scale: int, n: int) -> Sequence[int]:
        """``n`` independent whole numbers of a scale from 1 to ``SCALE_MOST``."""
        high, low = table(scale)
        middle = len(high) // 2
        units = array("Q")
        units.frombytes(self._entropy(units.itemsize * n))
        found = []
        for unit in units:
            place = bisect_right(high, unit)
            if place and high[place - 1] == unit:  # the upper half of the bits does not decide
                place = self._decided(high, low, unit)
            found.append(place - middle)
        return found

    def _decided(self, high: Sequence[int], low: Sequence[int], unit: int) -> int:
        """How many thresholds are at or below a unit, once its lower half is drawn too."""
        rest = int.from_bytes(self._entropy(8), "little")
        return bisect_right(low, rest, bisect_left(high, unit), bisect_right(high, unit))


@lru_cache(64)
def table(scale: int) -> tuple[Sequence[int], Sequence[int]]:
    """The thresholds of a scale: a draw is the number of those at or below a random unit, less half of them.

    There are an even number of them; entry ``i`` is the probability of at most ``i - len / 2``, in units of
    ``2**-128``, as its upper and its lower 64 bits.
    """
    if not 1 <= scale <= SCALE_MOST:
        raise ValueError(f"a scale of noise is from 1 to {SCALE_MOST}")
    weights = _weights(scale)
    most = len(weights) - 1
    whole = weights[0] + 2 * sum(weights[1:])
    high, low, so_far = array("Q"), array("Q"), 0
    for k in range(-most, most):
        so_far += weights[abs(k)]
        threshold = (so_far << UNIT_BITS) // whole
        high.append(threshold >> 64)
        low.append(threshold & _HALF)
    return high, low


def probabilities(scale: int) -> list[int]:
    """The probability of each value from the least to the most, in units of ``2**-128``; they add up to all of it."""
    edges = [0, *(above << 64 | below for above, below in zip(*table(scale), strict=True)), 1 << UNIT_BITS]
    return [after - before for before, after in pairwise(edges)]


def _weights(scale: int) -> list[int]:
    """``exp(-k^2 / (2 scale^2))`` for k from 0, in units of ``2**-320``, until they are too small to matter.

    Each is the one before times ``q^(2k + 1)``, with ``q = exp(-1 / (2 scale^2))``: multiplications of whole numbers.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        q = int((Decimal(-1) / (2 * scale * scale)).exp() * (1 << _BITS))
    found, step, twice = [1 << _BITS], q, q * q >> _BITS
    while found[-1] >> (_BITS - _TAIL_BITS):
        found.append(found[-1] * step >> _BITS)
        step = step * twice >> _BITS
    return found

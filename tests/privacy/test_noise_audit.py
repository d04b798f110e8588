"""The audits pass on the release as it is, and every mutant that breaks its promise is caught by one of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from headcount_aggregator.release.dp import DiscreteGaussian, Noise

from tests.privacy import audit
from tests.privacy.audit import AUDITS, Machine
from tests.privacy.test_noise import Seeded
from tests.privacy.test_noisy_releases import Silent


def drawn(seed: int) -> Callable[[], Noise]:
    """The real noise, each release the next of it, from bytes that a seed makes: no audit errs by chance."""
    noise = DiscreteGaussian(random.Random(seed).randbytes)
    return lambda: noise


class Scaled:
    """Noise that is narrower than it should be."""

    def __init__(self, part: float) -> None:
        self._part = part
        self._noise = drawn(2)()

    def draw(self, scale: int, n: int) -> Sequence[int]:
        return self._noise.draw(round(scale * self._part), n)


class Multiples:
    """Noise in multiples of the cap."""

    def __init__(self) -> None:
        self._noise = drawn(3)()

    def draw(self, scale: int, n: int) -> Sequence[int]:
        return [audit.CAP * x for x in self._noise.draw(round(scale / audit.CAP), n)]


HALF, LESS, MULTIPLES = Scaled(0.5), Scaled(0.9), Multiples()
AS_IT_IS = Machine(drawn(1))
MUTANTS = {
    "sigma halved": (Machine(lambda: HALF), audit.residuals),
    "sigma halved, seen in one run": (Machine(lambda: HALF), audit.one_run),
    "sigma less 10 percent": (Machine(lambda: LESS), audit.residuals),
    "no clipping": (Machine(drawn(4), clips=False), audit.one_run),
    "no clipping, seen in two worlds": (Machine(drawn(4), clips=False), audit.two_worlds),
    "static key": (Machine(lambda: DiscreteGaussian(Seeded("always the same"))), audit.residuals),
    "static key, seen in two worlds": (
        Machine(lambda: DiscreteGaussian(Seeded("always the same"))),
        audit.two_worlds,
    ),
    "threshold on the true count": (Machine(drawn(4), by_truth=True), audit.at_the_threshold),
    "noise off": (Machine(Silent), audit.residuals),
    "noise off, seen in one run": (Machine(Silent), audit.one_run),
    "noise in multiples of the cap": (Machine(lambda: MULTIPLES), audit.residuals),
}


@pytest.mark.parametrize("look", AUDITS, ids=lambda look: look.__name__)
def test_the_release_is_as_it_claims(look: audit.Audit) -> None:
    """Residuals, canaries in one run, two worlds, two worlds at the threshold: none finds anything."""
    assert look(AS_IT_IS) == ""


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_release_is_caught(name: str) -> None:
    """A release that is narrower, forgets to clip, repeats itself, or looks at the truth is accused."""
    machine, look = MUTANTS[name]
    assert look(machine)

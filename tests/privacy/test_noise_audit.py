"""The audits pass on the release as it is, and every mutant that breaks its promise is caught by one of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from headcount_aggregator.release.dp import DiscreteGaussian

from tests.privacy import audit
from tests.privacy.audit import AUDITS, Machine
from tests.privacy.test_noise import Seeded
from tests.privacy.test_noisy_releases import Silent


class Scaled:
    """Noise that is narrower than it should be."""

    def __init__(self, part: float) -> None:
        self._part = part
        self._noise = DiscreteGaussian()

    def draw(self, scale: int, n: int) -> Sequence[int]:
        return self._noise.draw(round(scale * self._part), n)


class Multiples:
    """Noise in multiples of the cap."""

    def draw(self, scale: int, n: int) -> Sequence[int]:
        return [audit.CAP * x for x in DiscreteGaussian().draw(round(scale / audit.CAP), n)]


AS_IT_IS = Machine(DiscreteGaussian)
MUTANTS = {
    "sigma halved": (Machine(lambda: Scaled(0.5)), audit.residuals),
    "sigma halved, seen in one run": (Machine(lambda: Scaled(0.5)), audit.one_run),
    "sigma less 10 percent": (Machine(lambda: Scaled(0.9)), audit.residuals),
    "no clipping": (Machine(DiscreteGaussian, clips=False), audit.one_run),
    "no clipping, seen in two worlds": (Machine(DiscreteGaussian, clips=False), audit.two_worlds),
    "static key": (Machine(lambda: DiscreteGaussian(Seeded("always the same"))), audit.residuals),
    "static key, seen in two worlds": (
        Machine(lambda: DiscreteGaussian(Seeded("always the same"))),
        audit.two_worlds,
    ),
    "threshold on the true count": (Machine(DiscreteGaussian, by_truth=True), audit.at_the_threshold),
    "noise off": (Machine(Silent), audit.residuals),
    "noise off, seen in one run": (Machine(Silent), audit.one_run),
    "noise in multiples of the cap": (Machine(Multiples), audit.residuals),
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

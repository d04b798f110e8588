"""What an attack is here: a question an attacker asks, tried on engines, with the outcome it must have on each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Engine(StrEnum):
    """What is attacked: an engine as products usually have it, and Headcount's own rules."""

    NAIVE = "naive"
    THRESHOLD = "threshold"
    DP = "dp"
    CUSTOMERS = "customers"


class Verdict(StrEnum):
    """What an attack comes to."""

    SUCCEEDS = "succeeds"
    FAILS = "fails"
    BOUNDED = "bounded"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attack on one engine: whether the attacker got what was asked for, and the figure that shows it.

    ``bounded``: something is always learned, and this is no more than the budget allows.
    """

    engine: Engine
    succeeded: bool
    figure: str
    bounded: bool = False

    @property
    def verdict(self) -> Verdict:
        """The outcome in a word."""
        held = Verdict.BOUNDED if self.bounded else Verdict.FAILS
        return Verdict.SUCCEEDS if self.succeeded else held


@dataclass(frozen=True)
class Attack:
    """An attack: its name, what the attacker does, and what must come of it on each engine."""

    name: str
    sentence: str
    run: Callable[[], Iterable[Outcome]]
    targets: Mapping[Engine, Verdict]


SUCCEEDS, FAILS, BOUNDED = Verdict.SUCCEEDS, Verdict.FAILS, Verdict.BOUNDED
ONLY_NAIVE = {Engine.NAIVE: SUCCEEDS, Engine.THRESHOLD: FAILS, Engine.DP: BOUNDED}
"""The usual target: it works on the naive engine and not on the rules; under noise it learns what the budget allows."""


def of_share(engine: Engine, found: int, tried: int, what: str) -> Outcome:
    """An outcome that is a success as soon as one of the tries was one."""
    return Outcome(engine, found > 0, f"{found} of {tried} {what}")

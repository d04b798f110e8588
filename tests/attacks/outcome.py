"""What an attack is here: a question an attacker asks, tried on engines, with the outcome it must have on each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Engine(StrEnum):
    """What is attacked: an engine as products usually have it, and Headcount's own rules."""

    NAIVE = "naive"
    THRESHOLD = "threshold"
    CUSTOMERS = "customers"


class Verdict(StrEnum):
    """What an attack comes to."""

    SUCCEEDS = "succeeds"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attack on one engine: whether the attacker got what was asked for, and the figure that shows it."""

    engine: Engine
    succeeded: bool
    figure: str

    @property
    def verdict(self) -> Verdict:
        """The outcome in a word."""
        return Verdict.SUCCEEDS if self.succeeded else Verdict.FAILS


@dataclass(frozen=True)
class Attack:
    """An attack: its name, what the attacker does, and what must come of it on each engine."""

    name: str
    sentence: str
    run: Callable[[], Iterable[Outcome]]
    targets: Mapping[Engine, Verdict]


SUCCEEDS, FAILS = Verdict.SUCCEEDS, Verdict.FAILS
ONLY_NAIVE = {Engine.NAIVE: SUCCEEDS, Engine.THRESHOLD: FAILS}
"""The usual target: it works on the naive engine and not on the rule."""


def of_share(engine: Engine, found: int, tried: int, what: str) -> Outcome:
    """An outcome that is a success as soon as one of the tries was one."""
    return Outcome(engine, found > 0, f"{found} of {tried} {what}")

"""What stands against singling out, linkability and inference in a release, and the tests that show it.

The three are the questions that data-protection authorities ask of what is called anonymous (WP 216). Each
line names an attack of ``tests/attacks`` and what comes of it under the release's rule; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

ATTACKS = "tests/attacks/test_attacks.py"


class Criterion(StrEnum):
    """What an attacker may want of numbers about many."""

    SINGLING_OUT = "singling out"
    LINKABILITY = "linkability"
    INFERENCE = "inference"

    @property
    def sentence(self) -> str:
        """The question, for people."""
        return _QUESTIONS[self]


_QUESTIONS = {
    Criterion.SINGLING_OUT: "Can a number be made that is about one person?",
    Criterion.LINKABILITY: "Can numbers of two times or two places be joined to follow one person?",
    Criterion.INFERENCE: "Can something be learned about a person that was not known before?",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One attack: what is asked of the release, and what comes of it by rule (``fails`` or ``succeeds``)."""

    criterion: Criterion
    attack: str
    outcomes: Mapping[str, str]


def _fails(criterion: Criterion, attack: str) -> Evidence:
    return Evidence(criterion, attack, {"threshold": "fails"})


def _known(criterion: Criterion, attack: str) -> Evidence:
    return Evidence(criterion, attack, {"threshold": "succeeds"})


EVIDENCE = (
    _fails(Criterion.SINGLING_OUT, "nested filters"),
    _fails(Criterion.SINGLING_OUT, "tracker"),
    _fails(Criterion.SINGLING_OUT, "subset and complement"),
    _known(Criterion.SINGLING_OUT, "Sybil fill"),
    _fails(Criterion.LINKABILITY, "subtraction of distinct counts"),
    _fails(Criterion.LINKABILITY, "late data and refresh"),
    _fails(Criterion.LINKABILITY, "late arrivals against the week"),
    _fails(Criterion.LINKABILITY, "provisional against sealed"),
    _fails(Criterion.INFERENCE, "reconstruction by linear program"),
    _known(Criterion.INFERENCE, "membership of a canary"),
    _known(Criterion.INFERENCE, "threshold probing"),
)
"""Every attack on one Customer's releases. What succeeds is said in ``docs/limitations.md``."""

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
    """One attack: what is asked of the release, and what comes of it by rule (``fails``, ``succeeds``, ``bounded``)."""

    criterion: Criterion
    attack: str
    outcomes: Mapping[str, str]


THRESHOLD, DP, CUSTOMERS = "threshold", "dp", "customers"
"""The rules of releases; the last stands beside dp in sums over Customers."""


def _of(criterion: Criterion, attack: str, threshold: str, dp: str) -> Evidence:
    return Evidence(criterion, attack, {THRESHOLD: threshold, DP: dp})


EVIDENCE = (
    _of(Criterion.SINGLING_OUT, "nested filters", "fails", "bounded"),
    _of(Criterion.SINGLING_OUT, "tracker", "fails", "bounded"),
    _of(Criterion.SINGLING_OUT, "subset and complement", "fails", "bounded"),
    _of(Criterion.SINGLING_OUT, "Sybil fill", "succeeds", "bounded"),
    _of(Criterion.LINKABILITY, "subtraction of distinct counts", "fails", "bounded"),
    Evidence(Criterion.LINKABILITY, "windows around a hidden day", {THRESHOLD: "fails"}),
    Evidence(Criterion.LINKABILITY, "windows from an app's first day", {THRESHOLD: "fails"}),
    Evidence(Criterion.SINGLING_OUT, "few new people in an app's first weeks", {THRESHOLD: "fails"}),
    _of(Criterion.LINKABILITY, "late data and refresh", "fails", "fails"),
    _of(Criterion.LINKABILITY, "late arrivals against the week", "fails", "fails"),
    _of(Criterion.LINKABILITY, "provisional against sealed", "fails", "fails"),
    Evidence(Criterion.SINGLING_OUT, "weeks' late against their quarter's", {THRESHOLD: "fails"}),
    Evidence(Criterion.INFERENCE, "reason of a hidden number", {THRESHOLD: "fails"}),
    Evidence(Criterion.INFERENCE, "labels at the end of a step", {THRESHOLD: "fails"}),
    _of(Criterion.INFERENCE, "reconstruction by linear program", "fails", "bounded"),
    _of(Criterion.INFERENCE, "membership of a canary", "succeeds", "bounded"),
    _of(Criterion.INFERENCE, "threshold probing", "succeeds", "bounded"),
    Evidence(Criterion.INFERENCE, "averaging", {DP: "fails"}),
    Evidence(Criterion.SINGLING_OUT, "insider Customer", {CUSTOMERS: "fails"}),
    Evidence(Criterion.INFERENCE, "solving for a Customer", {CUSTOMERS: "fails"}),
    Evidence(Criterion.SINGLING_OUT, "hidden sibling", {CUSTOMERS: "fails"}),
    Evidence(Criterion.SINGLING_OUT, "people less new people", {CUSTOMERS: "fails"}),
    Evidence(Criterion.SINGLING_OUT, "ages of a week", {CUSTOMERS: "fails"}),
    Evidence(Criterion.LINKABILITY, "join and leave", {CUSTOMERS: "fails"}),
)
"""Every attack. What succeeds is said in ``docs/limitations.md``."""

"""Runs the attacks and prints what came of each on each engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.attacks.outcome import Attack, Engine, Outcome


def outcomes_of(attack: Attack) -> list[Outcome]:
    """What an attack came to; every engine it has a target for, and no other, is attacked once."""
    found = list(attack.run())
    assert sorted(outcome.engine for outcome in found) == sorted(attack.targets), attack.name
    return found


def as_expected(attack: Attack, outcome: Outcome) -> bool:
    """Whether an outcome is what it must be."""
    return outcome.verdict is attack.targets[outcome.engine]


def lines(attacks: Iterable[Attack]) -> Iterable[tuple[str, bool]]:
    """The table, line by line, each with whether all of it is as it must be."""
    yield f"{'attack':34} {'engine':10} {'outcome':9} figure", True
    for attack in attacks:
        for outcome in sorted(outcomes_of(attack), key=lambda found: list(Engine).index(found.engine)):
            fine = as_expected(attack, outcome)
            mark = "" if fine else f"   <-- must be: {attack.targets[outcome.engine]}"
            yield f"{attack.name:34} {outcome.engine:10} {outcome.verdict:9} {outcome.figure}{mark}", fine


def show(attacks: Sequence[Attack]) -> int:
    """Print the table; 1 when an outcome is not what it must be."""
    fine = True
    for line, as_it_must in lines(attacks):
        print(line, flush=True)  # noqa: T201  # a command's output
        fine = fine and as_it_must
    return 0 if fine else 1

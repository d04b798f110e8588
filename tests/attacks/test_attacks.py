"""Every attack comes to what it must: it works on a naive engine, and not on the rule that should stop it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.attacks.outcome import Attack, Engine, Verdict
from tests.attacks.suite import ATTACKS
from tests.attacks.table import as_expected, outcomes_of

PAGE = Path(__file__).parents[2] / "docs/attacks.md"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "-"))
def test_the_attack_comes_to_what_it_must(attack: Attack) -> None:
    """On the naive engine it succeeds; on each rule it comes to what the list says."""
    for outcome in outcomes_of(attack):
        assert as_expected(attack, outcome), f"{attack.name} on {outcome.engine}: {outcome.figure}"


def test_every_attack_is_shown_to_work() -> None:
    """No attack is in the list that has not succeeded anywhere: it would prove nothing."""
    for attack in ATTACKS:
        assert attack.targets[Engine.NAIVE] is Verdict.SUCCEEDS


def test_the_page_has_the_attacks_and_their_targets() -> None:
    """``docs/attacks.md`` names every attack with what must come of it on each engine, and no other."""
    rows = re.findall(
        r"^\| ([^|]+) \| [^|]+ \| (\w*) \| (\w*) \| (\w*) \| (\w*) \|", PAGE.read_text("utf-8"), re.MULTILINE
    )
    engines = (Engine.NAIVE, Engine.THRESHOLD, Engine.DP, Engine.CUSTOMERS)
    said = {name.strip(): tuple(targets) for name, *targets in rows if name.strip() != "attack"}
    assert said == {a.name: tuple(a.targets[e].value if e in a.targets else "" for e in engines) for a in ATTACKS}

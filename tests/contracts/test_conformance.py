"""The Python SDK is held to the conformance kit, and the kit to drivers with planted bugs."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from tests.contracts.kit.broken_driver import BUGS
from tests.contracts.kit.driver import PYTHON
from tests.contracts.kit.table import Check, checks, held, markdown

README = Path(__file__).resolve().parents[2] / "sdk/README.md"
CAUGHT_BY = {
    "new_id_for_each_try": "lost-answer",
    "believes_any_202": "portal-202",
    "drops_what_is_not_ours": "proxy-404",
    "tries_again_at_once": "429",
    "counts_without_consent": "nothing-before-consent",
    "no_daily_cap": "daily-cap",
    "markers_move_before_the_answer": "400",
    "days_in_utc": "local-days",
    "funnels_without_a_window": "funnel",
    "every_end_is_clean": "a-crash",
    "forgets_without_the_journal": "survives-a-kill",
    "withdrawal_keeps_tallies": "withdrawal",
    "follows_every_region": "region-unlisted",
    "moves_with_one_report": "not-owner",
}
"""For each planted bug a check that must catch it."""


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.name)
def test_the_python_sdk_conforms(check: Check) -> None:
    """Every behaviour and every fault of the kit, by the SDK's driver in a process of its own."""
    assert held(PYTHON, check) is None


@pytest.mark.parametrize("bug", BUGS)
def test_the_kit_catches_a_planted_bug(bug: str) -> None:
    """A driver with one bug is told no by the check that is about it."""
    (check,) = [check for check in checks() if check.name == CAUGHT_BY[bug]]
    assert held(f"{shlex.quote(sys.executable)} -m tests.contracts.kit.broken_driver {bug}", check) is not None


def test_the_readme_shows_the_table_of_the_run() -> None:
    """The SDK's README has exactly the rows that the kit checks."""
    assert markdown([(check, None) for check in checks()]) in README.read_text("utf-8")

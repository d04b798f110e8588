"""Workers are killed under load, with the loader, while devices retry on whichever is left."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from tests.crash.house import Plan, run_house

log = logging.getLogger(__name__)

KILLS = int(os.environ.get("HEADCOUNT_WORKER_KILLS", "500"))
"""How many workers are killed; set it to 10000 for a long run."""


@pytest.mark.timeout(120 + KILLS)
async def test_sigkill_of_workers_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """500 SIGKILLs: every acknowledged report is counted exactly once, every other at most once, the sums are right."""
    verdict, house = await run_house(tmp_path, Plan(KILLS))
    log.info("%s %s %s", house.killed, house.ledger.summary, verdict)
    assert verdict.clean, verdict
    assert set(house.ledger.answers) == {202}
    assert house.killed.workers == KILLS
    assert house.killed.serving > KILLS // 5, "many were killed with a segment open"
    assert house.killed.torn
    assert house.killed.loaders
    assert verdict.duplicates_dropped > house.ledger.repeats, "retries reached the spool twice"


BUGS = {
    "answers before write": Plan(20, worker="answers before write", torn=0.0),
    "appends to what it finds": Plan(20, worker="appends to what it finds", torn=1.0),
    "no dedup": Plan(20, loader="forgets ids", round_kills=8, in_step=True),
    "dedup not restored": Plan(20, loader="does not restore", round_kills=8, rounds=1, in_step=True),
}


@pytest.mark.parametrize("bug", BUGS)
async def test_a_planted_bug_is_caught(tmp_path: Path, bug: str) -> None:
    """A worker or a loader with this bug is found out by the same harness."""
    verdict, _ = await run_house(tmp_path, BUGS[bug])
    log.info("%s: %s", bug, verdict)
    assert not verdict.clean

"""Admission of every kind of measure: what a funnel, a problem or a quantity may say, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from headcount_wire.facts import Fact
from headcount_wire.report import Tally

from tests.ingest.conftest import report, running, settings_in
from tests.wire.test_kinds import text_of

SCREEN, FUNNEL, SESSION, END, PROBLEM, ROOMS = 1, 4, 5, 6, 7, 8
CASES = [
    ([Tally(FUNNEL, 0, Fact.STEP, 3, 1)], [], {}),
    ([], [Tally(FUNNEL, 0, Fact.STEP, 4, 1)], {"out_of_bounds": 1}),
    ([Tally(FUNNEL, 0, Fact.STEP, 1, 1)], [Tally(FUNNEL, 0, Fact.STEP, 2, 1)], {"twice": 1}),
    ([Tally(SCREEN, 2, Fact.MOVE, 0, 50), Tally(SCREEN, 2, Fact.COUNT, 0, 50)], [], {}),
    ([Tally(SCREEN, 2, Fact.MOVE, 0, 50)], [Tally(SCREEN, 3, Fact.MOVE, 2, 1)], {"over_cap": 1}),
    ([], [Tally(SCREEN, 2, Fact.MOVE, 4, 1), Tally(SCREEN, 0, Fact.MOVE, 2, 1)], {"out_of_bounds": 1, "wrong_fact": 1}),
    ([Tally(SESSION, 0, Fact.BUCKET, 130, 20)], [Tally(SESSION, 0, Fact.COUNT, 0, 1)], {"wrong_fact": 1}),
    ([Tally(END, 2, Fact.COUNT, 0, 1)], [Tally(END, 4, Fact.COUNT, 0, 1)], {"unknown_label": 1}),
    ([Tally(PROBLEM, 2, Fact.SEVERITY, 3, 1)], [Tally(PROBLEM, 2, Fact.SEVERITY, 4, 1)], {"out_of_bounds": 1}),
    ([Tally(ROOMS, 0, Fact.VALUE, 0, 10_000)], [], {}),
    ([], [Tally(ROOMS, 0, Fact.VALUE, 0, 10_001)], {"out_of_bounds": 1}),
    ([Tally(ROOMS, 0, Fact.VALUE, 0, 7)], [Tally(ROOMS, 0, Fact.VALUE, 0, 7)], {"twice": 1}),
]


@pytest.mark.parametrize(("good", "bad", "reasons"), CASES)
async def test_each_kind_says_what_it_may_and_no_more(
    tmp_path: Path, good: list[Tally], bad: list[Tally], reasons: dict[str, int]
) -> None:
    """What a kind may say is spooled; each tally beyond it is dropped with its own reason."""
    settings = settings_in(tmp_path)
    (tmp_path / "catalog.toml").write_text(text_of().replace("[purposes.diagnostics]", "[purposes.context]"))
    worker = await running(settings)
    try:
        status, body, _ = await worker.post(report(Tally(3, 0, Fact.DEVICES, 0, 1), *good, *bad, context={}))
        assert (status, body["admitted"], body["dropped"]) == (202, 1 + len(good), len(bad)), body
        ((_, record),) = worker.spooled()
        assert sorted(tally[1:] for tally in record.tallies) == sorted([(3, 0, Fact.DEVICES, 0, 1), *good])
        async with worker.session.get(f"{worker.admin}/metrics") as metrics:
            text = await metrics.text()
        counted = {line for line in text.splitlines() if line.startswith("headcount_edge_tallies_dropped_total{")}
        for reason, times in reasons.items():
            assert any(f'reason="{reason}"' in line and line.endswith(f" {times}.0") for line in counted), counted
    finally:
        await worker.close()
        await worker.session.close()

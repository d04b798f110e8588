"""What an edge refuses for good and drops is counted beside the spool; what somebody forbids is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from headcount_ingest.missed import KEPT_DAYS, Missed
from headcount_ingest.outcomes import Accepted, Refused
from headcount_wire.clock import ManualClock
from headcount_wire.problems import Dropped, Problem
from headcount_wire.report import Report, Tally

from tests.ingest.conftest import DEBUG_KEY, TODAY, Worker, report

DAY = 86_400.0


def rows(folder: Path, day: int = TODAY) -> list[list[object]]:
    path = folder / "missed" / f"{day}.json"
    return json.loads(path.read_bytes()) if path.exists() else []


@pytest.mark.parametrize(
    ("body", "key", "counted"),
    [
        (report(Tally(1, 0, 4, 31, 1), Tally(2, 2, 1, 0, 6)), None, [[11, 3, "2", 1]]),
        (report(Tally(1, 0, 4, 31, 1), Tally(9, 0, 1, 0, 1)), None, []),
        (report(Tally(1, 0, 4, 31, 1), Tally(4, 0, 8, 3, 1)), None, []),
        (report(day=TODAY - 36), None, [[11, 3, "reports", 1]]),
        (report(catalog=2), None, [[11, 3, "reports", 1]]),
        (report(purposes={}), None, []),
        (b"{", None, [[11, 3, "reports", 1]]),
        (b"{", DEBUG_KEY, []),
        (report(), None, []),
    ],
    ids=["over cap", "no measure", "not granted", "too old", "no catalog", "no consent", "malformed", "debug", "fine"],
)
async def test_a_worker_counts_what_is_missing(
    worker: Worker, body: bytes | Report, key: str | None, counted: list[list[object]]
) -> None:
    """By day, Customer, app and measure, once a report; a no is missed by nobody, and a debug key's report neither."""
    await (worker.post(body, key=key) if key else worker.post(body))
    worker.stop.set()
    await worker.task
    assert rows(worker.settings.spool / worker.settings.worker) == counted


def test_a_new_process_goes_on_counting(tmp_path: Path) -> None:
    """What a worker that died had counted today is counted on; another day has a file of its own."""
    clock = ManualClock(TODAY * DAY)
    for times in (3, 4):
        missed = Missed(tmp_path, clock)
        for _ in range(times):
            missed.note(Refused(Problem.MALFORMED, customer=11, app=3))
        missed.write()
    assert rows(tmp_path) == [[11, 3, "reports", 7]]
    clock.advance(DAY)
    missed.note(Accepted(11, 5, {(2, Dropped.OVER_CAP): 3, (2, Dropped.TWICE): 1}, 3))
    missed.write()
    assert rows(tmp_path) == [[11, 3, "reports", 7]]
    assert rows(tmp_path, TODAY + 1) == [[11, 3, "2", 1]]


def test_old_days_are_forgotten(tmp_path: Path) -> None:
    """A file that no release can ask for any more is gone."""
    clock = ManualClock(TODAY * DAY)
    missed = Missed(tmp_path, clock)
    missed.note(Refused(Problem.MALFORMED, customer=11, app=3))
    missed.write()
    clock.advance((KEPT_DAYS + 1) * DAY)
    missed.note(Refused(Problem.MALFORMED, customer=11, app=3))
    missed.write()
    assert [path.name for path in (tmp_path / "missed").iterdir()] == [f"{TODAY + KEPT_DAYS + 1}.json"]


def test_a_disk_that_takes_nothing_stops_nobody(tmp_path: Path) -> None:
    """Where the file cannot be written, the worker goes on and tries again."""
    missed = Missed(tmp_path / "gone", ManualClock(TODAY * DAY))
    missed.note(Refused(Problem.MALFORMED, customer=11, app=3))
    missed.write()
    (tmp_path / "gone").mkdir()
    missed.write()
    assert rows(tmp_path / "gone") == [[11, 3, "reports", 1]]

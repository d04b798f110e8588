"""The disclosure log: whole lines in one chain, through SIGKILL, several writers and whoever changes a byte."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from headcount_aggregator.disclosure.entry import DamagedError, Event, hash_of, parse
from headcount_aggregator.disclosure.log import DisclosureLog, audit
from headcount_wire.clock import ManualClock, SystemClock

KILLS = 12
WRITER = """\
import sys
from pathlib import Path
from headcount_aggregator.disclosure.entry import Event
from headcount_aggregator.disclosure.log import DisclosureLog
from headcount_wire.clock import SystemClock
log = DisclosureLog(Path(sys.argv[1]), SystemClock())
while True:
    print(log.add(Event.READ, {"reader": "pm", "what": "x" * 900}).place, flush=True)
"""


@pytest.fixture
def log(tmp_path: Path) -> DisclosureLog:
    return DisclosureLog(tmp_path, ManualClock(1_700_000_000.0))


def filled(log: DisclosureLog, entries: int = 5) -> None:
    for number in range(entries):
        log.add(Event.EXPORTED, {"reader": "pm", "figure": f"people-{number}"})


def lines(folder: Path) -> list[bytes]:
    return (folder / "log.jsonl").read_bytes().split(b"\n")


def test_every_entry_names_the_one_before_it(log: DisclosureLog, tmp_path: Path) -> None:
    """Entries come back as they were added, each with the hash of the line before it."""
    filled(log)
    found = audit(tmp_path)
    assert found.faults == []
    assert [entry.about["figure"] for entry in found.entries] == [f"people-{number}" for number in range(5)]
    assert [entry.previous for entry in found.entries[1:]] == found.hashes[:-1]
    assert list(log.entries()) == found.entries


def test_writers_take_turns(tmp_path: Path) -> None:
    """Four logs on one folder, as four processes have, make one chain without a gap."""
    logs = [DisclosureLog(tmp_path, SystemClock()) for _ in range(4)]
    threads = [threading.Thread(target=filled, args=(one, 10)) for one in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = audit(tmp_path)
    assert found.faults == []
    assert len(found.entries) == 40


def test_sigkill_loses_no_acknowledged_entry(tmp_path: Path) -> None:
    """Killed at any moment, what was acknowledged stands in the log, whole, and the next writer goes on."""
    acknowledged = -1
    for kill in range(KILLS):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        for line in _some(writer.stdout, 3 + kill):
            acknowledged = int(line)
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read().split(b"\n")[:-1]
        writer.wait()
        writer.stdout.close()
        acknowledged = int(rest[-1]) if rest else acknowledged
        found = audit(tmp_path)
        assert found.faults == []
        assert found.entries[-1].place in (acknowledged, acknowledged + 1)
    assert acknowledged > 3 * KILLS


def _some(stream: object, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield stream.readline()  # type: ignore[attr-defined]  # a pipe


def test_a_line_cut_short_is_cut_away(log: DisclosureLog, tmp_path: Path) -> None:
    """Half a line, as a crash leaves it at any length, is no entry; the next one stands in its place."""
    filled(log)
    whole = (tmp_path / "log.jsonl").read_bytes()
    log.add(Event.READ, {"reader": "late"})
    longer = (tmp_path / "log.jsonl").read_bytes()
    for size in range(len(whole), len(longer)):
        (tmp_path / "log.jsonl").write_bytes(longer[:size])
        (tmp_path / "head").write_text(audit_head(whole), "ascii")
        before = audit(tmp_path)
        assert (before.faults, len(before.entries), before.unfinished) == ([], 5, size > len(whole))
        log.add(Event.READ, {"reader": "again"})
        after = audit(tmp_path)
        assert (after.faults, len(after.entries), after.unfinished) == ([], 6, False)
        assert after.entries[-1].about == {"reader": "again"}


def audit_head(data: bytes) -> str:
    last = data.rstrip(b"\n").split(b"\n")[-1]
    return f"{parse(last).place} {hash_of(last)}"


def test_any_changed_byte_is_noticed(log: DisclosureLog, tmp_path: Path) -> None:
    """Whatever byte of the log is another than it was, the audit says so."""
    filled(log, 3)
    whole = (tmp_path / "log.jsonl").read_bytes()
    for at in range(len(whole)):
        (tmp_path / "log.jsonl").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert audit(tmp_path).faults, at
    (tmp_path / "log.jsonl").write_bytes(whole)
    assert audit(tmp_path).faults == []


@pytest.mark.parametrize("place", range(5))
def test_a_line_taken_out_or_moved_is_noticed(log: DisclosureLog, tmp_path: Path, place: int) -> None:
    """A line that is missing, the last one too, or stands elsewhere breaks the chain."""
    filled(log)
    kept = lines(tmp_path)
    without = kept[:place] + kept[place + 1 :]
    (tmp_path / "log.jsonl").write_bytes(b"\n".join(without))
    assert audit(tmp_path).faults
    moved = [kept[place], *without]
    if moved != kept:
        (tmp_path / "log.jsonl").write_bytes(b"\n".join(moved))
        assert audit(tmp_path).faults


def test_a_log_made_anew_is_told_by_a_head_kept_elsewhere(log: DisclosureLog, tmp_path: Path) -> None:
    """Who rewrites log and head leaves no fault in them; the head that an auditor noted is in it no more."""
    filled(log)
    noted = audit(tmp_path).head
    filled(log, 2)
    assert audit(tmp_path).holds(noted)
    for path in tmp_path.iterdir():
        path.unlink()
    for number in range(7):
        log.add(Event.EXPORTED, {"reader": "pm", "figure": f"other-{number}"})
    found = audit(tmp_path)
    assert found.faults == []
    assert not found.holds(noted)


def test_nothing_is_added_to_a_log_that_ends_in_what_is_no_entry(log: DisclosureLog, tmp_path: Path) -> None:
    """A damaged end is not built upon: the entry is refused, and with it what it should have said."""
    filled(log)
    with (tmp_path / "log.jsonl").open("ab") as file:
        file.write(b'{"place": 5}\n')
    with pytest.raises(DamagedError):
        log.add(Event.READ, {"reader": "pm"})


def test_every_event_has_its_sentence() -> None:
    """The list of events is closed, and each says what it means."""
    assert all(event.sentence for event in Event)

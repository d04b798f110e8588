"""What the loader sees of the spool."""

from __future__ import annotations

from pathlib import Path

import pytest
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.spool_reader import drained, forget_set_aside, oldest_day

NOON = 20_000 * 86_400.0 + 43_200.0


def segment(spool: Path, begun: float, suffix: str) -> Path:
    path = spool / "w0" / f"{int(begun * 1e9):020d}-{'0' * 16}-000001{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize("suffix", [".open", ".seg"])
def test_a_spool_is_drained_though_newer_segments_wait(tmp_path: Path, suffix: str) -> None:
    """Under load there is always a segment; only those begun up to the moment hold a release back."""
    segment(tmp_path, NOON + 1, suffix)
    assert drained(tmp_path, NOON)
    older = segment(tmp_path, NOON - 1, suffix)
    assert not drained(tmp_path, NOON)
    older.unlink()
    assert drained(tmp_path, NOON)


def test_the_oldest_segment_counts_whoever_holds_it(tmp_path: Path) -> None:
    """A segment that a dead worker left open is as old as its name says; an empty spool has no oldest."""
    assert oldest_day(tmp_path) is None
    segment(tmp_path, NOON, ".seg")
    segment(tmp_path, NOON - 3 * 86_400.0, ".open")
    assert oldest_day(tmp_path) == 19_997


def test_what_was_set_aside_is_forgotten_after_its_window(tmp_path: Path) -> None:
    """A file that could not be read holds stripped records too, so it does not stay for ever."""
    old, new = segment(tmp_path, NOON - 9 * 86_400.0, ".bad"), segment(tmp_path, NOON, ".bad")
    forget_set_aside(tmp_path, 19_993, Disk())
    assert (old.exists(), new.exists()) == (False, True)

"""A disk that changes bytes: no wrong record is read, and what cannot be read is counted."""

from __future__ import annotations

import logging
import os
import random
import types
import zlib
from collections import Counter
from pathlib import Path

import pytest
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.load.unit import Units
from headcount_aggregator.warehouse.embedded import open_embedded
from headcount_wire import segment
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import parse_organisation

from tests.aggregator.conftest import CUT_CATALOG, ORGANISATION, TODAY
from tests.crash.damage import FILES, Findings, read_spool, recover, swap_and_double, write_spool
from tests.crash.test_planted_bugs import totals

log = logging.getLogger(__name__)

CORRUPTIONS = int(os.environ.get("HEADCOUNT_CORRUPTIONS", "2000"))
"""How many files are damaged; set it to 20000 for a long run."""


class Whatever(int):
    """A checksum that equals any other."""

    def __eq__(self, _: object) -> bool:
        return True

    def __ne__(self, _: object) -> bool:
        return False

    __hash__ = int.__hash__


def corrupted(folder: Path, seed: int, files: int = FILES) -> Findings:
    """Write a spool with damage in every file, recover it, read it."""
    draw = random.Random(seed)
    written, model = write_spool(folder, draw, files)
    recover(folder)
    return read_spool(folder, written, model)


def test_damage_makes_no_wrong_record_and_no_silent_loss(tmp_path: Path) -> None:
    """2,000 files with bits flipped, ranges zeroed, cut, inserted, removed or repeated, sealed and open.

    Every record is read exactly as it was written, or counted as lost. Two losses cannot be told from a healthy
    file: the end of a file that was still open, and whole records taken out of a sealed one.
    """
    total = Findings()
    for seed in range(CORRUPTIONS // FILES):
        total.add(corrupted(tmp_path / str(seed), seed))
    log.info("%s", total)
    assert total.files == CORRUPTIONS
    assert not total.wrong
    assert not total.silent, total.silent
    assert total.read > 3 * CORRUPTIONS
    assert total.counted_lost > CORRUPTIONS // 4


def test_without_checksums_wrong_records_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same look at a reader that does not check finds wrong records by the hundred."""
    monkeypatch.setattr(segment, "zlib", types.SimpleNamespace(crc32=lambda *data: Whatever(zlib.crc32(*data))))
    assert sum(corrupted(tmp_path / str(seed), seed).wrong for seed in range(20)) > 300


def test_the_loader_counts_what_is_whole_of_a_damaged_spool(tmp_path: Path) -> None:
    """Into the warehouse go the sums of exactly the records that were read, though files were swapped and doubled."""
    (tmp_path / "catalog.toml").write_text(CUT_CATALOG)
    organisation = parse_organisation(ORGANISATION, tmp_path)
    warehouse = open_embedded(tmp_path / "warehouse")
    draw = random.Random(1)
    written, model = write_spool(tmp_path / "spool", draw, 150)
    swap_and_double(tmp_path / "spool", draw)
    clock = ManualClock(TODAY * 86_400.0)
    loader = Loader(tmp_path / "spool", tmp_path / "units", organisation, warehouse, clock)
    result = loader.load_once()
    loader.flush_all()
    loader.close()
    counted = [report_id for report_id, _ in Units(tmp_path / "units", Disk()).ids()]
    sums: Counter[tuple[int, ...]] = Counter()
    for report_id in counted:
        for day, measure, label, fact, slot, n in model[report_id].tallies:
            sums[day, measure, label, fact, slot] += n
    assert totals(warehouse) == sums
    warehouse.close()
    assert len(counted) == len(set(counted)) == result.records > 300
    assert result.duplicates, "a file that stands there twice"
    assert result.lost >= result.damaged > 20
    assert result.quarantined == len(list((tmp_path / "spool").glob("*/*.bad")))
    assert result.quarantined < len(written)

"""The loader, its database and its roll-up are killed at random; the sums stay those of the model."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.rollup import watermark
from headcount_aggregator.warehouse.embedded import open_embedded
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import parse_organisation

from tests.aggregator.conftest import CUT_CATALOG, ORGANISATION, TODAY, Spooled, record_of, spool
from tests.crash.test_planted_bugs import totals

KILLS = int(os.environ.get("HEADCOUNT_KILLS", "13"))
"""How often each of the two runs is killed; set it to 300 for a long run."""

PROGRAM = """
import pathlib, sys
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.warehouse.embedded import open_embedded
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import load_organisation
folder, day = pathlib.Path(sys.argv[1]), int(sys.argv[2])
clock = ManualClock(day * 86_400.0)
loader = Loader(folder / "spool", folder / "units", load_organisation(folder / "organisation.toml"),
    open_embedded(folder / "warehouse"), clock)
print("ready", flush=True)
while True:
    loader.load_once()
    loader.compact()
    loader.forget()
    print("round", flush=True)
"""


@pytest.mark.parametrize("seed", range(2))
def test_sigkill_at_random_changes_no_number(tmp_path: Path, seed: int) -> None:
    """Killed while it loads, rolls up or forgets, day after day: no report lost, none doubled."""
    (tmp_path / "catalog.toml").write_text(CUT_CATALOG)
    (tmp_path / "organisation.toml").write_text(ORGANISATION)
    draw, count = random.Random(seed), Spooled()
    for kill in range(KILLS):
        day = TODAY + kill // 2
        for worker in range(2):
            records = [(draw.randbytes(16), record_of(draw, day=day)) for _ in range(draw.randint(5, 40))]
            again = [(old, record_of(random.Random(1), day=day)) for old in count.ids[-3:]]
            spool(tmp_path / "spool", records + again, f"w{worker}", count=count)
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), str(day)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", "the process that is killed is the one that loads"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(draw.choice((0.0, 0.02, 0.05, 0.1, 0.3)))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    warehouse = open_embedded(tmp_path / "warehouse")
    clock = ManualClock((TODAY + KILLS) * 86_400.0)
    last = Loader(tmp_path / "spool", tmp_path / "units", parse_organisation(ORGANISATION, tmp_path), warehouse, clock)
    last.load_once()
    last.flush_all()
    assert totals(warehouse) == dict(count.totals)
    last.compact()
    assert totals(warehouse) == dict(count.totals)
    assert watermark(warehouse) > TODAY
    last.close()
    warehouse.close()

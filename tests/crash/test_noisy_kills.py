"""SIGKILL while noise is drawn, drafted and sealed: nothing that was drafted is drawn again, nothing sealed changes."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import orjson
from headcount_aggregator.release.run import Releaser
from headcount_aggregator.sealed_chain import verify
from headcount_wire.organisation import Organisation

from tests.aggregator.world import FIRST_DAY
from tests.attacks.memory_cells import MemoryCells
from tests.crash.noisy_child import cells, organisation

SPAN = 12
KILLS = 6
ROOT = Path(__file__).parents[2]


def files(folder: Path, kind: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "releases/1-1").glob(f"*.{kind}"))}


def killed_after(folder: Path, sealed: int, draw: random.Random) -> bool:
    """Let the child release until so many files are sealed and a moment more, kill it; whether it was at work."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.noisy_child", str(folder), str(SPAN)], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"begins\n"
    while len(list((folder / "releases/1-1").glob("*.json"))) < sealed and child.poll() is None:
        for _ in range(draw.randrange(2_000)):
            pass
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read()
    child.stdout.close()
    child.wait()
    return b"done" not in rest


def test_noise_is_drawn_once_through_kills(tmp_path: Path) -> None:
    """Killed again and again: every sealed file stays as it is, and every draft that was there is what is sealed."""
    draw, seen, drafts, killed = random.Random(5), dict[str, bytes](), dict[str, bytes](), 0
    for at in range(1, KILLS + 1):
        killed += killed_after(tmp_path, at, draw)
        now = files(tmp_path, "json")
        assert {name: now[name] for name in seen} == seen
        seen = now
        drafts |= files(tmp_path, "draft")
    finish(tmp_path, organisation(tmp_path), cells(SPAN))
    sealed = files(tmp_path, "json")
    assert {name: sealed[name] for name in seen} == seen
    by_period = {name[7:-5]: orjson.loads(data) for name, data in sealed.items()}
    for name, data in drafts.items():
        drafted = orjson.loads(data)
        assert by_period[name.removesuffix(".draft")]["noisy"] == drafted["header"]["noisy"]
        assert by_period[name.removesuffix(".draft")]["numbers"] == drafted["numbers"]
    assert verify(tmp_path / "releases/1-1") == SPAN + 3  # a day more is frozen, and two weeks
    assert not files(tmp_path, "draft")
    assert killed >= KILLS // 2


def finish(folder: Path, of: Organisation, reader: MemoryCells) -> None:
    Releaser(folder / "releases", reader).release_due(of, FIRST_DAY + SPAN + 4)

"""The real log tap and a real edge: from lines of a log that rotates to sums on the edge's disk."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from headcount_wire import days
from headcount_wire.clock import ManualClock, SystemClock

from tests.headcount.logtap.processes import edge_settings, lives_on, prepared, spooled, tap
from tests.headcount.logtap.world import DECLARED, Log
from tests.ingest.conftest import running

KILLS = int(os.environ.get("HEADCOUNT_KILLS", "4"))
"""How often the tap is killed; set it higher for a long run."""


class Writer:
    """A server that writes a log, and logrotate."""

    def __init__(self, file: Path, log: Log) -> None:
        self.file, self.log = file, log
        self.out = file.open("ab", buffering=0)

    def write(self) -> None:
        self.out.write(self.log.lines(40))

    def shift(self) -> Path:
        for number in range(3 * KILLS, 0, -1):
            if (old := self.file.with_name(f"access.log.{number}")).exists():
                old.rename(self.file.with_name(f"access.log.{number + 1}"))
        return self.file.with_name("access.log.1")

    def rename(self) -> None:
        self.file.rename(self.shift())
        self.write()  # a server goes on with the old file until it is told
        self.out.close()
        self.out = self.file.open("ab", buffering=0)

    def copy(self) -> None:
        shutil.copyfile(self.file, self.shift())
        os.truncate(self.file, 0)


def kept_place(folder: Path) -> int:
    """The offset that the state on the disk holds; 0 where there is none."""
    state = folder / "state/state"
    return int(json.loads(state.read_bytes().partition(b"\n")[2])["position"][1]) if state.exists() else 0


def killed_again_and_again(folder: Path, log: Log, rotation: str, draw: random.Random) -> None:
    """Write and rotate while the tap runs and while it does not, and kill it at random moments."""
    writer = Writer(folder / "access.log", log)
    for kill in range(KILLS):
        with tap(folder, "--from-start") as process:
            while not (folder / "state/state").exists():  # its very first start knows of no log put aside
                lives_on(process, 0.02)
            for _ in range(draw.randint(1, 3)):
                writer.write()
                lives_on(process, draw.uniform(0.0, 0.4))
            if kill % 2:
                if rotation == "copy":
                    while not kept_place(folder):  # a copy is known by what stands before the place
                        writer.write()
                        lives_on(process, 0.02)
                getattr(writer, rotation)()
            writer.write()
            lives_on(process, draw.uniform(0.0, 0.8))
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL, "what was killed is what ran"
        writer.write()
        if kill % 3 == 0 and rotation == "rename":
            writer.rename()
    writer.out.close()


@pytest.mark.parametrize("rotation", ["rename", "copy"])
async def test_sigkill_and_rotation_change_no_number(tmp_path: Path, rotation: str) -> None:
    """Killed at random while the log rotates: the sums on the edge's disk are those of the lines, to the last one."""
    codes = prepared(tmp_path)
    clock = SystemClock()
    worker = await running(edge_settings(tmp_path), clock=ManualClock(clock.now()))
    prepared(tmp_path, worker.url)
    draw = random.Random(rotation)
    log = Log(draw, day=days.utc_day(clock.now()))
    await asyncio.to_thread(killed_again_and_again, tmp_path, log, rotation, draw)

    def the_rest() -> tuple[int, dict[str, dict[str, int]]]:
        with tap(tmp_path, "--once", "--json") as process:
            out, _ = process.communicate(timeout=60)
            return process.returncode, json.loads(out)

    code, account = await asyncio.to_thread(the_rest)
    await worker.close()
    await worker.session.close()
    assert code == 0
    assert account["lines"]["counted"] == account["requests"]["accepted"] == log.requests
    assert sum(account["lines"].values()) == sum(account["requests"].values()) == log.requests
    found, once = spooled(tmp_path, codes)
    assert found == log.expected
    assert set(once.values()) == {1}


async def test_standard_input_is_counted_to_its_end(tmp_path: Path) -> None:
    """Lines from a pipe, the last one without its end: all on the edge's disk when the command ends."""
    prepared(tmp_path)
    worker = await running(edge_settings(tmp_path), clock=ManualClock(SystemClock().now()))
    codes = prepared(tmp_path, worker.url, DECLARED.replace('file = "access.log"\n', ""))
    log = Log(random.Random(1), day=days.utc_day(SystemClock().now()))

    def piped() -> int:
        with tap(tmp_path, stdin=subprocess.PIPE) as process:
            process.communicate(log.lines(5000).removesuffix(b"\n"), timeout=60)
            return process.returncode

    assert await asyncio.to_thread(piped) == 0
    await worker.close()
    await worker.session.close()
    assert spooled(tmp_path, codes)[0] == log.expected

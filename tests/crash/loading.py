"""The loader as a process of its own, to be killed: ``python -m tests.crash.loading FOLDER VARIANT``.

A line of standard input is one round; ``end`` is the last, which also loads what small groups hold.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from headcount_aggregator.load.loader import Loader
from headcount_aggregator.warehouse.embedded import open_embedded
from headcount_wire.clock import SystemClock
from headcount_wire.organisation import load_organisation

from tests.crash.ledger import Total
from tests.crash.nursery import PATIENCE_SECONDS, ROOT
from tests.crash.test_planted_bugs import DoesNotRestore, ForgetsIds, totals

LOADERS: Mapping[str, type[Loader]] = {
    "real": Loader,
    "forgets ids": ForgetsIds,
    "does not restore": DoesNotRestore,
}


class Loading:
    """One life of the loader's process."""

    def __init__(self, folder: Path, variant: str) -> None:
        self._folder = folder
        self._variant = variant

    async def start(self) -> None:
        """Start it; it is ready when this returns."""
        command = (sys.executable, "-m", "tests.crash.loading", str(self._folder), self._variant)
        with (self._folder / "loader.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=-1, stdout=-1, stderr=log, cwd=ROOT, limit=2**20
            )
        assert await self._line() == {"ready": True}, "the process that is killed is the one that loads"

    async def load(self, word: str = "load") -> dict[str, Any]:
        """One round: what the loader did."""
        self.begin(word)
        return await self._line()

    def begin(self, word: str = "load") -> None:
        """Have a round begun, and do not wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.write(word.encode() + b"\n")

    async def kill(self) -> None:
        """End it as SIGKILL does."""
        self._process.send_signal(signal.SIGKILL)
        await self._gone(-signal.SIGKILL)

    async def end(self) -> tuple[dict[str, Any], Mapping[Total, int]]:
        """The last round, and every sum in the warehouse."""
        done = await self.load("end")
        found: dict[Total, int] = {(d, m, label, f, s): n for d, m, label, f, s, n in done.pop("totals")}
        await self._gone(0)
        return done, found

    async def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE_SECONDS)
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def _gone(self, code: int) -> None:
        assert await asyncio.wait_for(self._process.wait(), PATIENCE_SECONDS) == code


def main(folder: Path, variant: str) -> None:
    """Load at each word."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the loader logs is no answer

    def say(**line: object) -> None:
        answers.write(json.dumps(line) + "\n")
        answers.flush()

    warehouse = open_embedded(folder / "warehouse")
    organisation = load_organisation(folder / "organisation.toml")
    loader = LOADERS[variant](folder / "spool", folder / "units", organisation, warehouse, SystemClock())
    say(ready=True)
    for word in sys.stdin:
        result = loader.load_once()
        if word.strip() == "end":
            loader.flush_all()
            say(**asdict(result), totals=[[*key, n] for key, n in totals(warehouse).items()])
            break
        say(**asdict(result))
    loader.close()
    warehouse.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

"""A driver's process: commands go in as lines of JSON, answers come back as lines of JSON."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

PYTHON = f"{shlex.quote(sys.executable)} -m tests.contracts.kit.python_driver"
ROOT = Path(__file__).resolve().parents[3]


class DriverFailedError(Exception):
    """The driver answered with an error, or not at all."""


class Driver:
    """One device: what it was opened with, and the process that plays it now."""

    def __init__(self, command: str, opened_with: dict[str, Any]) -> None:
        self._command = command
        self._opened_with = opened_with
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Driver:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def open(self) -> None:
        """Start a process and have it open the device's state."""
        self._process = subprocess.Popen(  # the driver is named by whoever runs the kit
            shlex.split(self._command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.ask("open", **self._opened_with)

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {}
        if not answer.get("ok"):
            raise DriverFailedError(f"{do}: {answer.get('error', 'no answer')}")
        return answer

    def now_is(self, now: float) -> None:
        """The next process begins at this time."""
        self._opened_with["now"] = now

    def kill(self) -> None:
        """End the process as SIGKILL does."""
        if self._process is not None:
            self._process.kill()
            self._close_pipes()

    def _close_pipes(self) -> None:
        process, self._process = self._process, None
        assert process is not None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait(30)

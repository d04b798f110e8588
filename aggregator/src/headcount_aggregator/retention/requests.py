"""Requests to erase a Customer: a file each, in a folder that the store looks at. It goes when nothing is left."""

from __future__ import annotations

import json
from pathlib import Path

from headcount_aggregator.load.disk import Disk
from headcount_aggregator.retention.plan import Rule


class Requests:
    """The folder of requests."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._folder = folder
        self._disk = disk or Disk()

    def ask(self, customer: int, rule: Rule = Rule.ERASED) -> None:
        """Ask for a Customer (its code) to be erased; the request is on the disk when this returns."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self._folder / f"{int(customer)}.new"
        self._disk.write(temporary, json.dumps({"rule": rule.value}).encode())
        self._disk.rename(temporary, self._path(customer))

    def waiting(self) -> list[tuple[int, Rule]]:
        """The Customers to be erased, and why."""
        paths = sorted(self._folder.glob("*.json")) if self._folder.is_dir() else []
        return [(int(path.stem), self._rule(path)) for path in paths if path.stem.isdecimal()]

    def done(self, customer: int) -> None:
        """Nothing is left of a Customer."""
        self._disk.remove(self._path(customer))
        self._disk.sync(self._folder)

    def _path(self, customer: int) -> Path:
        return self._folder / f"{int(customer)}.json"

    def _rule(self, path: Path) -> Rule:
        try:
            return Rule(json.loads(path.read_bytes())["rule"])
        except (OSError, ValueError, KeyError, TypeError):
            return Rule.ERASED

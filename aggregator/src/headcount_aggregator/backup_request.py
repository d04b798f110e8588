"""A running store is asked for a backup by a file in its data folder, and answers by another."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

REQUEST, ANSWER = "backup-request.json", "backup-answer.json"


def ask(data: Path, folder: Path) -> str | None:
    """Ask the store of a data folder to write a backup into a folder; returns the name of the request.

    ``None`` where another request stands, which the store has not answered yet.
    """
    name = secrets.token_hex(8)
    new = data / f"{REQUEST}.{name}.tmp"
    new.write_text(json.dumps({"request": name, "into": str(folder.resolve())}), "utf-8")
    try:
        (data / REQUEST).hardlink_to(new)
    except FileExistsError:
        return None
    finally:
        new.unlink()
    return name


def answer(data: Path, name: str) -> str | None:
    """What the store said to a request: empty when the backup is whole, else why not; ``None`` before it answered."""
    found = _get(data / ANSWER)
    return str(found["fault"]) if found and found.get("request") == name else None


def serve(data: Path, write: Callable[[Path], str]) -> None:
    """Write the backup that is asked for, if one is. ``write`` returns what is wrong, or nothing."""
    asked = _get(data / REQUEST)
    if asked is None:
        return
    fault = write(Path(asked["into"]))
    _put(data / ANSWER, {"request": asked["request"], "fault": fault})
    (data / REQUEST).unlink()


def _get(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found


def _put(path: Path, plain: dict[str, Any]) -> None:
    path.with_suffix(".tmp").write_text(json.dumps(plain), "utf-8")
    path.with_suffix(".tmp").rename(path)

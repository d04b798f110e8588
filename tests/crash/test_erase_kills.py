"""SIGKILL while a store drops and erases: whatever step it dies at, the next start leaves what it should."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.crash.erasing import KEPT_FROM, RESULT, begin, finish, in_a_process, keep

MOST_STEPS = 200
EVERY = int(os.environ.get("HEADCOUNT_ERASE_EVERY", "6"))
"""At one step of so many it is killed; set it to 1 for a long run. Every step is died at in ``test_keeping``."""


@pytest.mark.parametrize("what", ["disk", "tables"])
def test_killed_at_any_step_what_should_go_is_gone_and_nothing_else(tmp_path: Path, what: str) -> None:
    """A Customer that is erased leaves nothing, months and releases go as agreed, and no other number moves.

    SIGKILL before, in the middle of and after changes of files, and before and after changes of tables.
    """
    house = tmp_path / "house"
    house.mkdir()
    assert in_a_process(begin, house) == 0
    expected = _finished(house, tmp_path / "0")
    assert expected["traces"] == []
    assert expected["held"] == {"2024-08": [12], "2024-10": [12]}
    assert expected["releases"] == {"3": 2, "4": 3}
    assert min(cell[0] for cell in expected["cells"]) >= KEPT_FROM
    for step in range(1, MOST_STEPS, EVERY):
        folder = tmp_path / str(step)
        shutil.copytree(house, folder, symlinks=True)
        code = in_a_process(keep, folder, step if what == "disk" else 0, step if what == "tables" else 0)
        assert code in (0, -signal.SIGKILL)
        assert _finished(folder, None) == expected, f"killed at step {step} of the {what}"
        shutil.rmtree(folder)
        if code == 0:
            assert step > 10
            return
    pytest.fail("there are more steps than this test tries")


def _finished(folder: Path, copy: Path | None) -> dict[str, Any]:
    if copy is not None:
        shutil.copytree(folder, copy, symlinks=True)
        folder = copy
    assert in_a_process(finish, folder) == 0
    found: dict[str, Any] = json.loads((folder / RESULT).read_text())
    return found

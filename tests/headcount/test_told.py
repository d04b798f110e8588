"""What signals tell the process that runs the house."""

from __future__ import annotations

import subprocess
import sys

STORM = """
import os, signal, threading, time
from headcount.told import Told

asked = []
told = Told(lambda: asked.append(None))
ended = threading.Event()

def storm():
    while not ended.is_set():
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(0.002)

threading.Thread(target=storm, daemon=True).start()
stopped = told.wait(0.1)
ended.set()
print(stopped, len(asked) > 1, told.wait(0.0))
"""


def test_reloads_asked_for_do_not_make_a_wait_longer() -> None:
    """A wait ends in its time however often a reload is asked for meanwhile, and each time asked is heard."""
    inside = [sys.executable, "-c", STORM]
    ended = subprocess.run(inside, capture_output=True, text=True, timeout=30, check=True, start_new_session=True)
    assert ended.stdout.split() == ["False", "True", "False"]

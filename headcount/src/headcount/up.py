"""``headcount up``: the house for real, on the system's clock, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

from headcount_wire.errors import DeclarationError
from headcount_wire.organisation import load_organisation
from pydantic import ValidationError
from rich.console import Console

from headcount.settings import load_settings
from headcount.stack import NotReadyError, Stack


def run_up(config: Path | None, out: Console, err: Console) -> int:
    """Run every process until SIGTERM or SIGINT; the exit code says how it ended."""
    try:
        settings = load_settings(config)
        load_organisation(settings.organisation)
    except ValidationError as error:
        for fault in error.errors():
            err.print(f"{config}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}", markup=False)
        return 2
    except OSError as error:
        err.print(f"{error.filename}: cannot be read ({error.strerror}).", markup=False)
        return 2
    except DeclarationError as error:
        err.print(str(error), markup=False)
        return 2
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    with Stack(settings) as stack:
        try:
            stack.await_ready()
        except NotReadyError as error:
            err.print(str(error), style="red")
            return 1
        out.print(f"edge       {stack.edge}\ndashboard  {stack.dashboard}", highlight=False)
        asked.wait()
        out.print("stopping: the edges drain first")
    return 0

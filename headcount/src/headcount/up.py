"""``headcount up``: the house for real, on the system's clock, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

from headcount_wire.errors import DeclarationError
from headcount_wire.organisation import Organisation, load_organisation
from pydantic import ValidationError
from rich.console import Console

from headcount.dev import Dev, prepare
from headcount.preflight import ObstacleError, ready_to_start
from headcount.settings import Settings, load_settings
from headcount.stack import NotReadyError, Stack, StoppedError


def run_up(config: Path | None, catalog: Path | None, out: Console, err: Console) -> int:
    """Run every process until SIGTERM or SIGINT; the exit code says how it ended.

    With a ``catalog`` the house is a developer's own: see ``headcount.dev``.
    """
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    try:
        if config and catalog:
            raise ValueError("--config and --dev do not go together: --dev makes its own settings.")
        dev = prepare(catalog) if catalog else None
        settings = dev.settings if dev else load_settings(config)
        organisation = load_organisation(settings.organisation)
    except ValidationError as error:
        for fault in error.errors():
            _say(err, f"{config or 'settings'}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}")
        return 2
    except OSError as error:
        _say(err, f"{error.filename}: cannot be read ({error.strerror}).")
        return 2
    except (DeclarationError, ValueError) as error:
        _say(err, str(error))
        return 2
    try:
        with ready_to_start(settings):
            return _run(settings, organisation, dev, asked, out)
    except (ObstacleError, NotReadyError) as error:
        _say(err, str(error))
        return 1


def _run(settings: Settings, organisation: Organisation, dev: Dev | None, asked: threading.Event, out: Console) -> int:
    with Stack(settings) as stack:
        try:
            stack.await_ready(stop=asked)
        except StoppedError:
            return 0
        if dev:
            _say(
                out,
                f"edge        {stack.edge}\ndebug key   {dev.debug_key}\nlive key    {dev.live_key}\n"
                f"dashboard   {stack.dashboard}/?token={dev.token}\n"
                f"debug page  {stack.dashboard}{dev.page} once signed in\n"
                "What a debug key sends stands under Debug within seconds; live numbers are released by day.",
            )
        else:
            _say(out, f"edge       {stack.edge}\ndashboard  {stack.dashboard}/?token=<a reader's token>")
        if not organisation.readers:
            _say(
                out,
                "           nobody can sign in yet: `headcount keys new read` makes a token and its [[readers]] block",
            )
        asked.wait()
        out.print("stopping: the edges drain first")
    return 0


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)

"""``headcount up``: the house for real, on the system's clock, until it is told to stop."""

from __future__ import annotations

import contextlib
from pathlib import Path

from headcount_wire.errors import DeclarationError
from headcount_wire.organisation import Organisation, load_organisation
from pydantic import ValidationError
from rich.console import Console

from headcount.dev import Dev, prepare
from headcount.logs import log_as_json
from headcount.notify import Notifier
from headcount.preflight import ObstacleError, ready_to_start
from headcount.settings import Settings, faults_of, load_settings
from headcount.stack import NotReadyError, Stack, StoppedError
from headcount.told import Told


def run_up(config: Path | None, catalog: Path | None, out: Console, err: Console) -> int:
    """Run every process until SIGTERM or SIGINT; the exit code says how it ended (2: it did not begin, and said why).

    SIGHUP has keys, policies and the certificate read again. With a ``catalog`` the house is a
    developer's own: see ``headcount.dev``.
    """
    house = House(out)
    log_as_json()
    try:
        if config and catalog:
            raise ValueError("--config and --dev do not go together: --dev makes its own settings.")
        dev = prepare(catalog) if catalog else None
        settings = dev.settings if dev else load_settings(config)
        organisation = load_organisation(settings.organisation)
    except ValidationError as error:
        _say(err, "\n".join(faults_of(error, config)))
        return 2
    except OSError as error:
        _say(err, f"{error.filename}: cannot be read ({error.strerror}).")
        return 2
    except (DeclarationError, ValueError) as error:
        _say(err, str(error))
        return 2
    try:
        with ready_to_start(settings) as warning:
            if warning:
                _say(err, warning)
            return house.run(settings, organisation, dev)
    except (ObstacleError, NotReadyError) as error:
        _say(err, str(error))
        return 2 if isinstance(error, ObstacleError) else 1


class House:
    """One run, from the first process to the last; told by signals from the moment it is made."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._stack: Stack | None = None
        self._told = Told(self._reload)
        self._notifier = Notifier()

    def run(self, settings: Settings, organisation: Organisation, dev: Dev | None) -> int:
        """Start everything, say where it is, and stop it when told to."""
        with Stack(settings, notifier=self._notifier) as self._stack:
            try:
                self._stack.await_ready(stop=self._told)
            except StoppedError:
                return 0
            self._notifier.ready(f"edge {self._stack.edge}, dashboard {self._stack.dashboard}")
            self._tell(_where(self._stack, organisation, dev))
            self._told.wait()
            self._notifier.stopping()
            self._tell("stopping: the edges drain first")
        return 1 if self._stack.supervisor.failed else 0

    def _tell(self, text: str) -> None:
        with contextlib.suppress(OSError):  # who reads may be gone, with the terminal or before
            _say(self._out, text)

    def _reload(self) -> None:
        if self._stack:  # who starts later reads what is there then
            self._stack.supervisor.reload()


def _where(stack: Stack, organisation: Organisation, dev: Dev | None) -> str:
    if dev:
        said = (
            f"edge        {stack.edge}\ndebug key   {dev.debug_key}\nlive key    {dev.live_key}\n"
            f"dashboard   {stack.dashboard}/?token={dev.token}\n"
            f"debug page  {stack.dashboard}{dev.page} once signed in\n"
            "What a debug key sends stands under Debug within seconds; live numbers are released by day."
        )
    else:
        said = f"edge       {stack.edge}\ndashboard  {stack.dashboard}/?token=<a reader's token>"
    if not organisation.readers:
        said += "\n           nobody can sign in yet: `headcount keys new read` makes a token and its [[readers]] block"
    return said


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)

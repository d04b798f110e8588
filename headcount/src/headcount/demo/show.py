"""``headcount demo``: the whole house with a simulated population, from first day to dashboard."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path

from headcount_aggregator.web.dashboard.pages import PAGES
from headcount_wire import days as calendar
from headcount_wire.clock import SystemClock
from rich.console import Console

from headcount.demo.developer import try_out
from headcount.demo.drive import Drive
from headcount.demo.ground import CUSTOMERS, PARTNER, Ground, prepare
from headcount.demo.population import people
from headcount.demo.progress import progress_of
from headcount.demo.summary import summary
from headcount.file_clock import FileClock
from headcount.settings import Settings
from headcount.stack import NotReadyError, Stack, free_port

DAY = 86_400.0
SCOPE_WORDS = {PARTNER: "partner scope", "product": "product scope"}


class Demo:
    """One run of the demo; ``data`` is kept when it was named, else removed at the end."""

    def __init__(self, devices: int, span_days: int, seed: int, data: Path | None, out: Console) -> None:
        self._devices = devices
        self._span = span_days
        self._seed = seed
        self._data = data
        self._out = out

    def run(self, *, once: bool) -> int:
        """Run until told to stop, or with ``once`` until the numbers are there; returns the exit code."""
        folder = self._data or Path(tempfile.mkdtemp(prefix="headcount-demo-"))
        asked = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: asked.set())
        try:
            return self._show(folder, asked, once)
        except NotReadyError as error:
            self._out.print(f"{error}: {folder / 'log'}", style="red")
            return 1
        finally:
            if self._data is None:
                shutil.rmtree(folder, ignore_errors=True)

    def _show(self, folder: Path, asked: threading.Event, once: bool) -> int:
        ground = prepare(folder)
        today = calendar.utc_day(SystemClock().now())
        first_day = today - self._span
        clock = FileClock.create(folder / "clock", first_day * DAY)
        settings = demo_settings(ground)
        config = settings_file(ground, settings)
        self._out.print(f"[bold]Headcount demo[/]: {self._devices} simulated devices, {self._span} days, in {folder}")
        with Stack(settings, clock_file=folder / "clock", log=folder / "log") as stack:
            stack.await_ready()
            self._say_where(stack, ground, self._span)
            self._out.print("Ctrl-C ends the demo.")
            self._live(ground, stack, clock, first_day, asked)
            if asked.is_set():
                return 130
            clock.go_live()
            try_out(ground, stack.edge, clock)
            stack.await_settled(clock.now())
            for table in summary(ground, clock):
                self._out.print(table)
            if not once:
                self._say_where(stack, ground, 0)
                self._say_commands(ground, config)
                self._out.print("Ctrl-C ends the demo.")
                asked.wait()
        return 0

    def _live(self, ground: Ground, stack: Stack, clock: FileClock, first_day: int, asked: threading.Event) -> None:
        persons = people(self._devices, self._span, CUSTOMERS, self._seed)
        drive = Drive(persons, ground, stack.edge, clock, first_day, self._seed)
        sent = accepted = 0
        try:
            with progress_of(self._out, self._span) as step:
                for _, tally in drive.days(self._span):
                    sent, accepted = sent + tally.sent, accepted + tally.accepted
                    stack.await_settled(clock.now())
                    step(accepted)
                    if asked.is_set():
                        return
        finally:
            drive.close()
        self._out.print(f"{sent:,} reports sent, {accepted:,} acknowledged as on disk", highlight=False)

    def _say_where(self, stack: Stack, ground: Ground, days: int) -> None:
        self._out.print(f"The dashboard fills while {days} days go by:" if days else "The dashboard:", highlight=False)
        for name, token in ground.readers.items():
            scope = SCOPE_WORDS.get(name, "own scope")
            self._out.print(f"  {name:10} {scope:14} {stack.dashboard}/?token={token}", highlight=False, soft_wrap=True)
        self._out.print(f"  {'edge':10} {'for devices':14} {stack.edge}", highlight=False)
        if not days:
            first = next(iter(ground.readers))
            self._out.print(f"Its pages, once the link of {first} was opened:", highlight=False)
            for page in PAGES.values():
                address = f"{stack.dashboard}/c/{first}/meet/{page.key}"
                self._out.print(f"  {page.title:24} {address}", highlight=False, soft_wrap=True)

    def _say_commands(self, ground: Ground, config: Path) -> None:
        """What else there is to try, ready to be copied into another terminal."""
        first = next(iter(ground.readers))
        program = sys.argv[0] if Path(sys.argv[0]).name == "headcount" else "headcount"
        self._out.print("In another terminal:")
        for asked in (
            f"query active --by week --customer {first}",
            "doctor",
            "audit log",
            f"release show {newest_release(ground)}",
        ):
            self._out.print(f"  {program} {asked} --config {config}", highlight=False, soft_wrap=True)


def demo_settings(ground: Ground) -> Settings:
    """Settings for one machine: the usual ports where they are free, others where not."""
    defaults = Settings()
    return Settings(
        organisation=ground.organisation,
        data=ground.folder / "data",
        workers=1,
        edge_port=free_port(preferred=defaults.edge_port),
        admin_port=free_port(preferred=defaults.admin_port),
        dashboard_port=free_port(preferred=defaults.dashboard_port),
        seal_seconds=0.05,
        unit_seconds=0.05,
    )


def settings_file(ground: Ground, settings: Settings) -> Path:
    """The same settings as a file, so that the other commands can be tried on the demo's data while it runs."""
    told = ("workers", "edge_port", "admin_port", "dashboard_port", "seal_seconds", "unit_seconds")
    lines = ['organisation = "organisation.toml"', 'data = "data"']
    lines += [f"{name} = {getattr(settings, name)}" for name in told]
    config = ground.folder / "headcount.toml"
    config.write_text("\n".join(lines) + "\n", "utf-8")
    return config


def newest_release(ground: Ground) -> str:
    """The first Customer's newest release, by the name that ``headcount release show`` takes."""
    found = sorted(ground.folder.glob("data/releases/11-1/*.json"))
    return f"11-1/{found[-1].stem}" if found else "ID"

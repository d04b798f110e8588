"""``headcount load`` from its options to its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import random
import resource
import signal
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from headcount_wire import days
from headcount_wire.app_key import is_debug, is_key
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.clock import Clock
from headcount_wire.errors import CatalogError
from headcount_wire.organisation import read_text
from headcount_wire.version import VERSION
from rich.console import Console, RenderableType
from rich.progress import Progress
from rich.text import Text

from headcount.loadgen.account import Check, balance
from headcount.loadgen.bodies import Crowd, Made, Reports, make
from headcount.loadgen.devices import NothingToSayError
from headcount.loadgen.drive import Load, Way
from headcount.loadgen.house import house
from headcount.loadgen.live import View, told
from headcount.loadgen.measured import Second
from headcount.loadgen.page import write_page
from headcount.loadgen.profiles import Plan, Profile
from headcount.loadgen.result import Result
from headcount.loadgen.server_side import Centre, Unreachable, Workers
from headcount.loadgen.target import NotOurs, Target, parse_target
from headcount.stack import NotReadyError

DEMO_CATALOG = Path(__file__).parents[1] / "demo/catalog.toml"
DEVICES_MOST = 100_000
RATE_MOST = 100_000.0
SECONDS_MOST = 24 * 3600.0
REPORTS_MOST = 20_000_000
"""Of one load, at most: one that nobody looks after ends by itself."""
OPEN_FILES = 65_536


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was asked for. ``target`` empty: a house of one's own, for as long as the load lasts."""

    target: str = ""
    keys: tuple[str, ...] = field(default=(), repr=False)
    catalog: Path | None = None
    policy: int = 1
    devices: int = 1_000
    rate: float = 100.0
    seconds: float = 30.0
    profile: Profile = Profile.SOAK
    lines: int = 256
    each: bool = False
    addresses: bool = False
    msgpack: bool = False
    admins: tuple[str, ...] = ()
    data: Path | None = None
    owned: str = ""
    others: bool = False
    customers: int = 3
    workers: int = 1
    seed: int = 1
    patience: float = 30.0
    authority: Path | None = None
    json_file: Path | None = None
    html_file: Path | None = None

    @property
    def plan(self) -> Plan:
        """The load over time."""
        return Plan(self.profile, self.rate, self.seconds)

    def told(self) -> dict[str, Any]:
        """As they stand in a result: no key, and how the machine was."""
        names = ("devices", "rate", "seconds", "policy", "lines", "each", "addresses", "msgpack", "seed", "others")
        return {
            "profile": self.profile.value,
            **{name: getattr(self, name) for name in names},
            "keys": len(self.keys) or self.customers,
            "debug": any(is_debug(key) for key in self.keys),
            "event_loop": "uvloop" if find_spec("uvloop") else "asyncio",
            "headcount": VERSION,
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "admins": len(self.admins),
            "data": self.data is not None,
        }


UNREAD = (OSError, SystemExit)
"""What printing raises where nobody reads any more (rich would end the program), or a disk is full."""


class Refused(Exception):
    """A load that is not begun, and why."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """Where a load is told of: results, and what went wrong."""

    out: Console
    fail: Console

    def say(self, part: RenderableType) -> None:
        """Show something; that nobody reads it any more, or nothing can be written, ends nothing."""
        with contextlib.suppress(*UNREAD):
            self.out.print(part, highlight=False)

    def failed(self, sentence: str) -> None:
        """Say what went wrong."""
        self.fail.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)


def run_load(options: Options, clock: Clock, out: Console, fail: Console) -> int:
    """Load, and print the account: 0 when it adds up, 1 when it does not or nothing was accepted, 2 when refused."""
    shown = _Shown(out, fail)
    try:
        _bounded(options)
        _results_can_be_written(options)
        text, catalog = _catalog(options.catalog or DEMO_CATALOG)
        if options.target:
            target = _target(options)
            return _against(options, target, catalog, clock, shown)
        with house(catalog, text, options.customers, options.workers) as own:
            out.print(f"a house of its own, for as long as the load lasts: {own.edge}", style="dim", highlight=False)
            told = {**vars(options), "keys": own.keys, "admins": own.admins, "data": own.data, "target": own.edge}
            mine = Options(**told)
            return _against(mine, _target(mine), catalog, clock, shown)
    except (Refused, Unreachable, NotReadyError) as error:
        shown.failed(str(error))
        return 2


def _bounded(options: Options) -> None:
    """Refuse what no machine or nobody who forgot it should be asked for."""
    bounds = (
        ("devices", options.devices, DEVICES_MOST),
        ("reports a second", options.rate, RATE_MOST),
        ("seconds", options.seconds, SECONDS_MOST),
        ("reports in all", options.plan.expected, REPORTS_MOST),
    )
    for name, asked, most in bounds:
        if not 0 < asked <= most:
            raise Refused(f"{asked:,.0f} {name} are asked for; a load has at most {most:,.0f}, and more than none.")
    if options.target and not options.keys:
        raise Refused("An app key is needed: --key, or HEADCOUNT_LOAD_KEY; best of a Customer made for load tests.")
    for number, key in enumerate(options.keys, 1):
        if not is_key(key):
            raise Refused(f"Key {number} is no app key: one begins with hc_live_ or hc_debug_.")


def _results_can_be_written(options: Options) -> None:
    """Look before the load: what it found should not be lost for a folder that is not there."""
    if options.json_file is not None and options.json_file == options.html_file:
        raise Refused(f"--json and --html name the same file, {options.json_file}: the second would replace the first.")
    for name, file in (("--json", options.json_file), ("--html", options.html_file)):
        if file is None:
            continue
        if file.exists() and not (file.is_file() or file.is_char_device()):
            raise Refused(f"{name} {file}: cannot be written (it is no file)")
        was_there = file.exists()
        try:
            with file.open("ab"):
                pass
            if not was_there:
                file.unlink()
        except OSError as error:
            raise Refused(f"{name} {file}: cannot be written ({error.strerror})") from None


def _catalog(file: Path) -> tuple[str, Catalog]:
    try:
        text = read_text(file, CatalogError)
        return text, parse_catalog(text, str(file))
    except CatalogError as error:
        raise Refused(str(error)) from None
    except OSError as error:
        raise Refused(f"{file}: cannot be read ({error.strerror})") from None


def _target(options: Options) -> Target:
    for admin in options.admins:
        if isinstance(asked := parse_target(admin, options.owned), NotOurs):
            raise Refused(f"--admin: {asked.sentence}")
    target = parse_target(options.target, options.owned)
    if isinstance(target, NotOurs):
        raise Refused(target.sentence)
    return target


def _against(options: Options, target: Target, catalog: Catalog, clock: Clock, shown: _Shown) -> int:
    today = days.utc_day(clock.now())
    tls = _tls(options, target)
    crowd = Crowd(catalog, options.devices, options.policy, today, options.seed, options.msgpack)
    with _told_to_stop() as asked:
        try:
            made = _made(crowd, options.plan, shown.out, asked.at_all)
        except NothingToSayError as error:
            raise Refused(str(error)) from None
        workers = Workers(options.admins) if options.admins else None
        centre = Centre(options.data, clock) if options.data else None
        load = _run(options, target, tls, made, shown.out, asked.at_all)
        before = asked.times
        if centre and shown.out.is_terminal:
            told_to_wait = f"waiting for the loader, {options.patience:g} s at most; Ctrl-C ends it"
            shown.say(Text(told_to_wait, style="dim"))
        # Whatever happens from here on, the account is told: a load cannot be had again.
        edge, of_edge = _read(workers.since if workers else None, "the edge's own count is known")
        counted, of_centre = _read(
            (lambda: centre.since(options.patience, lambda: asked.times > before)) if centre else None,
            "the loader's count is known",
        )
    settings = {
        **options.told(),
        "target": target.url,
        "catalog": catalog.name,
        "measures": len(catalog.measures),
        "mean_body_bytes": round(made.mean_bytes, 1),
        "mean_days": round(made.mean_days, 3),
        "ended_early": before > 0 or load.account.hopeless,
        "made_on": days.text(today),
    }
    checks = [*balance(load.account, edge, counted, others=options.others), *of_edge, *of_centre]
    result = Result(settings, load.account, edge, counted, checks, load.measured)
    written = _written(options, result, shown)
    for part in told(result, shown.out.width):
        shown.say(part)
    sound = result.balances and (load.account.counted or not load.account.made)
    return 0 if sound and written else 1


T = TypeVar("T")


def _read(since: Callable[[], T] | None, claim: str) -> tuple[T | None, list[Check]]:
    """What another side counted; where it cannot be asked any more, a line of the account that does not hold."""
    if since is None:
        return None, []
    try:
        return since(), []
    except (Unreachable, OSError, ValueError) as error:
        return None, [Check(claim, str(error), holds=False)]


def _written(options: Options, result: Result, shown: _Shown) -> bool:
    """Write what was asked for; a file that cannot be written does not keep the other."""
    written = True
    for file, write in ((options.json_file, result.write), (options.html_file, partial(write_page, result))):
        try:
            if file:
                write(file)
                shown.say(Text(f"written: {file}", style="dim"))
        except OSError as error:
            shown.failed(f"{file}: cannot be written ({error.strerror})")
            written = False
    return written


def _tls(options: Options, target: Target) -> ssl.SSLContext | None:
    if not target.tls:
        return None
    try:
        return ssl.create_default_context(cafile=str(options.authority) if options.authority else None)
    except OSError as error:  # what is no PEM file is an SSLError, which is one
        raise Refused(f"--authority {options.authority}: no PEM file that can be read ({error.strerror})") from None


def _made(crowd: Crowd, plan: Plan, out: Console, stopping: Callable[[], bool]) -> Made:
    with Progress(console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task(f"making {crowd.devices:,} devices", total=None)

        def progress(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)
            if stopping():
                raise Refused("It was ended before anything was sent: there is no account.")

        return make(crowd, plan.expected, progress)


def _run(
    options: Options,
    target: Target,
    tls: ssl.SSLContext | None,
    made: Made,
    out: Console,
    stopping: Callable[[], bool],
) -> Load:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, OPEN_FILES)), hard))
    draw = random.Random(f"{options.seed}/load")
    way = Way(lines=options.lines, each=options.each, patience=options.patience, tls=tls)
    reports = Reports(made, target, options.keys, draw, each=options.each, addresses=options.addresses)

    async def run() -> Load:
        shown: list[View] = []
        load = Load(target, options.plan, reports, way, draw, lambda second: _show(shown, second), stopping)
        with View(options.plan, load.account, out) as view:
            shown.append(view)
            await load.run()
        return load

    return _on_a_loop(run)


def _show(views: list[View], second: Second) -> None:
    for view in views:
        with contextlib.suppress(*UNREAD):
            view.show(second)


def _on_a_loop(load: Callable[[], Any]) -> Load:
    """Run it on uvloop where that is installed."""
    if find_spec("uvloop") is None:
        found: Load = asyncio.run(load())
        return found
    faster: Load = import_module("uvloop").run(load())
    return faster


@dataclass(slots=True)
class _Asked:
    """How often somebody has asked for an end."""

    times: int = 0

    def at_all(self) -> bool:
        """Whether somebody has."""
        return self.times > 0


@contextlib.contextmanager
def _told_to_stop() -> Iterator[_Asked]:
    """SIGINT and SIGTERM end the load early, a second one the waiting behind it; the account is printed."""
    asked = _Asked()

    def tell(*_: object) -> None:
        asked.times += 1

    before = {number: signal.signal(number, tell) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

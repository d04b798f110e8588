"""``headcount warehouse``: move it to another home, back up the house, put a backup back."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from pydantic import ValidationError

from headcount.consoles import err, out
from headcount.preflight import MOVING, ObstacleError, claimed, moving_to
from headcount.settings import Settings, faults_of, load_settings

if TYPE_CHECKING:
    from headcount_aggregator.warehouse import Warehouse

app = typer.Typer(help="Move the warehouse, back up the house, put a backup back.")

Config = Annotated[Path | None, typer.Option("--config", help="The settings file, such as headcount.toml.")]
Progress = Callable[[str, int, int], None]
WAIT_SECONDS = 6 * 3600.0


@app.command()
def move(
    to: Annotated[str, typer.Option("--to", help="`embedded`, an address, or `env:NAME` for one that is secret.")],
    config: Config = None,
) -> None:
    """Copy the warehouse into another home, verified table by table. Run it again after a cut and it goes on."""
    from headcount_aggregator.warehouse import WarehouseError
    from headcount_aggregator.warehouse.address import EMBEDDED, parse_address
    from headcount_aggregator.warehouse.copying import copy, is_empty
    from headcount_aggregator.warehouse.opening import open_warehouse

    settings = _settings(config)
    try:
        to = os.environ[to[4:]] if to.startswith("env:") else to
        target_address, source_address = parse_address(to), parse_address(settings.warehouse)
    except KeyError:
        _fail(f"--to: the environment has no {to[4:]}.")
    except ValueError as error:
        _fail(f"--to: {error}.")
    shown = target_address.shown if target_address else EMBEDDED
    if shown == (source_address.shown if source_address else EMBEDDED):
        _fail("--to: the warehouse is there already.")
    record = settings.data / MOVING
    with _house(settings), _bar() as progress, ExitStack() as opened:
        try:
            source = open_warehouse(settings.warehouse, settings.data / "warehouse")
            opened.callback(source.close)
            target = open_warehouse(to, settings.data / "warehouse")
            opened.callback(target.close)
            if moving_to(settings.data) != shown:
                if not is_empty(target):
                    _fail(f"{shown} holds rows, and not of a move from here that was cut short; nothing was changed.")
                record.with_suffix(".tmp").write_text(json.dumps({"to": shown}), "utf-8")
                record.with_suffix(".tmp").rename(record)
            copied = copy(source, target, progress)
        except WarehouseError as error:
            _fail(f"{error} Run the same command again to go on.")
        except OSError as error:
            _fail(f"{settings.data}: cannot be used ({error.strerror}). Run the same command again to go on.")
        record.unlink()
    for table, held in copied.items():
        _say(f"{table.sql:10} {held.rows:>12,} rows, sum {held.total:,}, checksum {held.checksum:016x}: equal")
    _say(f"Moved. Set `warehouse` in the settings to {shown}, with user and password; the old one is left as it was.")


@app.command()
def backup(into: Annotated[Path, typer.Argument(help="A new folder.")], config: Config = None) -> None:
    """Back up warehouse, units, spool and releases, as of one moment; the house may be running."""
    from headcount_aggregator.backup import BackupError, write_backup
    from headcount_aggregator.settings import StoreSettings
    from headcount_aggregator.warehouse import WarehouseError
    from headcount_wire.clock import SystemClock

    settings = _settings(config)
    try:
        with claimed(settings.data), _bar() as progress, closing(_opened(settings)) as home:
            store = StoreSettings(organisation=settings.organisation, data=settings.data)
            write_backup(store, home, into, SystemClock().now(), progress)
    except ObstacleError:
        _ask_the_store(settings, into)
    except (BackupError, WarehouseError) as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{into}: cannot be written ({error.strerror}).")
    _say(f"{into} is a whole backup. The organisation file and the catalogs are not in it: keep them too.")


@app.command()
def restore(source: Annotated[Path, typer.Argument(help="A backup's folder.")], config: Config = None) -> None:
    """Put a backup back into an empty house, verified. Run it again after a cut and it goes on."""
    from headcount_aggregator.backup import BackupError
    from headcount_aggregator.backup import restore as put_back
    from headcount_aggregator.settings import StoreSettings
    from headcount_aggregator.warehouse import WarehouseError

    settings = _settings(config)
    with _house(settings), _bar() as progress:
        try:
            with closing(_opened(settings)) as home:
                put_back(StoreSettings(organisation=settings.organisation, data=settings.data), home, source, progress)
        except (BackupError, WarehouseError) as error:
            _fail(str(error))
        except OSError as error:
            _fail(f"{settings.data}: cannot be written ({error.strerror}). Run the same command again to go on.")
    _say("Put back, and every checksum is that of the backup.")


def _opened(settings: Settings) -> Warehouse:
    from headcount_aggregator.warehouse.opening import open_warehouse

    return open_warehouse(settings.warehouse, settings.data / "warehouse")


def _ask_the_store(settings: Settings, into: Path) -> None:
    """The house runs: its store writes the backup itself, between two ticks."""
    from headcount_aggregator.backup_request import answer, ask

    _say("The house is running; its store writes the backup between two ticks.")
    name, pause = ask(settings.data, into), threading.Event()
    if name is None:
        _fail("The store was asked for another backup, and has not answered yet; try again when it has.")
    for _ in range(int(WAIT_SECONDS / 0.2)):
        if (fault := answer(settings.data, name)) is not None:
            if fault:
                _fail(fault)
            return
        pause.wait(0.2)
    _fail("The store did not answer; its log says why.")


@contextmanager
def _house(settings: Settings) -> Iterator[None]:
    """The data folder of a house that does not run."""
    try:
        with claimed(settings.data):
            yield
    except ObstacleError as error:
        _fail(str(error))


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=err) as bar:
        tasks: dict[str, TaskID] = {}

        def progress(table: str, done: int, whole: int) -> None:
            if table not in tasks:
                tasks[table] = bar.add_task(table, total=whole)
            bar.update(tasks[table], completed=done)

        yield progress


def _settings(config: Path | None) -> Settings:
    try:
        return load_settings(config)
    except ValidationError as error:
        _fail("\n".join(faults_of(error, config)))
    except OSError as error:
        _fail(f"{error.filename}: cannot be read ({error.strerror}).")
    except ValueError as error:
        _fail(str(error))


def _fail(text: str) -> NoReturn:
    err.print(text, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def _say(text: str) -> None:
    out.print(text, markup=False, highlight=False, soft_wrap=True)

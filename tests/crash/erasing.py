"""A store that drops and erases and is killed on the way: what each of its lives does, each in a process of its own.

The house: Customer 11 is to be erased; of Customer 12 some months of cells, and the oldest releases of one app, are
kept long enough. A life is forked from a warm parent, so that many of them can be ended.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.retention.keeper import Keeper
from headcount_aggregator.retention.requests import Requests
from headcount_aggregator.sealed_chain import verify
from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.embedded import open_embedded
from headcount_wire import days
from headcount_wire.clock import ManualClock
from headcount_wire.organisation import Organisation

from tests.aggregator.conftest import TODAY
from tests.aggregator.test_keeping import cells_of, chain_of, fill, held, keep_months, organisation_with, traces
from tests.aggregator.test_loader import DyingDisk
from tests.aggregator.test_rollup import DyingWarehouse

RIVAL_TERMS = "cells_months = 3\nretention_months = 3\n"
KEPT_FROM = days.parse("2024-07-01")
"""The first day of what is kept of Customer 12, three whole months before the one of ``TODAY``."""

RESULT = "result.json"


def _killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class KilledDisk(DyingDisk):
    """SIGKILLs its process before, in the middle of or after its k-th step."""

    def die(self) -> None:
        _killed()


class KillingWarehouse(DyingWarehouse):
    """SIGKILLs its process before or after its k-th change of the tables."""

    def die(self) -> None:
        _killed()


def in_a_process(life: Callable[..., None], *arguments: object) -> int:
    """The exit code of one life, forked from a parent that has everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.erasing"])  # and not chDB, whose threads no fork survives
    process = context.Process(target=life, args=arguments)
    process.start()
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


@contextmanager
def _opened(folder: Path, disk: Disk | None = None, table_step: int = 0) -> Iterator[tuple[Warehouse, Loader, Keeper]]:
    clock = ManualClock(TODAY * 86_400.0 + 43_200.0)
    with closing(open_embedded(folder / "warehouse")) as home:
        tables: Warehouse = KillingWarehouse(home, table_step) if table_step else home
        spool, units = folder / "spool", folder / "units"
        with closing(Loader(spool, units, _organisation(folder), tables, clock, disk)) as loader:
            yield home, loader, Keeper(folder, tables, loader, disk)


def _organisation(folder: Path) -> Organisation:
    return organisation_with(folder, rival=RIVAL_TERMS)


def begin(folder: Path) -> None:
    """The life in which all of it is loaded."""
    fill(folder, random.Random(1))
    chain_of(folder / "releases/12-4", KEPT_FROM - 3, 6)
    with _opened(folder) as (home, loader, _):
        loader.load_once()
        keep_months(home, {"2024-02": (11, 12), "2024-03": (12,), "2024-08": (11, 12)})
    Requests(folder / "erase").ask(11)


def keep(folder: Path, disk_step: int, table_step: int) -> None:
    """The life in which what is kept long enough goes; it is killed at a step, if it comes so far."""
    with _opened(folder, KilledDisk(disk_step) if disk_step else None, table_step) as (_, _, keeper):
        keeper.daily(_organisation(folder), TODAY)


def finish(folder: Path) -> None:
    """The life after it: it goes on with what was left, and tells what is still there."""
    with _opened(folder) as (home, _, keeper):
        keeper.daily(_organisation(folder), TODAY)
        plain: dict[str, Any] = {
            "traces": traces(folder, home, 11),
            "held": {month: sorted(customers) for month, customers in held(home).items()},
            "cells": sorted([*cell, n] for cell, n in cells_of(home).get(12, {}).items()),
            "releases": {app: verify(folder / f"releases/12-{app}") for app in (3, 4)},
        }
    (folder / RESULT).write_text(json.dumps(plain))

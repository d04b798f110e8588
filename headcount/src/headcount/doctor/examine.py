"""All checks in their order, and how they are shown."""

from __future__ import annotations

import json
from pathlib import Path

from headcount_wire.clock import Clock
from headcount_wire.version import VERSION
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headcount.consoles import plain
from headcount.doctor import declared, house, machine, storage
from headcount.doctor.checks import Check, Result, Verdict
from headcount.settings import Settings, faults_of, load_settings

STYLES = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}


def run_doctor(config: Path | None, clock: Clock, out: Console, *, as_json: bool) -> int:
    """Examine and show; the exit code is 1 when a check failed."""
    try:
        results = examine(load_settings(config), clock)
    except ValidationError as error:
        results = [Result(Check.SETTINGS, Verdict.FAIL, "; ".join(faults_of(error, config)))]
    except OSError as error:
        results = [Result(Check.SETTINGS, Verdict.FAIL, f"{error.filename}: cannot be read ({error.strerror}).")]
    except ValueError as error:
        results = [Result(Check.SETTINGS, Verdict.FAIL, str(error))]
    healthy = all(result.verdict is not Verdict.FAIL for result in results)
    if as_json:
        plain(
            json.dumps(
                {"version": VERSION, "healthy": healthy, "checks": [_told(result) for result in results]}, indent=1
            )
        )
    else:
        out.print(_table(results))
    return 0 if healthy else 1


def examine(settings: Settings, clock: Clock) -> list[Result]:
    """Every check of the list, in its order."""
    running = house.runs(settings)
    results = [
        Result(Check.SETTINGS, Verdict.OK, "read"),
        declared.organisation(settings),
        declared.files(settings),
        declared.trusted_proxies(settings),
        declared.tls(settings, clock),
        storage.data(settings),
        storage.file_system(settings),
        storage.disk_free(settings),
        storage.sync(settings),
        house.ports(settings, running=running),
        machine.workers(settings),
        machine.descriptors(),
        machine.core_dumps(),
        machine.clock(),
        machine.parser(),
        house.readiness(settings, running=running),
        house.store(settings, clock),
    ]
    assert [result.check for result in results] == list(Check)
    return results


def _told(result: Result) -> dict[str, str]:
    told = {"check": result.check.slug, "verdict": result.verdict.value, "found": result.found}
    told["sentence"] = result.check.value.sentence
    if result.verdict is not Verdict.OK:
        told["advice"] = result.check.value.advice
    return told


def _table(results: list[Result]) -> Table:
    table = Table("check", "", "found", box=None, pad_edge=False)
    for result in results:
        style = STYLES[result.verdict]
        found = result.found
        if result.verdict is not Verdict.OK:
            found += f"\n{result.check.value.advice}"
        table.add_row(result.check.slug, f"[{style}]{result.verdict.value}[/]", escape(found))
    return table

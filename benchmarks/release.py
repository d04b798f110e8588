"""``python -m benchmarks.release``: releases a million cells of one Customer's app, and says what it cost.

The app is the demo's, with many values of each dimension; its cells are drawn and go straight into a real warehouse.
With ``--devices`` and ``--days`` devices are drawn instead, and their cells follow. ``--rule dp`` adds noise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import secrets
import tempfile
import time
from collections import Counter
from importlib.resources import files
from pathlib import Path

from headcount_aggregator.cell_reader import WarehouseCells
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.release.run import Releaser
from headcount_aggregator.released import Question, Statistic
from headcount_aggregator.sealed_reader import SealedReader, verify
from headcount_aggregator.warehouse.embedded import Embedded, open_embedded
from headcount_aggregator.warehouse.tables import Table, encode_rows
from headcount_wire import days, limits
from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.clock import ManualClock
from headcount_wire.facts import FACT_RULES, Fact, First, Kind
from headcount_wire.organisation import RULES, Organisation, parse_organisation
from rich.console import Console
from rich.progress import track

from benchmarks.release_cells import sums_of

FIRST_DAY = days.parse("2025-01-01")
MONTH = 28
Sum = tuple[int, int, int, int, int, str, str]

ORGANISATION = """\
[operator]
name = "Benchmark"
[customers.acme]
code = 1
rule = "{rule}"
policy = {{ version = 1, purposes = ["usage", "diagnostics", "context"] }}
[apps.meet]
code = 1
catalogs = ["catalog.toml"]
"""


def main() -> int:
    """Fill a warehouse, release all of it, ask a question over it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.release")
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--devices", type=int, default=0)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rule", choices=RULES, default=RULES[0])
    parser.add_argument("--into", type=Path, help="a folder for release.json")
    arguments = parser.parse_args()
    out = Console()
    with tempfile.TemporaryDirectory(prefix="headcount-release-") as name:
        folder = Path(name)
        catalog = files("headcount.demo").joinpath("catalog.toml").read_text("utf-8")
        (folder / "catalog.toml").write_text(catalog)
        organisation = parse_organisation(ORGANISATION.format(rule=arguments.rule), folder)
        warehouse = open_embedded(folder / "warehouse")
        if arguments.devices:
            span, cells = arguments.days, fill(warehouse, organisation, arguments.devices, arguments.days, out)
        else:
            span, cells = _fill_sums(warehouse, organisation, arguments.cells)
        releaser = Releaser(folder / "releases", WarehouseCells(warehouse), Disk())
        began = time.process_time(), time.monotonic()
        sealed = releaser.release_due(organisation, FIRST_DAY + span + 12)
        cpu, wall = time.process_time() - began[0], time.monotonic() - began[1]
        chain = folder / "releases/1-1"
        size = sum(path.stat().st_size for path in chain.glob("*.json"))
        out.print(
            f"{arguments.rule}, {cells:,} cells of {span} days: {sealed} releases in {wall:.1f} s ({cpu:.1f} CPU-s)"
        )
        out.print(f"{cells / wall:,.0f} cells/s, {cells / cpu:,.0f} for each CPU-s")
        if arguments.into:
            arguments.into.mkdir(parents=True, exist_ok=True)
            told = {"cells": cells, "releases": sealed, "seconds": wall, "cpu_seconds": cpu, "sealed_bytes": size}
            (arguments.into / "release.json").write_text(json.dumps(told) + "\n")
        out.print(f"{size / 1e6:.1f} MB of sealed files, {verify(chain)} links")
        asyncio.run(_ask(folder / "releases", span, out))
        warehouse.close()
    return 0


async def _ask(releases: Path, span: int, out: Console) -> None:
    reader = SealedReader(releases, ManualClock((FIRST_DAY + span) * 86_400.0))
    question = Question(
        1, 1, (Statistic.PEOPLE,), (PeriodKind.DAY, PeriodKind.ROLLING_28), FIRST_DAY, FIRST_DAY + span, 1, 0
    )
    for words in ("first question, files read", "again"):
        began = time.monotonic()
        found = await reader.numbers(question)
        out.print(f"{words}: {len(found):,} numbers in {1000 * (time.monotonic() - began):.0f} ms")


def fill(warehouse: Embedded, organisation: Organisation, devices: int, span: int, out: Console) -> int:
    """Draw the days of some devices straight into a warehouse; returns how many cells."""
    catalog = organisation.apps["meet"].catalog
    draw = random.Random(1)
    people = [_person(draw) for _ in range(devices)]
    first, last = [draw.randrange(span) for _ in people], [-1] * devices
    cells = 0
    for day in track(range(span), "drawing days", console=out):
        sums: Counter[Sum] = Counter()
        for number, (eager, context) in enumerate(people):
            if day < first[number] or (day != first[number] and draw.random() > eager):
                continue
            for measure in catalog.measures.values():
                if measure.kind is Kind.ACTIVE or draw.random() < 0.6:
                    _tally(sums, measure, context, FIRST_DAY + day, day - first[number], day - last[number], draw)
            last[number] = day
        rows = [(0, 1, 1, FIRST_DAY + day, 0, *key, n) for key, n in sums.items()]
        unit = secrets.token_bytes(16)
        warehouse.insert(
            Table.LANDING,
            encode_rows(Table.LANDING, [(unit, at, FIRST_DAY + day, 0, *row) for at, row in enumerate(rows)]),
        )
        cells += len(rows)
    return cells


def _fill_sums(warehouse: Embedded, organisation: Organisation, cells: int) -> tuple[int, int]:
    """Days of drawn sums, rolled up as they are by the time they are released; returns how many days, and cells."""
    catalog, day, found = organisation.apps["meet"].catalog, 0, 0
    while found < cells:
        rows: list[tuple[int | str, ...]] = []
        for _ in range(MONTH):
            if found + len(rows) >= cells:
                break
            at = (0, 1, 1, FIRST_DAY + day, 0)
            rows += [(*at, *row, 0, 0) for measure in catalog.measures.values() for row in sums_of(measure, day)]
            day += 1
        warehouse.insert(Table.FINAL, encode_rows(Table.FINAL, rows))
        found += len(rows)
    return day, found


def _person(draw: random.Random) -> tuple[float, dict[str, str]]:
    place = draw.choice([("en", "America/New_York"), ("de", "Europe/Berlin"), ("fr", "Europe/Paris")])
    rare = draw.random() < 0.05
    return draw.choice([0.1, 0.4, 0.8]), {
        "os": draw.choice(["ios", "ios", "android", "android", "web"]),
        "language": draw.choice(["ja", "pt", "pl", "it"]) if rare else place[0],
        "time_zone": draw.choice(["Asia/Tokyo", "America/Sao_Paulo", "Europe/Warsaw"]) if rare else place[1],
        "app_version": draw.choice(["3.0", "3.1", "3.1", "3.2"]),
    }


def _tally(
    sums: Counter[Sum], measure: Measure, context: dict[str, str], day: int, age: int, gap: int, draw: random.Random
) -> None:
    cuts = [(TOTAL, "", "")]
    for b in measure.breakdowns:
        second = context[b.second.field] if b.second else ""
        cuts.append((b.code, context[b.first.field], second))
    label = draw.choice(list(measure.label_codes)) if measure.label else 0
    told: list[tuple[int, Fact, int, int]] = []
    for fact in sorted(measure.facts):
        match fact:
            case Fact.GAP:
                told.append((0, fact, min(limits.GAP_MAX_DAYS, gap), 1))
            case Fact.AGE:
                told.append((0, fact, min(limits.AGE_MAX_DAYS, age), 1))
            case Fact.WEEK_AGE:
                told.append((0, fact, min(limits.WEEK_AGE_MAX, age // 7), 1))
            case Fact.FIRST:
                told += [(0, fact, slot, 1) for slot in First if gap >= (7, 30, 91, 365)[slot - 1]]
            case Fact.COUNT:
                told.append((label, fact, 0, draw.randint(1, 5)))
            case Fact.BUCKET:
                told += [(label, fact, draw.randint(50, 160), 1) for _ in range(3)]
            case Fact.DEVICES:
                told += [(0, fact, 0, 1), *([(label, fact, 0, 1)] if label else [])]
            case _:
                assert FACT_RULES[fact].once
    for label_code, fact, slot, n in told:
        for cut in cuts:
            sums[measure.code, label_code, int(fact), slot, *cut] += n


if __name__ == "__main__":
    raise SystemExit(main())

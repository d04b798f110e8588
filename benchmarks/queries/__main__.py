"""``python -m benchmarks.queries``: a year of many Customers' releases, asked for page by page over HTTP.

One Customer's year is released by the real rule from drawn cells; the others' are the same numbers, sealed in
chains of their own. The real web process answers on loopback. ``cold``: a Customer's first question since the
process started; ``warm``: any later one. Before it, one Customer's index is made from the sealed files.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

from headcount_aggregator.web.dashboard.pages import PAGES
from headcount_wire import days
from rich.console import Console
from rich.table import Table

from benchmarks.queries import year
from benchmarks.queries.serve import Web, web
from benchmarks.release import FIRST_DAY

MEDIAN_MS, P99_MS = 100.0, 300.0
STEPS = (25, 50, 100, 200)
"""How many Customers are asked about, step by step, for the curve."""

NUMBERS = "/api/v1/numbers?customer={name}&app=meet&statistic=people&period=day,rolling_28&from={first}&to={last}"
Took = dict[tuple[str, str], list[float]]


def main() -> int:
    """Release a year, ask every page of every Customer, say how long each took; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queries")
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--questions", type=int, default=800, help="for each step of the curve")
    parser.add_argument("--folder", type=Path, help="where the year is made, or kept from before")
    parser.add_argument("--into", type=Path, help="a folder for queries.json")
    arguments = parser.parse_args()
    out = Console()
    with _folder(arguments.folder) as folder:
        tokens = year.declare(folder, arguments.customers)
        if not (folder / "releases/1-1").is_dir():
            year.release(folder, arguments.devices, arguments.days, out)
        size = year.copy(folder / "releases", arguments.customers, out)
        names = list(tokens)
        random.Random(1).shuffle(names)
        took: Took = defaultdict(list)
        last = FIRST_DAY + arguments.days - 1
        asker = Asker(tokens, last, took)
        made, cpu = year.make_index(folder)
        year.copy_indexes(folder, arguments.customers, out)
        with web(folder, (last + 1) * 86_400.0) as server:
            curve = list(_grow(server, asker, names, arguments.questions, size))
        indexes = sum(path.stat().st_size for path in (folder / "indexes").iterdir()) / len(names)
    _print(out, took, curve)
    out.print(f"a Customer's year: {size / 1e6:.1f} MB sealed, {indexes / 1e6:.1f} MB of index, made in {made:.1f} s")
    whole = curve[-1]
    if arguments.into:
        arguments.into.mkdir(parents=True, exist_ok=True)
        pages = {f"{page} {state}": _figures(times) for (page, state), times in sorted(took.items())}
        plain = {
            "pages": pages,
            "curve": curve,
            "sealed_bytes": size,
            "index_bytes": indexes,
            "made_s": made,
            "made_cpu_s": cpu,
        }
        (arguments.into / "queries.json").write_text(json.dumps(plain, indent=1) + "\n")
    return int(whole["median_ms"] > MEDIAN_MS or whole["p99_ms"] > P99_MS)


class Asker:
    """Asks pages and the API, and notes how long each took."""

    def __init__(self, tokens: dict[str, str], last: int, took: Took) -> None:
        self._tokens = tokens
        self._took = took
        self._days = {"first": days.text(last - 364), "last": days.text(last)}
        self.addresses = {page: f"/c/{{name}}/meet/{page}?range=365" for page in PAGES} | {"api numbers": NUMBERS}

    def ask(self, server: Web, name: str, page: str, state: str) -> float:
        """One question; the seconds until its answer was read."""
        connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        began = time.monotonic()
        path = self.addresses[page].format(name=name, **self._days)
        connection.request("GET", path, headers={"Authorization": f"Bearer {self._tokens[name]}"})
        answer = connection.getresponse()
        answer.read()
        seconds = time.monotonic() - began
        connection.close()
        assert answer.status == 200, (path, answer.status)
        self._took[page, state].append(seconds)
        return seconds

    def first(self, server: Web, names: list[str], state: str) -> None:
        """Every Customer's first question."""
        for name in names:
            self.ask(server, name, "overview", state)


def _grow(server: Web, asker: Asker, names: list[str], questions: int, size: int) -> Iterator[dict[str, float]]:
    """One more step of Customers each time: what questions take, and the memory, as they become more."""
    draw, asked = random.Random(2), 0
    for step in [step for step in STEPS if step < len(names)] + [len(names)]:
        asker.first(server, names[asked:step], "cold")
        asked = step
        cpu = server.cpu
        times = [
            asker.ask(server, draw.choice(names[:step]), draw.choice(list(asker.addresses)), "warm")
            for _ in range(questions)
        ]
        spent = 1000 * (server.cpu - cpu) / questions
        yield {
            "customers": step,
            "sealed_mb": step * size / 1e6,
            "memory_mb": server.memory / 1e6,
            "cpu_ms": spent,
        } | _figures(times)


def _figures(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    p99 = ordered[math.ceil(0.99 * len(ordered)) - 1]  # of a few it is the largest
    return {"asked": len(times), "median_ms": 1000 * statistics.median(times), "p99_ms": 1000 * p99}


def _print(out: Console, took: Took, curve: list[dict[str, float]]) -> None:
    shown = Table("page", "state", "asked", "median ms", "p99 ms")
    for (page, state), times in sorted(took.items()):
        found = _figures(times)
        shown.add_row(page, state, str(len(times)), f"{found['median_ms']:.1f}", f"{found['p99_ms']:.1f}")
    out.print(shown)
    grown = Table("Customers", "sealed MB", "memory MB", "median ms", "p99 ms", "CPU ms a question")
    for row in curve:
        grown.add_row(
            *(f"{row[key]:,.1f}" for key in ("customers", "sealed_mb", "memory_mb", "median_ms", "p99_ms", "cpu_ms"))
        )
    out.print(grown)
    out.print(f"targets: median {MEDIAN_MS:.0f} ms, p99 {P99_MS:.0f} ms")


@contextlib.contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="headcount-queries-") as name:
        yield Path(name)


if __name__ == "__main__":
    raise SystemExit(main())

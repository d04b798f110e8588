"""Beside others on one core: VictoriaMetrics, a bare aiohttp handler, nginx."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import flame
from benchmarks.bench.chapter import Chapter, Figure, Plot, Sheet, Spread, at_least, bars, spread
from benchmarks.bench.steps import steps
from benchmarks.peers.one_core import (
    BARE,
    CONNECTIONS,
    EDGE,
    EDGE_FEW,
    EDGE_INTERPRETED,
    EDGE_MSGPACK,
    FEW_CONNECTIONS,
    FIELDS,
    LINES,
    LINES_FEW,
    PROFILE_SECONDS,
    PROMISES,
    Contestant,
    contest,
)
from benchmarks.peers.population import DeviceDay, with_tallies

TALLIES = 40


@dataclass(frozen=True)
class Given:
    """How long."""

    rounds: int
    seconds: float


def beside_others(days: Sequence[DeviceDay], folder: Path, cores: Sequence[str], given: Given) -> Chapter:
    """Requests a second and a CPU second, each with the spread of paired rounds."""
    forty = with_tallies(days, TALLIES)
    recorded: list[flame.Recording | None] = []

    def record(contestant: Contestant) -> None:
        recorded.append(flame.recording(contestant.server.process.pid, PROFILE_SECONDS, folder))

    found, versions = contest(forty, folder, cores, given.rounds, given.seconds, record)
    by_name = {contestant.name: contestant for contestant in found}
    chapter = Chapter(
        "one-core",
        "On one core, beside others",
        f"{len(forty)} different device-days of about {TALLIES} tallies, {CONNECTIONS} kept connections, "
        f"{given.rounds} paired rounds of {given.seconds:g} s each; the load is made on the other core. Ratios are of "
        "the same round; in brackets the least and the most.",
    )
    for name, target in ((LINES, 1.0), (FIELDS, 1.0)):
        chapter.figures.append(at_least(f"edge beside {name}: answers a second", rates(by_name, EDGE, name), target))
        chapter.figures.append(Figure("  answers a CPU second", costs(by_name, EDGE, name).told))
        chapter.figures.append(Figure("  both not compressed, a CPU second", costs(by_name, EDGE_MSGPACK, name).told))
    few = f"edge beside {LINES}, {FEW_CONNECTIONS} connections: answers a second"
    chapter.figures.append(Figure(few, rates(by_name, EDGE_FEW, LINES_FEW).told))
    chapter.figures.append(Figure("  answers a CPU second", costs(by_name, EDGE_FEW, LINES_FEW).told))
    if EDGE_INTERPRETED in by_name:
        itself = costs(by_name, EDGE, EDGE_INTERPRETED).told
        chapter.figures.append(Figure("edge beside itself as plain Python, a CPU second", itself))
    chapter.figures.append(at_least("edge beside bare aiohttp: answers a second", rates(by_name, EDGE, BARE), 0.7))
    chapter.figures.append(Figure("  answers a CPU second", costs(by_name, EDGE, BARE).told))
    chapter.sheets.append(_sheet(found))
    chapter.plots.append(
        Plot("one-core", lambda axes: bars(axes, a_cpu_second(found), "Answers a CPU second of one core"))
    )
    chapter.sheets.append(steps(forty, folder / "steps"))
    for one in recorded:
        if one is not None and (stacks := one.stacks()):
            chapter.sheets.append(flame.by_module(stacks))
            chapter.plots.append(Plot("edge-flame", lambda axes, stacks=stacks: flame.draw(axes, stacks)))  # type: ignore[misc]  # bound now
    chapter.notes = [f"{name}: {promise}." for name, promise in PROMISES.items()]
    chapter.notes.append(
        "Bars and the table are medians of all rounds, ratios the median of each round's own: they can differ by less "
        "than the spread. CPU time is counted from before the connections are opened until the last answer, answers a "
        "second within the window only: multiplied they come to a little more than one core."
    )
    chapter.notes.append("Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".")
    told = ("rates", "cpu_us", "p99", "memory_bytes", "bytes_a_request", "refused")
    chapter.data = {
        "versions": versions,
        "contestants": {one.name: {name: getattr(one, name) for name in told} for one in found},
    }
    return chapter


def rates(by_name: dict[str, Contestant], one: str, other: str) -> Spread:
    """Answers a second of one by another's, round by round."""
    return spread([a / b for a, b in zip(by_name[one].rates, by_name[other].rates, strict=True)])


def costs(by_name: dict[str, Contestant], one: str, other: str) -> Spread:
    """Answers a CPU second of one by another's, round by round."""
    return spread([b / a for a, b in zip(by_name[one].cpu_us, by_name[other].cpu_us, strict=True)])


def a_cpu_second(found: Sequence[Contestant]) -> dict[str, float]:
    """Answers a CPU second, medians."""
    return {one.name: 1e6 / spread(one.cpu_us).median for one in found}


def _sheet(found: Sequence[Contestant]) -> Sheet:
    rows = [
        (
            one.name,
            f"{spread(one.rates).median:,.0f}",
            f"{spread(one.cpu_us).median:.0f} ({min(one.cpu_us):.0f} to {max(one.cpu_us):.0f})",
            f"{spread(one.p99).median:.1f}",
            f"{one.memory_bytes / 1e6:.0f}",
            f"{one.bytes_a_request:,.0f}",
            f"{one.refused:,}",
        )
        for one in found
    ]
    return Sheet(
        "Medians", ("server", "a second", "CPU us an answer", "p99 ms", "memory MB", "body bytes", "refused"), rows
    )

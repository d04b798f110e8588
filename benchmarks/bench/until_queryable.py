"""Until the numbers can be queried: Headcount beside one raw event row for each interaction."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from headcount_ingest.compiled import COMPILED

from benchmarks.bench.chapter import Chapter, Figure, Plot, Sheet, bars
from benchmarks.peers.population import DeviceDay
from benchmarks.peers.queryable import Queryable, Side, queryable

DESIGN_DEVICES = 10_000
TIMES_CPU, TIMES_BYTES = 20.0, 50.0
RELEASE = "release"


def until_queryable(
    days: Sequence[DeviceDay], customers: int, folder: Path, cores: Sequence[str], usual_days: int, rounds: int
) -> Chapter:
    """Interactions a CPU second, bytes on the line and on the disk, CPU seconds of a million device-days.

    Both sides are measured ``rounds`` times in turn; all that is told but the ratios is of the round in the middle.
    """
    rounds_found: list[Queryable] = []
    for number in range(rounds):
        (place := folder / str(number)).mkdir()
        rounds_found.append(queryable(days, customers, place, cores, usual_days=usual_days))
        shutil.rmtree(place)
    rounds_found.sort(key=lambda one: one.ratio)
    found = rounds_found[rounds // 2]
    ratios = [one.ratio for one in rounds_found]
    between = f" ({ratios[0]:.1f} to {ratios[-1]:.1f})" if rounds > 1 else ""
    costs = {side: [cost(getattr(one, side)) for one in rounds_found] for side in ("usual", "headcount")}
    least = min(costs["usual"]) / min(costs["headcount"])
    ours, usual = found.headcount, found.usual
    each = len(days) // customers
    chapter = Chapter(
        "until-queryable",
        "Until the numbers can be queried, beside the usual way",
        f"{len(days):,} device-days of one day, {each:,} of each Customer ({DESIGN_DEVICES:,} are the design's), "
        f"{ours.interactions / len(days):.0f} interactions each; the usual way takes the first {usual_days:,} of them. "
        "Only servers' CPU time counts, all on one core.",
    )
    counted = without_release(ours) / usual.a_cpu_second
    with_releases = usual.bytes_a_million * ours.interactions / 1e6 / (ours.stored_bytes + ours.sealed_bytes)
    smaller = usual.bytes_a_million / ours.bytes_a_million
    chapter.figures = [
        Figure(
            "interactions a CPU second, of the usual way's",
            f"{found.ratio:.1f} x{between}",
            "at least 20",
            found.ratio >= TIMES_CPU,
        ),
        Figure("  each side's least CPU time of all rounds", f"{least:.1f} x"),
        Figure("  until the sums are in the warehouse, without releasing them", f"{counted:.1f} x"),
        Figure(
            "bytes of the table, of the raw events' table", f"1/{smaller:.0f}", "at most 1/50", smaller >= TIMES_BYTES
        ),
        Figure("  with the day's sealed releases, which are JSON", f"1/{with_releases:.0f}"),
        Figure(
            "both say the same: people and joined meetings by Customer",
            "yes" if (same := all(one.same for one in rounds_found)) else "no",
            "yes",
            same,
        ),
        Figure(
            "wire bytes of a device-day",
            f"{wire(ours):,.0f} beside {wire(usual):,.0f}",
            "under 2,000",
            wire(ours) < 2_000,
        ),
        Figure(
            "interactions a CPU second until acknowledged on the disk", f"{ours.interactions / ours.cpu['edge']:,.0f}"
        ),
        Figure("CPU seconds of a million device-days", f"{per_million(ours):,.0f} beside {per_million(usual):,.0f}"),
    ]
    chapter.sheets = [_costs(found), _sizes(found)]
    if usual.query_ms:
        rows = [(what, f"{took:.1f}") for what, took in usual.query_ms.items()]
        chapter.sheets.append(Sheet(f"The usual way's questions over {usual.rows:,} rows", ("question", "ms"), rows))
    chapter.plots = [
        Plot("until-queryable", lambda axes: bars(axes, _bars(found), "Interactions a CPU second until queryable"))
    ]
    shares = ", ".join(f"{name} {took / sum(usual.cpu.values()):.0%}" for name, took in usual.cpu.items())
    chapter.notes = [
        f"The usual way's CPU time is spent so: {shares}. The edge is {'compiled' if COMPILED else 'not compiled'}.",
        "The usual way answers before it has written anything, and promises nothing of repeats; its rows keep an id of "
        "each device. It writes blocks of up to 100,000 rows or a second's, by column, texts as LowCardinality; "
        "nothing is compressed on loopback.",
        "A release seals the day for every declared view, once; the usual way works at each question instead.",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in found.versions.items()) + ".",
    ]
    chapter.data = {
        "ratio": found.ratio,
        "ratios": ratios,
        "ratio_of_leasts": least,
        "cpu_seconds_an_interaction": costs,
        "headcount": ours.to_plain(),
        "usual": usual.to_plain(),
        "versions": found.versions,
    }
    return chapter


def cost(side: Side) -> float:
    """CPU seconds an interaction, until it is counted and released."""
    return 1 / side.a_cpu_second


def without_release(side: Side) -> float:
    """Interactions a CPU second until they are counted."""
    return side.interactions / sum(seconds for step, seconds in side.cpu.items() if step != RELEASE)


def wire(side: Side) -> float:
    """Bytes of bodies on the line, a device-day."""
    return side.wire_bytes / side.device_days


def per_million(side: Side) -> float:
    """CPU seconds of a million device-days."""
    return sum(side.cpu.values()) / side.device_days * 1e6


def _bars(found: Queryable) -> dict[str, float]:
    return {
        "usual way": found.usual.a_cpu_second,
        "Headcount, released": found.headcount.a_cpu_second,
        "Headcount, counted": without_release(found.headcount),
    }


def _costs(found: Queryable) -> Sheet:
    rows = [
        (side.name, step, f"{seconds / side.device_days * 1e6:,.0f}", f"{seconds / side.interactions * 1e6:.2f}")
        for side in (found.headcount, found.usual)
        for step, seconds in side.cpu.items()
    ]
    return Sheet("CPU microseconds", ("", "step", "a device-day", "an interaction"), rows)


def _sizes(found: Queryable) -> Sheet:
    rows = [
        (
            side.name,
            f"{side.requests:,}",
            f"{side.wire_bytes / 1e6:.1f}",
            f"{side.rows:,}",
            f"{side.stored_bytes / 1e6:.2f}",
            f"{side.bytes_a_million / 1e3:,.0f}",
            f"{side.memory_bytes / 1e6:.0f}",
        )
        for side in (found.headcount, found.usual)
    ]
    columns = ("", "requests", "MB on the line", "rows", "MB stored", "kB a million interactions", "memory MB")
    return Sheet("Sizes", columns, rows)

"""How many machines a number of devices needs: arithmetic over stated figures, each of them an argument.

``python -m benchmarks.capacity`` prints the tables that stand in ``docs/fleet.md``, for 100 million devices a day.
What was measured says with what; what is assumed says so, and has to be replaced by a measurement of your own.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, fields
from math import ceil

from headcount_wire import limits
from headcount_wire.fleet import PARTITIONS

DAY, HOUR = 86_400.0, 3_600.0
BINS = 96
"""Quarters of an hour in a day."""
FIRST_USE = (2, 1, 1, 1, 2, 5, 11, 15, 13, 9, 7, 6, 5, 4, 3, 3, 3, 2, 2, 2, 1, 1, 1, 0)
"""Of 100 devices that do not run at night, how many are first used in each local hour of the next day (assumed)."""


def given(default: float, source: str) -> float:
    """A figure that an argument can replace, and where it comes from."""
    value: float = field(default=default, metadata={"source": source})
    return value


@dataclass(frozen=True)
class Figures:
    """Everything the calculation starts from."""

    devices: float = given(100e6, "the question: devices that report on a day, one report each")
    spread_hours: float = given(4, "the SDK's default: a closed day goes at a random moment of so many hours")
    at_night: float = given(
        0.5, "assumed: share of devices whose app runs at midnight; the others send after first use"
    )
    again: float = given(0.02, "assumed: share of reports that come twice, because an answer was lost")
    after_outage: float = given(
        1.8, "decision 0061, `benchmarks.recovery`: the peak after an hour's outage, in busiest hours"
    )
    edge_rate: float = given(
        8_000, "`make bench-edge`: reports a second on one core, body to synced answer, without TLS"
    )
    cores: float = given(8, "assumed: cores of a node that its edge workers have")
    scaling: float = given(0.8, "assumed: what a worker keeps of its rate when all cores are at work")
    used: float = given(0.6, "chosen: share of a node's capacity that the busiest moment may take")
    body_bytes: float = given(382, "`benchmarks.edge.population`: mean gzipped body, catalog of 20 measures")
    head_bytes: float = given(300, "assumed: a request's head")
    tls_bytes: float = given(2_000, "assumed: what a device sends for a full handshake; nothing is resumed")
    handshakes: float = given(1_500, "assumed: full TLS handshakes a second and core of a proxy")
    record_bytes: float = given(715, "`benchmarks.edge.population`: mean stripped record in a spool")
    loader_rate: float = given(
        4_500, "`Loader.load_once`: reports a CPU second, 72 tallies each; a node has one loader"
    )
    id_bytes: float = given(85, "Python's set of 16-byte ids: bytes in a loader's memory for each id remembered")
    memory_gib: float = given(64, "assumed: memory of a node; half of it may be ids")
    customers: float = given(2_000, "assumed: Customers' apps with numbers of their own")
    rows: float = given(
        6_000, "assumed: cells of a Customer's app and day, all breakdowns; they hang on no number of devices"
    )
    row_bytes: float = given(15, "assumed: compressed bytes of a row in the final table")
    months: float = given(25, "the default of `retention_months`")
    replicas: float = given(2, "chosen: copies in the warehouse")


ZONES = {0: 0.15, 1: 0.60, 2: 0.20, 3: 0.05}
"""Share of devices by hours ahead of UTC (assumed: one region, Europe)."""


def arrivals(figures: Figures) -> list[float]:
    """Reports a second in each quarter of an hour of a UTC day."""
    noticed = [0.0] * BINS
    noticed[0] = figures.at_night
    for hour, share in enumerate(FIRST_USE):
        for quarter in range(4):
            noticed[4 * hour + quarter] += (1 - figures.at_night) * share / sum(FIRST_USE) / 4
    width = max(1, round(figures.spread_hours * 4))
    sent = [sum(noticed[(at - back) % BINS] for back in range(width)) / width for at in range(BINS)]
    in_utc = [sum(share * sent[(at + 4 * ahead) % BINS] for ahead, share in ZONES.items()) for at in range(BINS)]
    reports = figures.devices * (1 + figures.again)
    return [reports * share / (DAY / BINS) for share in in_utc]


def most(shares: float) -> float:
    """The largest share of all reports that one of so many nodes owns."""
    return ceil(PARTITIONS / shares) / PARTITIONS


Row = tuple[str, str, str]


def results(figures: Figures) -> list[Row]:
    """What follows: what it is, the figure, how it comes about."""
    by_quarter = arrivals(figures)
    reports = figures.devices * (1 + figures.again)
    mean, busiest = reports / DAY, max(by_quarter)
    highest = busiest * figures.after_outage
    a_node = figures.edge_rate * figures.cores * figures.scaling
    remembered = limits.ID_MEMORY_DAYS + 1
    ids = figures.devices * remembered
    by_edge = ceil(highest / (a_node * figures.used))
    by_loader = ceil(mean / (figures.loader_rate * figures.used))
    by_memory = ceil(ids * figures.id_bytes / (figures.memory_gib * 2**30 / 2))
    nodes = max(by_edge, by_loader, by_memory)
    share = most(nodes)
    left = max(figures.loader_rate - mean * share, 1e-9)
    backlog = reports * share
    tls_cores = ceil(highest / (figures.handshakes * figures.used))
    on_line = figures.body_bytes + figures.head_bytes + figures.tls_bytes
    cells = figures.customers * figures.rows
    stored = cells * figures.months * 365.25 / 12 * figures.row_bytes * figures.replicas
    return [
        ("reports a second, mean", f"{mean:,.0f}", "devices x (1 + again) / 86,400 s"),
        ("reports a second, busiest quarter of an hour", f"{busiest:,.0f}", "the curve above"),
        ("peak factor", f"{busiest / mean:.1f}", "busiest / mean"),
        ("reports a second, after an hour's outage", f"{highest:,.0f}", "busiest x after_outage"),
        ("a node takes, reports a second", f"{a_node:,.0f}", "edge_rate x cores x scaling"),
        ("nodes for the edge", f"{by_edge}", "after an outage / (a node takes x used)"),
        ("nodes for the loaders", f"{by_loader}", "mean / (loader_rate x used)"),
        ("nodes for the ids", f"{by_memory}", f"devices x {remembered} days x id_bytes / (memory / 2)"),
        ("**nodes**", f"**{nodes}**", "the largest of the three"),
        ("the largest share of a node", f"{share:.1%}", f"whole ones of {PARTITIONS} partitions"),
        ("proxies' cores for TLS", f"{tls_cores}", "after an outage / (handshakes x used)"),
        ("in, a day", _bytes(reports * on_line), "devices x (1 + again) x (body + head + tls)"),
        ("in, busiest", f"{busiest * on_line * 8 / 1e6:,.0f} Mbit/s", "busiest x (body + head + tls) x 8"),
        ("spool, if a loader rests a day", _bytes(backlog * figures.record_bytes), "devices x share x record_bytes"),
        ("it has caught up after", f"{backlog / left / HOUR:.1f} h", "a day's share / (loader_rate - its mean)"),
        ("a day's load of a node", f"{backlog / figures.loader_rate / HOUR:.1f} h", "a day's share / loader_rate"),
        ("ids on a node's disk", _bytes(ids * share * 18), f"devices x share x {remembered} days x 18 bytes"),
        ("ids in a loader's memory", _bytes(ids * share * figures.id_bytes), "the same x id_bytes"),
        ("cells a day", f"{cells:,.0f}", "customers x rows"),
        ("stored in the warehouse", _bytes(stored), "cells x months x 30.4 x row_bytes x replicas"),
    ]


def _bytes(number: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number / 1e3:,.1f} kB"


def markdown(figures: Figures) -> str:
    """The figures, the curve and what follows, as they stand in the documents."""
    lines = ["| figure | value | from |", "|---|---|---|"]
    for one in fields(figures):
        value: float = getattr(figures, one.name)
        lines += [f"| `{one.name}` | {f'{value:,.0f}' if value >= 100 else f'{value:g}'} | {one.metadata['source']} |"]
    by_quarter = arrivals(figures)
    by_hour = [sum(by_quarter[at : at + 4]) / 4 for at in range(0, BINS, 4)]
    lines += ["", "```", "UTC   reports a second"]
    lines += [
        f"{hour:02}  {rate:8,.0f}  {'#' * round(40 * rate / max(by_hour))}".rstrip()
        for hour, rate in enumerate(by_hour)
    ]
    lines += ["```", "", "| what | figure | how |", "|---|---|---|"]
    lines += [f"| {what} | {figure} | {how} |" for what, figure, how in results(figures)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the tables for the figures given."""
    parser = argparse.ArgumentParser(prog="benchmarks.capacity", description=__doc__)
    for one in fields(Figures):
        source = one.metadata["source"].replace("%", "%%")
        parser.add_argument(f"--{one.name.replace('_', '-')}", type=float, default=one.default, help=source)
    print(markdown(Figures(**vars(parser.parse_args()))), end="")


if __name__ == "__main__":
    main()

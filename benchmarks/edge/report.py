"""What was measured, as a table with its targets, as JSON, and as plots."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from benchmarks.edge.hour import Hour
from benchmarks.edge.overload import PHONES, Overload
from benchmarks.edge.rates import EDGE, Rate
from benchmarks.edge.steady import Steady
from benchmarks.recovery import HOUR, Recovery, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CLIENT_MOST = 0.9
"""Beyond this share of a core the load generator may be what is measured."""
MEGABYTE = 1e6


@dataclass
class Measured:
    """Everything one run found; what was not run is empty."""

    machine: dict[str, object] = field(default_factory=dict)
    one_core: list[Rate] = field(default_factory=list)
    two_cores: list[Rate] = field(default_factory=list)
    steady: Steady | None = None
    overloads: list[Overload] = field(default_factory=list)
    hour: Hour | None = None
    recoveries: dict[str, Recovery] = field(default_factory=dict)

    def one(self, name: str) -> Rate:
        """The contestant of a name."""
        return next(rate for rate in (*self.one_core, *self.two_cores) if rate.name == name)


@dataclass(frozen=True)
class Ratio:
    """A figure beside its target. ``holds`` is empty where there is none."""

    what: str
    found: str
    target: str = ""
    holds: bool | None = None


def ratios(measured: Measured) -> Iterator[Ratio]:
    """Every figure that has a target, and those that say whether the others can be believed."""
    yield from _rate_ratios(measured)
    if steady := measured.steady:
        p99 = steady.latency[0.99]
        yield Ratio("p99 at 80 % of capacity", f"{p99:.0f} ms", "under 100 ms", p99 < 100)
    for run in measured.overloads:
        yield from _overload_ratios(run)
    if hour := measured.hour:
        growth, (least, most) = hour.growth_bytes_an_hour / MEGABYTE, hour.open_files_warm
        what = f"memory over an hour ({hour.accepted:,} reports)"
        yield Ratio(what, f"{growth:+.1f} MB an hour", "under 5 MB", growth < 5)
        yield Ratio("open files over an hour", f"{least} to {most}", "flat", most - least < 20)
    for name, recovery in measured.recoveries.items():
        if "before" not in name:
            found = f"{recovery.peak():.2f} x the busiest hour"
            yield Ratio(f"peak after an outage of {name}", found, "at most 2 x", recovery.peak() <= 2)
            lost, again = recovery.devices - recovery.delivered, recovery.second_wave()
            found = f"rises again by {again:.2f}, {lost} lost, {recovery.drained / HOUR:.1f} h"
            yield Ratio("  second wave, lost, drained", found, "0, 0", lost == 0 and again == 0)
    shares = [rate.client_share for rate in (*measured.one_core, *measured.two_cores)]
    shares += [run.client_share for run in (measured.steady, measured.hour, *measured.overloads) if run]
    if shares:
        yield Ratio(
            "the load generator's share of a core", f"{max(shares):.2f}", "under 0.9", max(shares) < CLIENT_MOST
        )


def _rate_ratios(measured: Measured) -> Iterator[Ratio]:
    if measured.one_core:
        edge = measured.one(EDGE)
        bare = measured.one("bare-uvloop" if edge.event_loop == "uvloop" else "bare")
        rate, cost = edge.rate / bare.rate, bare.cpu_us / edge.cpu_us
        yield Ratio(
            f"edge beside bare aiohttp ({bare.event_loop}), answers a second", f"{rate:.2f}", "0.70", rate >= 0.7
        )
        yield Ratio("edge beside bare aiohttp, answers a CPU second", f"{cost:.2f}", "0.70", cost >= 0.7)
    if measured.two_cores:
        one, two = measured.one("one worker"), measured.one("two workers")
        rate, cost = two.rate / one.rate, one.cpu_us / two.cpu_us
        yield Ratio("two workers beside one (and the load on the same cores)", f"{rate:.2f}", "over 1.5", rate > 1.5)
        yield Ratio("two workers beside one, answers a CPU second", f"{cost:.2f}")


def _overload_ratios(run: Overload) -> Iterator[Ratio]:
    found = f"{run.accepted:,} + {run.refused:,} + {run.failed:,} = {run.sent:,}"
    yield Ratio(f"5 x capacity, {run.way}: accepted + refused + failed = sent", found, "adds up", run.adds_up)
    p99 = run.p99 if run.way == PHONES else run.served_p99
    yield Ratio("  accepted, p99", f"{p99:.0f} ms", "under 250 ms", p99 < 250)
    yield Ratio("  accepted a second, of the capacity", f"{run.rate / run.capacity:.2f}")
    yield Ratio("  refusals without Retry-After", str(run.silent_refusals), "0", run.silent_refusals == 0)
    grown = (run.memory_most - run.memory_before) / MEGABYTE
    yield Ratio("  memory grew by", f"{grown:.0f} MB", "under 64 MB", grown < 64)


def tables(measured: Measured) -> Iterator[Table]:
    """The figures as people read them."""
    rates = [*measured.one_core, *measured.two_cores]
    if rates:
        yield _rate_table(rates)
    shown = Table("figure", "found", "target", "", title="Against the targets")
    for ratio in ratios(measured):
        mark = "" if ratio.holds is None else "[green]holds[/]" if ratio.holds else "[red]does not hold[/]"
        shown.add_row(ratio.what, ratio.found, ratio.target, mark)
    yield shown


def _rate_table(rates: Sequence[Rate]) -> Table:
    shown = Table("server", "event loop", title="Answers a second, medians over the rounds")
    for column in ("a second", "CPU us", "p50 ms", "p99 ms", "load's core"):
        shown.add_column(column, justify="right")
    for rate in rates:
        figures = f"{rate.rate:,.0f}", f"{rate.cpu_us:.0f}", f"{rate.p50:.1f}", f"{rate.p99:.1f}"
        shown.add_row(rate.name, rate.event_loop, *figures, f"{rate.client_share:.2f}")
    return shown


def write(measured: Measured, latencies: Sequence[float], folder: Path) -> None:
    """Write ``edge.json`` and, where matplotlib is installed, the plots."""
    folder.mkdir(exist_ok=True)
    whole: dict[str, Any] = {
        "machine": measured.machine,
        "ratios": [asdict(ratio) for ratio in ratios(measured)],
        "one_core": [asdict(rate) for rate in measured.one_core],
        "two_cores": [asdict(rate) for rate in measured.two_cores],
        "steady": asdict(measured.steady) if measured.steady else None,
        "overloads": [asdict(run) for run in measured.overloads],
        "hour": asdict(measured.hour) if measured.hour else None,
        "recoveries": plain(measured.recoveries),
    }
    (folder / "edge.json").write_text(json.dumps(whole, indent=1))
    plot_edge(measured, latencies, folder)
    if measured.recoveries:
        plot_recovery(measured.recoveries, folder)


def plot_edge(measured: Measured, latencies: Sequence[float], folder: Path) -> None:
    """Rates, latency at 80 %, the flood second by second, memory over the hour: ``edge.png`` and ``edge.svg``."""
    if find_spec("matplotlib") is None:
        return
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 8), layout="constrained")
    places = figure.subplots(2, 2)
    rates = [*measured.one_core, *measured.two_cores]
    _bars(places[0][0], rates)
    _by_share(places[0][1], latencies)
    if measured.overloads:
        _flood(places[1][0], measured.overloads[0])
    if measured.hour:
        minutes = measured.hour.minutes
        at, held = [one.minute for one in minutes], [one.memory_bytes / MEGABYTE for one in minutes]
        places[1][1].plot(at, held)
        places[1][1].set(title="A worker's memory over an hour (MB)", xlabel="minute of its clock", ylim=(0, None))
    for kind in ("png", "svg"):
        figure.savefig(folder / f"edge.{kind}")


def _bars(place: Axes, rates: Sequence[Rate]) -> None:
    place.barh([f"{rate.name} ({rate.event_loop})" for rate in rates], [rate.rate for rate in rates])
    place.invert_yaxis()
    place.set(title="Answers a second")


def _by_share(place: Axes, latencies: Sequence[float]) -> None:
    if not latencies:
        return
    ordered = sorted(latencies)
    shares = [1 - 10 ** (-step / 20) for step in range(1, 81) if 10 ** (step / 20) <= len(ordered)]
    place.plot([1 / (1 - share) for share in shares], [ordered[int(share * len(ordered))] * 1e3 for share in shares])
    place.axhline(100, linestyle=":")
    place.set(title="Latency at 80 % of capacity (ms)", xscale="log", xlabel="share of reports that take longer")
    place.set_xticks([10, 100, 1000, 10000], ["1 in 10", "1 in 100", "1 in 1,000", "1 in 10,000"])


def _flood(place: Axes, run: Overload) -> None:
    pairs = list(zip(run.samples, run.samples[10:], strict=False))[::5]
    at = [after.second for _, after in pairs]
    for name in ("sent", "accepted", "refused", "failed"):
        speeds = [(getattr(b, name) - getattr(a, name)) / (b.second - a.second) for a, b in pairs]
        place.plot(at, speeds, label=name)
    place.axhline(run.capacity, linestyle=":", label="capacity")
    place.set(title=f"Five times the capacity, {run.way} (a second)", xlabel="second")
    place.legend()


def plot_recovery(recoveries: dict[str, Recovery], folder: Path) -> None:
    """What comes after an outage, by the rule in force and by the one before: ``recovery.png`` and ``recovery.svg``."""
    if find_spec("matplotlib") is None:
        return
    from matplotlib.figure import Figure

    names = [name for name in recoveries if name.endswith("one zone")]
    figure = Figure(figsize=(12, 4), layout="constrained")
    for place, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for label, recovery in (("rule before", recoveries[f"{name}, rule before"]), ("now", recoveries[name])):
            load = recovery.load(10)[: 6 * 6]
            place.plot([step / 6 for step in range(len(load))], load, label=label)
        place.axhline(2.0, linestyle=":", label="target")
        place.set(title=f"After an outage of {name}", xlabel="hours", ylabel="x the busiest ordinary hour")
        place.legend()
    for kind in ("png", "svg"):
        figure.savefig(folder / f"recovery.{kind}")

"""A chapter of the report: what was done, figures beside their targets, tables, plots, what to know when reading it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import StrMethodFormatter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

MOST_TICKS = 8


@dataclass(frozen=True)
class Figure:
    """One figure. ``holds`` is empty where there is no target."""

    what: str
    found: str
    target: str = ""
    holds: bool | None = None


@dataclass(frozen=True)
class Sheet:
    """A table: a title, the names of its columns, its rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Plot:
    """A plot: the name of its file, and what draws it."""

    name: str
    draw: Callable[[Axes], object]


@dataclass
class Chapter:
    """One chapter; ``data`` is everything it found, for programs."""

    slug: str
    title: str
    sentence: str
    figures: list[Figure] = field(default_factory=list)
    sheets: list[Sheet] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def to_plain(self) -> dict[str, Any]:
        """As it stands in the JSON file."""
        told = {"title": self.title, "sentence": self.sentence, "notes": self.notes, "seconds": round(self.seconds, 1)}
        return {**told, "figures": [asdict(figure) for figure in self.figures], **self.data}


@dataclass(frozen=True)
class Spread:
    """Values of paired rounds: the middle one, the least and the most."""

    median: float
    least: float
    most: float

    @property
    def told(self) -> str:
        """For people."""
        return f"{self.median:.2f} ({self.least:.2f} to {self.most:.2f})"


def spread(values: Sequence[float]) -> Spread:
    """The spread of some rounds."""
    return Spread(statistics.median(values), min(values), max(values))


def at_least(what: str, found: Spread, target: float) -> Figure:
    """A ratio of paired rounds that should be at least so much; its median is what counts."""
    return Figure(what, found.told, f"at least {target:g}", found.median >= target)


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The power by which y grows with x: least squares on their logarithms; 0 of fewer than two points."""
    logs = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    if len(logs) < 2:
        return 0.0
    middle_x, middle_y = (statistics.fmean(side) for side in zip(*logs, strict=True))
    run = sum((x - middle_x) ** 2 for x, _ in logs)
    return sum((x - middle_x) * (y - middle_y) for x, y in logs) / run if run else 0.0


def lines(
    axes: Axes,
    series: Mapping[str, Sequence[tuple[float, float]]],
    title: str,
    across: str,
    up: str,
    *,
    powers: bool = False,
) -> None:
    """Lines with points, from nothing up; ``powers``: by powers of ten, where the ends are far apart."""
    for name, points in series.items():
        axes.plot([x for x, _ in points], [y for _, y in points], "o-", label=name, markersize=3)
    axes.set(title=title, xlabel=across, ylabel=up)
    seen = sorted({x for points in series.values() for x, _ in points})
    if powers:
        axes.set_yscale("log")
    else:
        most = max((y for points in series.values() for _, y in points), default=1.0)
        axes.set_ylim(0.0, 1.06 * most or 1.0)
    if len(seen) <= MOST_TICKS and all(x.is_integer() for x in map(float, seen)):
        axes.set_xticks(seen)
    _in_full(axes.xaxis, axes.yaxis)
    if len(series) > 1:
        axes.legend(fontsize=8)


def bars(axes: Axes, values: dict[str, float], title: str) -> None:
    """Bars with their values."""
    drawn = axes.barh(list(values), list(values.values()))
    axes.bar_label(drawn, [f" {value:,.0f}" for value in values.values()], fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.18)
    axes.locator_params(axis="x", nbins=4)
    axes.set(title=title)
    _in_full(axes.xaxis)


def _in_full(*axes: Axis) -> None:
    """Numbers as they are said, not as parts of a million that stands at the end of the axis."""
    for axis in axes:
        axis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))

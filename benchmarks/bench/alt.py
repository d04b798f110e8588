"""A plot in words, for who does not see it: read off what was drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast

from matplotlib.container import BarContainer

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def told(axes: Axes) -> str:
    """Its title, what its axes are, the ends and the height of each line, the value of each bar."""
    across, up = axes.get_xlabel(), axes.get_ylabel()
    title = axes.get_title() + (f": {up} by {across}" if up and across else "")
    parts = [*_lines(axes), *_bars(axes)]
    return f"{title}. {'; '.join(parts)}." if parts else f"{title}."


def _lines(axes: Axes) -> Iterator[str]:
    for line in axes.lines:
        points = list(cast("Iterable[tuple[float, float]]", line.get_xydata()))
        if points:
            seen = [points[0], max(points, key=lambda point: point[1]), points[-1]]
            said = [f"{_number(y)} at {_number(x)}" for x, y in sorted({(float(x), float(y)) for x, y in seen})]
            yield f"{line.get_label()}: {', '.join(said)}"


def _bars(axes: Axes) -> Iterator[str]:
    names = [label.get_text() for label in axes.get_yticklabels()]
    for container in axes.containers:
        if isinstance(container, BarContainer) and names:  # a flame graph's have none: a table says it
            for name, bar in zip(names, container.patches, strict=True):
                yield f"{name}: {_number(bar.get_width())}"


def _number(value: float) -> str:
    """In full, to three digits or to whole ones."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"

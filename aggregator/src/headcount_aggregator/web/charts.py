"""Charts as SVG, drawn on the server: lines with honest gaps. No script, no style attribute. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 12, 28


@dataclass(frozen=True, slots=True)
class Line:
    """One series: a value per day, ``None`` where it is hidden; ``name`` is its class and label."""

    name: str
    title: str
    values: Sequence[int | None]


def nice_top(largest: int) -> int:
    """The axis's end: 1, 2 or 5 times a power of ten, at or above the largest value."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step >= largest:
                return factor * step
        step *= 10


def line_chart(title: str, labels: Sequence[str], lines: Sequence[Line], open_from: int) -> str:
    """An SVG of lines over days; hidden days are gaps with a tick, days from ``open_from`` on are shaded."""
    top = nice_top(max([value for line in lines for value in line.values if value is not None], default=1) or 1)
    count = max(len(labels), 2)

    def x(index: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * index / (count - 1)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}" class="chart">']
    if open_from < len(labels):
        start = x(max(0.0, open_from - 0.5))
        parts.append(
            f'<rect class="open" x="{start:.1f}" y="{TOP}" width="{WIDTH - RIGHT - start:.1f}" '
            f'height="{HEIGHT - TOP - BOTTOM}"/>'
        )
    for value in (0, top // 2, top) if top > 1 else (0, top):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text class="axis end" x="{LEFT - 8}" y="{y(value) + 4:.1f}">{value:,}</text>')
    for index in sorted({0, len(labels) // 2, len(labels) - 1} if labels else set()):
        anchor = "start" if index == 0 else "end" if index == len(labels) - 1 else "middle"
        parts.append(f'<text class="axis {anchor}" x="{x(index):.1f}" y="{HEIGHT - 8}">{escape(labels[index])}</text>')
    for line in lines:
        parts += _line(line, x, y)
    return "".join([*parts, "</svg>"])


def _line(line: Line, x: Callable[[float], float], y: Callable[[float], float]) -> list[str]:
    parts: list[str] = []
    run: list[str] = []
    for index, value in enumerate([*line.values, None]):
        if value is not None:
            run.append(f"{x(index):.1f},{y(value):.1f}")
            continue
        if len(run) > 1:
            parts.append(f'<polyline class="line {line.name}" points="{" ".join(run)}"/>')
        elif run:
            at = run[0].split(",")
            parts.append(f'<circle class="dot {line.name}" cx="{at[0]}" cy="{at[1]}" r="2.5"/>')
        run = []
        if index < len(line.values):
            parts.append(
                f'<line class="hidden" x1="{x(index):.1f}" x2="{x(index):.1f}" y1="{y(0):.1f}" y2="{y(0) - 5:.1f}"/>'
            )
    return parts

"""Small plots of characters: a line of blocks for a series, a bar beside a number."""

from __future__ import annotations

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.-~=+*#"
GAP = " "


def spark(values: Sequence[int | None], width: int, *, unicode: bool = True) -> str:
    """A series from its first to its last value, on an axis from 0; a gap where a value is hidden.

    More values than ``width`` are drawn by the largest of those that share a place, so that no peak is lost.
    """
    marks = BLOCKS if unicode else ASCII
    places = _places(values, max(1, width))
    top = max((value for value in places if value is not None), default=0)
    return "".join(GAP if value is None else _mark(value, top, marks) for value in places)


def bar(value: int | None, top: int, width: int, *, unicode: bool = True) -> str:
    """A bar as long as a value's share of the largest; nothing for a hidden one."""
    if not value or top <= 0:
        return ""
    eighths = max(1, round(8 * width * value / top))
    if not unicode:
        return "#" * max(1, eighths // 8)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "")


def _mark(value: int, top: int, marks: str) -> str:
    return marks[0] if top <= 0 else marks[min(len(marks) - 1, value * len(marks) // (top + 1))]


def _places(values: Sequence[int | None], width: int) -> list[int | None]:
    if len(values) <= width:
        return list(values)
    found: list[int | None] = []
    for place in range(width):
        part = values[place * len(values) // width : (place + 1) * len(values) // width]
        found.append(max((value for value in part if value is not None), default=None))
    return found

"""Plots of a load as SVG: lines over a round scale, with their words. No script, no other host."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

WIDTH, HEIGHT = 640.0, 232.0
LEFT, RIGHT, TOP, FOOT = 64.0, 12.0, 14.0, 42.0
WORD_MOST = 64.0
"""As wide as the word of a tick may be."""
COLOURS = tuple(
    f"light-dark({light}, {dark})"
    for light, dark in (
        ("#0b6e99", "#4cb3de"),
        ("#c2571a", "#f0935c"),
        ("#8a1c4a", "#e879a8"),
        ("#4d7c0f", "#a3d04f"),
        ("#6b7280", "#b0b6c0"),
        ("#7c3aed", "#b595f8"),
    )
)
STEPS = (1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 6.0, 8.0, 10.0)
"""Where an axis may end: its quarters are round too."""
Points = Sequence[tuple[float, float]]


def chart(lines: Mapping[str, Points], across: str, *, ticks: Mapping[float, str] | None = None) -> Markup:
    """Lines of ``(x, y)`` points by name; ``across`` says what x is, ``ticks`` gives words to some of its values."""
    drawn = {name: points for name, points in lines.items() if points}
    if not drawn:
        return Markup()
    xs = [x for points in drawn.values() for x, _ in points]
    left, right = min(xs), max(max(xs), min(xs) + 1e-9)
    top = round_up(max(y for points in drawn.values() for _, y in points))

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (x - left) / (right - left) * (WIDTH - LEFT - RIGHT),
            TOP + (1 - y / top) * (HEIGHT - TOP - FOOT),
        )

    marks = [_scale(top, place, left, right)]
    for colour, points in zip(_colours(len(drawn)), drawn.values(), strict=True):
        path = "M" + "L".join("{:.1f} {:.1f}".format(*place(x, min(y, top))) for x, y in points)
        marks.append(
            Markup('<path d="{}" fill="none" style="stroke: {}" stroke-width="1.6" stroke-linejoin="round"/>').format(
                path, colour
            )
        )
    for x, word in (ticks or {left: f"{left:,.0f}", right: f"{right:,.0f}"}).items():
        if left <= x <= right:
            at = place(x, 0)[0]
            anchor = "middle" if at < WIDTH - RIGHT - WORD_MOST / 2 else "end"  # or the page would cut it off
            marks.append(_text(at, HEIGHT - FOOT + 18, word, anchor))
    marks.append(_text(WIDTH - RIGHT, HEIGHT - 4, across, "end"))
    return Markup(
        '<figure><svg viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg><figcaption>{}</figcaption></figure>'
    ).format(WIDTH, HEIGHT, in_words(drawn, across), Markup().join(marks), _legend(drawn))


def in_words(drawn: Mapping[str, Points], across: str) -> str:
    """What the lines show, for who does not see them: each one's least and most."""
    spans = {name: (min(y for _, y in points), max(y for _, y in points)) for name, points in drawn.items()}
    said = (f"{name} {_number(least)} to {_number(most)}" for name, (least, most) in spans.items())
    return f"By {across}: {'; '.join(said)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def round_up(most: float) -> float:
    """The end of an axis: a round number that no point exceeds."""
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(
        step * power for step in (1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 6.0, 8.0, 10.0) if step * power >= most * 0.999999
    )


def _colours(count: int) -> Sequence[str]:
    return [COLOURS[number % len(COLOURS)] for number in range(count)]


def _legend(drawn: Mapping[str, Points]) -> Markup:
    names = zip(_colours(len(drawn)), drawn, strict=True)
    return Markup(" ").join(
        Markup('<span><i style="background:{}"></i>{}</span>').format(colour, name) for colour, name in names
    )


def _scale(top: float, place: Callable[[float, float], tuple[float, float]], left: float, right: float) -> Markup:
    marks: list[Markup] = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        (x1, y), (x2, _) = place(left, top * share), place(right, top * share)
        marks.append(Markup('<path d="M{:.1f} {:.1f}H{:.1f}" stroke="#8884" fill="none"/>').format(x1, y, x2))
        marks.append(_text(LEFT - 6, y + 4, f"{top * share:,.6g}", "end"))
    return Markup().join(marks)


def _text(x: float, y: float, words: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, words)

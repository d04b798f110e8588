"""A figure as an SVG file that stands alone: drawn as on the page, with its title, legend, rule and what is hidden.

Colours and widths are presentation attributes and not classes or a style sheet: mail programs, office programs and
strict servers take no style from a picture. The size is fixed, so that nothing is stretched.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from markupsafe import Markup, escape

from headcount_aggregator.web.dashboard import chart, columns
from headcount_aggregator.web.dashboard.figure import Figure, Series, Shape, Weight
from headcount_aggregator.web.dashboard.svg_rows import bars, grid, ranks, spreads
from headcount_aggregator.web.dashboard.svg_style import FONT, INK, PAPER, SOFT, attributes, styled
from headcount_aggregator.web.dashboard.wording import Wording

MARGIN = 24
WIDTH = int(columns.WIDTH)
LINE = 19
LETTERS = 150
"""How many letters of a sentence stand on one line."""

OVER_TIME = (Shape.LINES, Shape.COLUMNS, Shape.STACK)


def is_drawn(figure: Figure) -> bool:
    """Whether a figure is a chart: a plain table is none, and neither is one without a number to show."""
    return figure.shape is not Shape.TABLE and figure.has_values


def as_svg(figure: Figure, wording: Wording, about: str) -> bytes:
    """The file; ``about`` says whose numbers these are and of which days."""
    parts: list[Markup] = []
    y = MARGIN + 16.0
    parts.append(_text(MARGIN, y, figure.title, size=18, weight="600", fill=INK))
    for line in _folded(figure.sentence):
        y += LINE
        parts.append(_text(MARGIN, y, line))
    if figure.shape in OVER_TIME and len(figure.series) > 1:
        y += LINE + 4
        parts += _legend(figure.series, figure.shape, y)
    y += 14
    drawn, width, height = _drawn(figure, wording)
    parts.append(Markup('<g transform="translate({} {})">{}</g>').format(MARGIN, f"{y:g}", drawn))
    y += height + 10
    for line in (line for sentence in _foot(figure, wording, about) for line in _folded(sentence)):
        y += LINE
        parts.append(_text(MARGIN, y, line))
    whole = width + 2 * MARGIN, y + MARGIN
    return _file(figure, whole, parts)


def _drawn(figure: Figure, wording: Wording) -> tuple[Markup, float, float]:
    """The marks with their words, how wide they are, and how high."""
    match figure.shape:
        case Shape.BARS:
            return bars(figure, wording, WIDTH)
        case Shape.SPREAD:
            return spreads(figure, wording, WIDTH)
        case Shape.RANK:
            return ranks(figure, wording, WIDTH)
        case Shape.GRID:
            return grid(figure, wording, WIDTH)
        case _:
            return _over_time(figure, wording)


def _over_time(figure: Figure, wording: Wording) -> tuple[Markup, float, float]:
    """The page's own chart, its two parts side by side and its classes written out."""
    steps, plot = _svgs(str(chart.draw(figure, wording.axis(figure))))
    found = re.search(r'width="([0-9.]+)"', steps)
    gutter = float(found[1]) if found else 0.0
    height = chart.HEAD + columns.HEIGHT + chart.FOOT
    beside = gutter + 8
    drawn = f'{steps}<svg x="{beside:g}" width="{WIDTH}" height="{height:g}" overflow="visible">{plot}</svg>'
    return Markup(styled(drawn)), WIDTH + beside, height  # noqa: S704  # it is what the page's chart escaped


def _svgs(markup: str) -> tuple[str, str]:
    """The words of the axis and the plot, which the page lays side by side."""
    steps, _, plot = markup.partition("</svg>")
    return f"{steps}</svg>", plot


def _legend(series: Iterable[Series], shape: Shape, y: float) -> Iterator[Markup]:
    x = float(MARGIN)
    for one in series:
        if shape is Shape.LINES or one.weight is Weight.BEFORE:
            yield Markup('<path {} d="M{} {}h22"/>').format(attributes(f"line {one.weight}"), f"{x:g}", f"{y - 4:g}")
        else:
            yield Markup('<rect {} x="{}" y="{}" width="12" height="12" rx="3"/>').format(
                attributes(f"column {one.weight}"), f"{x + 5:g}", f"{y - 10:g}"
            )
        yield _text(x + 28, y, one.name)
        x += 28 + 7.4 * len(one.name) + 26


def _foot(figure: Figure, wording: Wording, about: str) -> Iterator[str]:
    """What every export states: the rule, what is hidden and why, the comparison, whose numbers and of when."""
    say = wording.say
    yield f"{say('Rule')}: {' '.join([figure.rule, *figure.notes])}"
    if figure.shape is Shape.GRID and (said := wording.begins_later(figure)):
        yield said
    if figure.hidden:
        hidden = wording.plural("{n} number is hidden:", "{n} numbers are hidden:", figure.hidden)
        yield f"{hidden} {wording.why_hidden(figure)}."
    if figure.complete is not None:
        share = wording.percent(figure.complete / 100)
        yield say("Complete to {share} or more.", share=share) if figure.complete < 100 else say("Complete.")
    if figure.provisional:
        yield say("Hatched days are still updating: rounded down to tens.")
    if figure.remark:
        yield f"{figure.remark.badge}: {figure.remark.sentence}"
    yield about


def _folded(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, LETTERS)


def _text(x: float, y: float, words: str, *, size: int = 13, weight: str = "400", fill: str = SOFT) -> Markup:
    return Markup('<text x="{}" y="{}" font-size="{}" font-weight="{}" fill="{}">{}</text>').format(
        f"{x:g}", f"{y:g}", size, weight, fill, words
    )


def _file(figure: Figure, size: tuple[float, float], parts: Iterable[Markup]) -> bytes:
    width, height = (f"{side:g}" for side in size)
    markup = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'role="img" font-family="{font}" aria-labelledby="{key}-title {key}-sentence">'
        '<title id="{key}-title">{title}</title><desc id="{key}-sentence">{sentence}</desc>'
        '<rect width="{width}" height="{height}" fill="{paper}"/>{parts}</svg>\n'
    ).format(
        width=width,
        height=height,
        font=FONT,
        key=escape(figure.key),
        title=figure.title,
        sentence=figure.sentence,
        paper=PAPER,
        parts=Markup().join(parts),
    )
    return str(markup).encode()

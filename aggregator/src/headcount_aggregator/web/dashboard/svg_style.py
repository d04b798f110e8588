"""The classes of the page's charts as attributes: what ``hc.css`` says of them in its light colours."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

PAPER, INK, SOFT, GRID, MID, FAINT = "#ffffff", "#16191d", "#565c66", "#ededea", "#6d7580", "#8d959f"
ACCENT, RAIL, REST = "#0a66a3", "#f0f0ed", "#b9bfc7"
HUES = {"hue-1": "#0072b2", "hue-2": "#c25200", "hue-3": "#00866a", "hue-4": "#a8487f", "hue-5": "#8a6d00"}
DASHES = {"hue-2": "9 4", "hue-3": "2 4", "hue-4": "12 3 2 3", "hue-5": "5 3"}
FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"

Style = dict[str, str]

_FILLS = {"faint": FAINT, "strong": ACCENT, "plain": INK, "rest": REST, **HUES}
_STROKES = {"faint": FAINT, "strong": ACCENT, "plain": INK, "before": INK, "rest": REST, **HUES}
_WIDTHS = {"strong": "3", "plain": "1.75", "hue-1": "2.5", "hue-2": "2.5", "hue-3": "2.5", "hue-4": "2", "hue-5": "2"}
_ALONE: dict[str, Style] = {
    "grid-line": {"stroke": GRID, "stroke-width": "1", "fill": "none"},
    "foot": {"stroke": MID, "stroke-width": "1", "fill": "none"},
    "marker": {"stroke": INK, "stroke-width": "1", "stroke-dasharray": "1 3", "fill": "none"},
    "hatch-line": {"stroke": MID, "stroke-opacity": ".45", "stroke-width": "2"},
    "hidden-mark": {"stroke": MID, "stroke-width": "2"},
    "cursor": {"visibility": "hidden"},
    "flag": {"font-size": "11", "fill": INK},
    "tick": {"font-size": "12", "fill": SOFT},
    "rail": {"fill": RAIL},
    "fill": {"fill": ACCENT},
    "reach": {"fill": FAINT},
}
_ON_PAGE_ONLY = re.compile(r' (?:focusable|aria-hidden|aria-labelledby|aria-describedby|role)="[^"]*"')


def attributes(css: str) -> Markup:
    """The attributes that a mark of these classes has."""
    style = _style(set(css.split()))
    return Markup(" ").join(Markup('{}="{}"').format(escape(name), value) for name, value in style.items())


def styled(markup: str) -> str:
    """A chart's markup with attributes in place of its classes, and without what only a page needs."""
    plain = _ON_PAGE_ONLY.sub("", markup)
    plain = re.sub(r"<text (?!class)", f'<text font-size="12" fill="{SOFT}" ', plain)
    return re.sub(r'class="([^"]*)"', lambda found: str(attributes(found[1])), plain)


def _style(classes: set[str]) -> Style:
    kind = next((name for name in ("line", "column", "band") if name in classes), "")
    weight = next((name for name in _STROKES if name in classes), "faint")
    match kind:
        case "line":
            return _line(weight, classes)
        case "column":
            return _column(weight, classes)
        case "band":
            return {"fill": _FILLS.get(weight, FAINT), "fill-opacity": ".22", "stroke": "none"}
    return next((style for name, style in _ALONE.items() if name in classes), {})


def _line(weight: str, classes: set[str]) -> Style:
    style = {"fill": "none", "stroke": _STROKES[weight], "stroke-width": _WIDTHS.get(weight, "1.5")}
    style |= {"stroke-linejoin": "round", "stroke-linecap": "round"}
    dashes = "3 4" if "open" in classes else "2 4" if weight == "before" else DASHES.get(weight, "")
    if dashes:
        style["stroke-dasharray"] = dashes
    return style | ({"stroke-width": "6"} if "dot" in classes else {})


def _column(weight: str, classes: set[str]) -> Style:
    style = {"fill": _FILLS.get(weight, FAINT)}
    if "open" in classes:
        style |= {"fill-opacity": ".16", "stroke": ACCENT if weight == "strong" else MID}
        style |= {"stroke-width": "1.5", "stroke-dasharray": "4 3"}
    return style

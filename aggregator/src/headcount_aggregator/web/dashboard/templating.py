"""The templates in one language, with what they may call."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from importlib import resources

import jinja2
from markupsafe import Markup

from headcount_aggregator.scopes import LEAST_CUSTOMERS
from headcount_aggregator.web.dashboard import chart
from headcount_aggregator.web.dashboard.export import forms_of
from headcount_aggregator.web.dashboard.languages import LANGUAGES
from headcount_aggregator.web.dashboard.pages import PAGES
from headcount_aggregator.web.dashboard.span import SPAN_DAYS
from headcount_aggregator.web.dashboard.table_rows import cell_words, grid_rows, table_rows
from headcount_aggregator.web.dashboard.wording import Wording
from headcount_aggregator.web.dashboard.words import whose


@cache
def _sources() -> Mapping[str, str]:
    """The templates' texts, read once: those of a newer version beside a process that still runs are not for it."""
    folder = resources.files("headcount_aggregator.web.dashboard") / "templates"
    return {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".html")}


@cache
def icon(side: int) -> Markup:
    """The icon as a part of the page: as a picture of its own it is asked for, and laid out like a second page."""
    drawn = (resources.files("headcount_aggregator.web.dashboard") / "static/icon.svg").read_text("utf-8").strip()
    attributes = f'width="{side}" height="{side}" aria-hidden="true" focusable="false"'
    return Markup(drawn.replace('xmlns="http://www.w3.org/2000/svg"', attributes))  # noqa: S704  # our own file


def templates_of(wording: Wording, static: Mapping[str, str]) -> jinja2.Environment:
    """The templates in one language; ``static`` are the addresses of the static files."""
    found = jinja2.Environment(
        loader=jinja2.DictLoader(_sources()),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {
        "w": wording,
        "say": wording.say,
        "plural": wording.plural,
        "draw": chart.draw,
        "interval_mark": chart.interval_mark,
        "bar": chart.bar,
        "spread": chart.spread,
        "icon": icon,
        "cell_words": partial(cell_words, wording),
        "table_rows": partial(table_rows, wording),
        "grid_rows": partial(grid_rows, wording),
        "forms_of": forms_of,
        "pages": PAGES,
        "whose": partial(whose, wording),
        "saved": (),
        "languages": LANGUAGES,
        "span_days": SPAN_DAYS,
        "least_customers": LEAST_CUSTOMERS,
        "static": static,
    }
    return found

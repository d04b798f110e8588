"""The pages of the dashboard, in the order of its navigation. A new page is one line here and one module."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from headcount_aggregator.web.dashboard.audience import audience
from headcount_aggregator.web.dashboard.debug import debug
from headcount_aggregator.web.dashboard.features import features
from headcount_aggregator.web.dashboard.overview import overview
from headcount_aggregator.web.dashboard.privacy import privacy
from headcount_aggregator.web.dashboard.retention import retention
from headcount_aggregator.web.dashboard.view import Page, View


@dataclass(frozen=True, slots=True)
class PageKind:
    """One page: its name in the address, its title, who builds it, and its usual range and grain."""

    key: str
    title: str
    build: Callable[[View], Awaitable[Page]]
    template: str = "page.html"
    preset: str = "28"
    by: str = ""


PAGES: dict[str, PageKind] = {
    page.key: page
    for page in (
        PageKind("overview", "Overview", overview),
        PageKind("audience", "Audience", audience),
        PageKind("features", "Features", features),
        PageKind("retention", "Retention", retention, preset="90", by="week"),
        PageKind("privacy", "Privacy", privacy, template="privacy.html", preset="90"),
        PageKind("debug", "Debug", debug, template="debug.html"),
    )
}

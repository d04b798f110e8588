"""The pages of the dashboard, in the order of its navigation. A new page is one line here and one module."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from headcount_aggregator.web.dashboard.audience import audience
from headcount_aggregator.web.dashboard.debug import debug
from headcount_aggregator.web.dashboard.engagement import engagement
from headcount_aggregator.web.dashboard.explore import explore
from headcount_aggregator.web.dashboard.funnels import funnels
from headcount_aggregator.web.dashboard.health import health
from headcount_aggregator.web.dashboard.overview import overview
from headcount_aggregator.web.dashboard.performance import performance
from headcount_aggregator.web.dashboard.privacy import privacy
from headcount_aggregator.web.dashboard.problems import problems
from headcount_aggregator.web.dashboard.retention import retention
from headcount_aggregator.web.dashboard.versions import versions
from headcount_aggregator.web.dashboard.view import Page, View
from headcount_aggregator.web.dashboard.weekly import weekly
from headcount_aggregator.web.dashboard.wording import mark


@dataclass(frozen=True, slots=True)
class PageKind:
    """One page: its name in the address, its title, who builds it, and its usual range and grain.

    ``begins`` the group of the navigation that starts with it.
    """

    key: str
    title: str
    build: Callable[[View], Awaitable[Page]]
    template: str = "page.html"
    preset: str = "28"
    by: str = ""
    begins: str = ""


PAGES: dict[str, PageKind] = {
    page.key: page
    for page in (
        PageKind("overview", mark("Overview"), overview),
        PageKind("weekly", mark("Weekly summary"), weekly, template="weekly.html", preset="week"),
        PageKind("audience", mark("Audience"), audience, begins=mark("People")),
        PageKind("retention", mark("Retention"), retention, preset="90", by="week"),
        PageKind("engagement", mark("Engagement"), engagement, begins=mark("Use")),
        PageKind("funnels", mark("Funnels"), funnels, preset="90", by="week"),
        PageKind("performance", mark("Performance"), performance, begins=mark("Quality")),
        PageKind("problems", mark("Problems"), problems),
        PageKind("versions", mark("App versions"), versions, preset="90", by="day"),
        PageKind("explore", mark("Explore"), explore, begins=mark("The numbers themselves")),
        PageKind("health", mark("Data health"), health, preset="90", by="week"),
        PageKind("privacy", mark("Privacy"), privacy, template="privacy.html", preset="90"),
        PageKind("debug", mark("Debug"), debug, template="debug.html"),
    )
}

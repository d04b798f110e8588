"""The page on the numbers themselves: its tiles, charts and bars say the same."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import ReleaseHeader
from headcount_aggregator.web.app import create_app

from tests.aggregator.made_up_releases import TOKENS, MadeUpReleases, write_organisation

Client = TestClient[web.Request, web.Application]
PAGE = "/c/acme/meet/health?range=90"


class LateIn(MadeUpReleases):
    """The same releases, of which only those of some kinds had late days: 20 each."""

    kinds: Collection[PeriodKind] = ()

    async def releases(self, customer: int, app: int, first: int, last: int) -> Sequence[ReleaseHeader]:
        found = await super().releases(customer, app, first, last)
        return [replace(header, late_dropped=20 * (header.period in self.kinds)) for header in found]


@pytest.fixture(scope="module")
def released() -> LateIn:
    return LateIn(count=300, length=100)


@pytest.fixture
async def client(tmp_path: Path, released: LateIn) -> AsyncIterator[Client]:
    app = create_app(write_organisation(tmp_path), released)
    async with TestClient(TestServer(app), headers={"Authorization": f"Bearer {TOKENS['own']}"}) as found:
        yield found


@pytest.mark.parametrize(
    ("kinds", "by", "head"),
    [
        ((), "week", ""),
        ((PeriodKind.WEEK, PeriodKind.MONTH), "week", "Week"),
        ((PeriodKind.WEEK, PeriodKind.MONTH), "month", "Month"),
        ((PeriodKind.MONTH,), "week", "Month"),
        ((PeriodKind.MONTH,), "month", "Month"),
    ],
)
async def test_what_came_too_late_is_charted_where_it_is_known(
    client: Client, released: LateIn, kinds: Collection[PeriodKind], by: str, head: str
) -> None:
    """Few late days are known when their month freezes: the chart of weeks does not say that there were none."""
    released.kinds = kinds
    html = await (await client.get(PAGE, params={"by": by})).text()
    (late,) = re.findall(r'<figure[^>]*aria-labelledby="late-title".*?</figure>', html, re.DOTALL)
    assert ("came too late in each of these periods, or nobody" in late) == (not kinds)
    assert re.findall(r'<thead><tr><th scope="col">(\w+)</th>', late) == [head] * bool(head)


async def test_a_bar_of_a_share_is_as_long_as_the_share(client: Client) -> None:
    """A whole bar is all of it, not the largest of those there are."""
    html = await (await client.get(PAGE)).text()
    (table,) = re.findall(r'<figure[^>]*aria-labelledby="by-kind-title".*?</figure>', html, re.DOTALL)
    shares = [float(text) for text in re.findall(r'data-head="Share">([\d.]+)%', table)]
    widths = [float(text) for text in re.findall(r'class="fill" x="0" y="0" width="([\d.]+)', table)]
    assert len(shares) > 1
    assert widths == pytest.approx(shares, abs=1)

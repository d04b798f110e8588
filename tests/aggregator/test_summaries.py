"""What the summaries say where much is hidden: nothing that is not known, in whole sentences."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.periods import Period, PeriodKind
from headcount_aggregator.release.seal import Chain
from headcount_aggregator.released import Number, State, Statistic
from headcount_aggregator.sealed_reader import SealedReader
from headcount_aggregator.web.app import create_app
from headcount_wire.clock import ManualClock

from tests.aggregator.made_up_releases import TOKENS
from tests.aggregator.product_world import write_product

WEEK = Period(PeriodKind.WEEK, 20_766, 20_772)
WEEK_BEFORE = Period(PeriodKind.WEEK, 20_759, 20_765)
DAYS = range(WEEK_BEFORE.first, WEEK.last + 1)


def number(statistic: Statistic, period: Period, measure: int, state: State, value: int | None = None) -> Number:
    place = (statistic, period.kind, period.first, period.last, measure, 0, 0, "", "", 0)
    return Number(*place, state, value, 1, 20)


async def said(folder: Path, page: str, new: State, day: State, shown_days: int) -> str:
    """A page of summaries over two weeks whose new people, days and sessions are hidden but for some days."""
    tenancy = write_product(folder)
    customer = tenancy.organisation.customers["acme"]
    app = tenancy.organisation.apps["meet"]
    active, session = (app.catalog.measures[name].code for name in ("active", "session"))
    chain = Chain(folder / f"releases/{customer.code}-{app.code}", Disk())
    header = {"customer": customer.code, "app": app.code, "rule": "threshold", "k": 20, "late_dropped": 0}
    for at in DAYS:
        period = Period(PeriodKind.DAY, at, at)
        told = at > WEEK.last - shown_days
        numbers = [
            number(Statistic.PEOPLE, period, active, State.SHOWN if told else day, 30 if told else None),
            number(Statistic.COUNT, period, session, State.SHOWN if told else day, 40 if told else None),
        ]
        chain.seal({**header, "sealed_on": at + 4}, period, numbers)
    for week in (WEEK_BEFORE, WEEK):
        numbers = [
            number(Statistic.PEOPLE, week, active, State.SHOWN, 60),
            number(Statistic.NEW_PEOPLE, week, active, new),
        ]
        chain.seal({**header, "sealed_on": WEEK.last + 4}, week, numbers)
    reader = SealedReader(folder / "releases", ManualClock((WEEK.last + 4) * 86_400.0))
    own = {"Authorization": f"Bearer {TOKENS['own']}"}
    async with TestClient(TestServer(create_app(tenancy, reader)), headers=own) as client:
        text = await (await client.get(f"/c/acme/meet/{page}")).text()
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.mark.parametrize("page", ["weekly", "overview?range=28"])
async def test_new_people_are_few_only_where_they_are(tmp_path: Path, page: str) -> None:
    """Where the few may be those who are not new, the sentence says so, and is one."""
    text = await said(tmp_path, page, State.FEW_ON_A_SIDE, State.FEWER_THAN_K, 2)
    assert "No number of the people new in a week: fewer than 20 people in it, or fewer than 20 not in it." in text
    assert "Too few in it" not in text
    assert "ewer than 20 people were new" not in text


@pytest.mark.parametrize(
    ("page", "sentence"),
    [("weekly", "Fewer than 20 people used it for the first time."), ("overview", "Fewer than 20 people were new")],
)
async def test_few_new_people_are_said_to_be_few(tmp_path: Path, page: str, sentence: str) -> None:
    """Where the new ones are the few, that is the answer."""
    assert sentence in await said(tmp_path, page, State.FEWER_THAN_K, State.FEWER_THAN_K, 2)


async def test_a_sum_over_few_days_says_of_which(tmp_path: Path) -> None:
    """Sessions of two days are not said to be those of four weeks."""
    text = await said(tmp_path, "overview?range=28", State.FEWER_THAN_K, State.FEWER_THAN_K, 2)
    assert "80 sessions ended on the 2 days that are shown. 12 days not in it" in text


async def test_what_cannot_be_compared_did_not_stay_the_same(tmp_path: Path) -> None:
    """ "Nothing else changed" is said where something was compared, and else that nothing could be."""
    text = await said(tmp_path, "weekly", State.FEWER_THAN_K, State.FEWER_THAN_K, 2)
    assert "What else happened cannot be compared: too few days are shown in both weeks." in text
    assert "Nothing else changed" not in text
    (tmp_path / "whole").mkdir()
    text = await said(tmp_path / "whole", "weekly", State.FEWER_THAN_K, State.FEWER_THAN_K, 14)
    assert "Nothing else changed by more than its days vary anyway." in text

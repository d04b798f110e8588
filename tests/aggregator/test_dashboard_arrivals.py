"""When a version came is said of those that came while there were numbers, not of the first that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Number, Question, State, Statistic
from headcount_aggregator.web import access
from headcount_aggregator.web.dashboard.languages import wording_of
from headcount_aggregator.web.dashboard.span import read_span
from headcount_aggregator.web.dashboard.version_pairs import BY_VERSION
from headcount_aggregator.web.dashboard.versions import arrivals
from headcount_aggregator.web.dashboard.view import View

from tests.aggregator.product_world import SEALED, ProductReleases, World, write_product

FIRST = SEALED - 27


class Shown(ProductReleases):
    """People by version on the days of the span: those of these days are shown, all others hidden."""

    def __init__(self, first_days: dict[str, int]) -> None:
        super().__init__(World(count=20, length=40))
        self._first_days = first_days

    async def numbers(self, question: Question) -> Sequence[Number]:
        """What a question selects."""
        assert question.measure is not None
        found: list[Number] = []
        for version, first in self._first_days.items():
            for day in range(FIRST, SEALED + 1):
                state, value = (State.SHOWN, 30) if day >= first else (State.FEWER_THAN_K, None)
                place = (PeriodKind.DAY, day, day, question.measure, 0, BY_VERSION, version, "", 0)
                found.append(Number(Statistic.PEOPLE, *place, state, value, 1))
        return found


@pytest.mark.parametrize(
    ("first_days", "came"),
    [
        ({"3.0": FIRST, "3.1": FIRST + 14}, {"3.1": FIRST + 14}),
        ({"3.0": FIRST + 10, "3.1": FIRST + 14}, {"3.1": FIRST + 14}),
        ({"3.0": FIRST + 10, "3.1": FIRST + 10}, {}),
        ({}, {}),
    ],
)
async def test_the_first_version_shown_did_not_come_then(
    tmp_path: Path, first_days: dict[str, int], came: dict[str, int]
) -> None:
    """A version that is hidden for weeks and then shown before any other is not marked as new on that day."""
    organisation = write_product(tmp_path).organisation
    (app,) = (app for app in organisation.apps.values() if app.code == 3)
    released = Shown(first_days)
    subject = access.Subject(organisation.customers["acme"], app)
    freshness = await released.freshness(*subject.codes)
    span = read_span({}, freshness, "28", "")
    view = View(subject, released, freshness, span, wording_of("en"), "overview", {})
    assert app.catalog.active is not None
    assert await arrivals(view, app.catalog.active) == came

"""Numbers of server-side instances: one instance is enough behind them, few people or requests are not told."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from headcount_aggregator.cells import Cell
from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.counts import blocks_of_day
from headcount_aggregator.release.day_sums import DaySums
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, State, Statistic
from headcount_wire import buckets
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.errors import CatalogError
from headcount_wire.facts import Fact

DAY = 20_010  # a Monday
ROLES, ROOMS, REQUESTS, LATENCY = 1, 2, 3, 4
GOOD, BAD = 2, 3

CATALOG = """\
[catalog]
name = "server"
version = 1
instances = true
[purposes.service]
sentence.en = "Count."
[measures."roles"]
code = 1
kind = "quantity"
purpose = "service"
description = "People with a role."
owner = "a@b.example"
unit = "people"
cap = 1000000
label = { key = "role", values = ["admin", "member", "guest"] }
[measures."rooms"]
code = 2
kind = "quantity"
purpose = "service"
description = "Rooms."
owner = "a@b.example"
unit = "rooms"
cap = 1000
things = true
[measures."requests"]
code = 3
kind = "counter"
purpose = "service"
description = "Requests."
owner = "a@b.example"
cap = 1000000
label = { key = "answer", values = ["good", "bad"] }
[measures."latency"]
code = 4
kind = "timing"
purpose = "service"
description = "Latency."
owner = "a@b.example"
cap = 1000000
"""


class Instance:
    """What one instance told of some days, cell by cell: ``(day, measure, label, fact, slot) -> n``."""

    def __init__(self, told: Mapping[tuple[int, int, int, Fact, int], int]) -> None:
        self._cells = [
            Cell(0, 0, 1, 1, day, 0, measure, label, int(fact), slot, 0, "", "", n)
            for (day, measure, label, fact, slot), n in told.items()
            if n
        ]

    def day(self, day: int) -> DaySums:
        return DaySums(cell for cell in self._cells if cell.day == day)

    def span(self, first: int, last: int) -> DaySums:
        return DaySums()

    def late(self, first: int, last: int) -> Mapping[int, DaySums]:
        return {}

    def steps(self, day: int) -> DaySums:
        return DaySums()


def quantities(**told: int) -> Instance:
    label = {"admin": 2, "member": 3, "guest": 4}
    found = {(DAY, ROLES, label[name], Fact.VALUE, 0): n for name, n in told.items() if name in label}
    found |= {(DAY, ROOMS, 0, Fact.VALUE, 0): told.get("rooms", 0)}
    return Instance(found | {(DAY, measure, 0, Fact.DEVICES, 0): 1 for measure in (ROLES, ROOMS)})


def catalog() -> Catalog:
    return parse_catalog(CATALOG)


def released(cells: Instance, measure: int, day: int = DAY) -> list[Number]:
    """What is told of a measure on a day, whatever k the Customer has."""
    return [n for n in Statistics(catalog(), DAY, cells, Threshold(500)).of_day(day) if n.measure == measure]


def test_a_quantity_of_things_is_exact_however_small() -> None:
    """Three rooms are three rooms, and none are none; an instance that told nothing has no number."""
    assert [(n.statistic, n.value) for n in released(quantities(rooms=3), ROOMS)] == [(Statistic.QUANTITY, 3)]
    assert [n.value for n in released(quantities(rooms=0), ROOMS)] == [0]
    assert released(Instance({}), ROOMS) == []


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"admin": 30, "member": 400}, {0: 430, 2: 30, 3: 400}),
        ({"admin": 3, "member": 400}, {0: 403, 1: None}),
        ({"admin": 3, "member": 400, "guest": 18}, {0: 421, 1: 21, 3: 400}),
        ({"admin": 3, "member": 9}, {0: None}),
    ],
)
def test_a_quantity_of_people_is_told_from_twenty_up(told: dict[str, int], expected: dict[int, int | None]) -> None:
    """Fewer than 20 are not told, and what is told leaves no fewer over: small roles are told together."""
    found = released(quantities(**told), ROLES)
    assert {n.label: n.value for n in found} == expected
    if expected == {0: None}:
        assert found[0].state is State.FEWER_THAN_20
        assert found[0].state.sentence.format(k=500) == "Fewer than 20 of them: so few people or requests are not told."


def test_requests_of_an_instance_are_counts_from_twenty_up() -> None:
    """One instance is one device; its requests stand behind its counts, and its latencies' percentiles."""
    told = {
        (DAY, REQUESTS, GOOD, Fact.COUNT, 0): 900,
        (DAY, REQUESTS, BAD, Fact.COUNT, 0): 60,
        (DAY, REQUESTS, 0, Fact.DEVICES, 0): 1,
        (DAY, LATENCY, 0, Fact.BUCKET, buckets.bucket_of(100)): 900,
        (DAY, LATENCY, 0, Fact.DEVICES, 0): 1,
    }
    cells = Instance(told)
    assert {n.label: n.value for n in released(cells, REQUESTS)} == {0: 960, GOOD: 900, BAD: 60}
    latency = {(n.statistic, n.slot): n.value for n in released(cells, LATENCY)}
    assert latency[Statistic.COUNT, 0] == 900
    assert latency[Statistic.QUANTILE, 95] in range(98, 103)


def test_few_requests_are_not_told_and_not_left_over() -> None:
    """Seven bad answers are told neither by themselves nor as what good ones leave of all."""
    cells = Instance({(DAY, REQUESTS, GOOD, Fact.COUNT, 0): 900, (DAY, REQUESTS, BAD, Fact.COUNT, 0): 7})
    assert {n.label: n.value for n in released(cells, REQUESTS)} == {0: 907, 1: None}
    few = Instance({(DAY, REQUESTS, BAD, Fact.COUNT, 0): 7})
    assert [(n.label, n.state) for n in released(few, REQUESTS)] == [(0, State.FEWER_THAN_20)]


def test_a_week_of_requests_does_not_tell_a_quiet_day() -> None:
    """The week less its other days would be the quiet day's seven requests: it is left out, and said to be."""
    told = {(DAY + day, REQUESTS, GOOD, Fact.COUNT, 0): 7 if day == 3 else 100 for day in range(7)}
    statistics = Statistics(catalog(), DAY, Instance(told), Threshold(20))
    days = [list(statistics.of_day(DAY + day)) for day in range(7)]
    assert [n.value for numbers in days for n in numbers if not n.label and n.measure == REQUESTS][3] is None
    blocks = [block for numbers in days for block in blocks_of_day(numbers)]
    week, _ = statistics.of_span(period_of(PeriodKind.WEEK, DAY), blocks)
    (total,) = [n for n in week if n.measure == REQUESTS and not n.label and n.statistic is Statistic.COUNT]
    assert (total.value, total.left_out) == (600, 1)


def test_instances_have_no_people() -> None:
    """A catalog of instances cannot declare what only people do, and counts of instances are never called people."""
    with pytest.raises(CatalogError, match="a server-side instance has no active to report"):
        parse_catalog(CATALOG.replace('kind = "quantity"\n', 'kind = "active"\n', 1))
    cells = Instance({(DAY, REQUESTS, GOOD, Fact.COUNT, 0): 900})
    assert not [n for n in released(cells, REQUESTS) if n.statistic is Statistic.PEOPLE]

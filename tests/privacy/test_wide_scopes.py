"""Counts of weeks and longer across Customers: less what was told of their days they tell of no Customer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release.dp.noisy import WHOLE_PLACE, Domain, Noisy, Place
from headcount_aggregator.release.scope.protection import is_safe
from headcount_aggregator.release.scope.told import tell, tell_sums
from headcount_aggregator.release.scope.wide import Wide, settled
from headcount_aggregator.released import State, Statistic
from headcount_wire.facts import WHOLE
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.aggregator.world import FIRST_DAY

CUSTOMERS = range(1, 15)
PARTNER_OF = {customer: 5 if customer < 8 else 6 for customer in CUSTOMERS}
VALUES = ("android", "ios", "web")
WEEK = period_of(PeriodKind.WEEK, FIRST_DAY + 7)
MONTH = period_of(PeriodKind.MONTH, FIRST_DAY + 30)
DAYS = range(MONTH.first, MONTH.first + 14)
SHARES = (1, 4, 5, 6, 90)


def noisy(day: int, values: Mapping[str, int], *, cut: bool, deviation: int = 0) -> Noisy:
    domain = Domain(firsts=VALUES) if cut else Domain()
    found = [values.get(value, 0) for value in VALUES] if cut else [sum(values.values())]
    breakdown = 8 if cut else 0
    return Noisy(
        Statistic.COUNT, PeriodKind.DAY, day, day, 2, breakdown, domain, found, deviation**2, 9, 1
    )  # fmt: skip


Table = Mapping[tuple[int, int, str], int]
"""By day, Customer and value."""


def views(table: Table, deviation: int = 0) -> tuple[dict[int, dict[int, Noisy]], dict[int, dict[int, Noisy]]]:
    def of(*, cut: bool) -> dict[int, dict[int, Noisy]]:
        return {
            day: {
                c: noisy(day, {v: table.get((day, c, v), 0) for v in VALUES}, cut=cut, deviation=deviation)
                for c in CUSTOMERS
            }
            for day in sorted({day for day, _, _ in table})
        }

    return of(cut=False), of(cut=True)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Two weeks in which mostly all Customers are alike, and here and there one or a day is not."""
    seed = draw(st.randoms(use_true_random=False))
    odd = draw(st.floats(0, 0.4))
    found = {}
    for day in DAYS:
        for value in VALUES:
            strange = seed.random() < odd
            for customer in CUSTOMERS:
                n = seed.choice(SHARES) if strange else seed.choice((4, 5, 6))
                found[day, customer, value] = 0 if strange and seed.random() < 0.7 else n
    return found


@settings(max_examples=60)
@given(tables())
def test_a_wider_sum_less_its_days_tells_of_no_customer(table: Table) -> None:
    """Of each value and scope: what a month, or a week of it, adds to told days is nothing or a safe sum."""
    whole, cut = views(table)
    for period in (WEEK, MONTH):
        inside = {day for day in whole if period.first <= day <= period.last}
        of_all, (by_value,) = settled(
            period,
            {day: by for day, by in whole.items() if day in inside},
            [{day: by for day, by in cut.items() if day in inside}],
            PARTNER_OF,
            (),
        )
        for wide in (of_all, by_value):
            for place in [WHOLE_PLACE] if wide is of_all else [Place(WHOLE, 0, value, "") for value in VALUES]:
                _check(table, wide, place)
        _check_rest(table, by_value)


def _check(table: Table, wide: Wide, place: Place) -> None:
    for block in wide.blocks:
        if place in block.places:
            for partner in (0, *block.open):
                told = _of(table, block.days, place, partner)
                assert not any(told.values()) or is_safe(told), "a block is told by its wider sum"
            closed = {c: n for c, n in _of(table, block.days, place, 0).items() if PARTNER_OF[c] not in block.open}
            assert not any(closed.values()) or is_safe(closed), "all Customers less the Partners that are told"
    days = [day for block in wide.blocks if place in block.places for day in block.days]
    assert len(days) == len(set(days)), "blocks are disjoint"


def _check_rest(table: Table, by_value: Wide) -> None:
    """What is left of some told days, when all that is told of them by value is taken away, is nothing or safe."""
    for days in {block.days for block in by_value.blocks}:
        rest: Counter[int] = Counter()
        for value in VALUES:
            place = Place(WHOLE, 0, value, "")
            told = [b.days for b in by_value.blocks if b.days <= days and place in b.places]
            rest.update(_of(table, days.difference(*told), place, 0))
        assert not any(rest.values()) or is_safe(rest)


def _of(table: Table, days: Collection[int], place: Place, partner: int) -> Counter[int]:
    found: Counter[int] = Counter()
    for (day, customer, value), n in table.items():
        if day in days and place.value1 in ("", value) and partner in (0, PARTNER_OF[customer]):
            found[customer] += n
    return found


def _numbers(table: Table, deviation: int = 0) -> dict[tuple[int, int], int | None]:
    whole, cut = views(table, deviation)
    by_day = {day: {c: [whole[day][c], cut[day][c]] for c in CUSTOMERS} for day in whole}
    found = tell_sums(WEEK, by_day, PARTNER_OF).numbers[0]
    return {(n.breakdown, n.left_out): n.value for n in found if not n.value1 or n.state is not State.SHOWN}


def test_a_day_that_one_customer_has_most_of_is_left_out() -> None:
    """On one day a Customer had more than half: the week is the sum of the other six, and says so."""
    week = range(WEEK.first, WEEK.last + 1)
    table = {(day, c, "ios"): 10 for day in week for c in CUSTOMERS}
    table[WEEK.first + 2, 3, "ios"] = 1000
    day = {c: [noisy(WEEK.first + 2, {"ios": table[WEEK.first + 2, c, "ios"]}, cut=False)] for c in CUSTOMERS}
    (hidden,) = tell(day, PARTNER_OF).numbers[0]
    assert hidden.state is State.FEW_CUSTOMERS
    assert _numbers(table)[0, 1] == 6 * 10 * len(CUSTOMERS)


def test_days_that_are_too_noisy_alone_are_told_together() -> None:
    """What stands out of its noise on no day, and over the week does, is in the week's sum with all its days."""
    table = {(day, c, "ios"): 10 for day in range(WEEK.first, WEEK.last + 1) for c in CUSTOMERS}
    assert _numbers(table, deviation=6)[0, 0] == 7 * 10 * len(CUSTOMERS)

"""What the dashboard dares to say: changes beyond rounding, late days once, times in units."""

from __future__ import annotations

import pytest
from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.released import ReleaseHeader, State
from headcount_aggregator.web.dashboard.figure import Cell
from headcount_aggregator.web.dashboard.overview import change_of
from headcount_aggregator.web.dashboard.privacy import late_days
from headcount_aggregator.web.dashboard.sums import share, sum_of
from headcount_aggregator.web.dashboard.wording import Wording
from hypothesis import given
from hypothesis import strategies as st

WORDING = Wording()


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (70, 90, ""),
        (90, 70, ""),
        (70, 110, ", more than before that"),
        (150, 90, ", fewer than before that"),
        (1000, 1290, ", about 29% more than before that"),
        (5000, 4000, ", about 20% fewer than before that"),
        (5000, 5010, ", about as many as before that"),
    ],
)
def test_a_change_is_said_as_surely_as_it_is_known(before: int, now: int, said: str) -> None:
    """Two numbers rounded to tens are compared in percent only where rounding cannot move that by much."""
    assert change_of(WORDING, before, now, 10) == said


@given(st.integers(20, 20_000), st.integers(20, 20_000))
def test_a_direction_is_never_wrong(before: int, now: int) -> None:
    """Whatever two numbers were before rounding, a change that is said has their direction."""
    said = change_of(WORDING, (before + 5) // 10 * 10, (now + 5) // 10 * 10, 10)
    if "more" in said:
        assert now > before
    if "fewer" in said:
        assert now < before


def header(kind: PeriodKind, day: int, late: int) -> ReleaseHeader:
    period = period_of(kind, day)
    place = (kind, period.first, period.last, period.frozen_from, "threshold", 20, 1, 0, late, "", "")
    return ReleaseHeader("r", 1, 1, *place)


def test_late_days_are_summed_once() -> None:
    """Days have none, weeks and their month tell of the same late days: the kind that says most is taken."""
    day = 20_000
    found = [header(PeriodKind.DAY, day, 0), header(PeriodKind.WEEK, day, 10), header(PeriodKind.WEEK, day + 7, 0)]
    assert late_days(found) == 10
    assert late_days([*found, header(PeriodKind.MONTH, day, 30)]) == 30
    assert late_days([]) == 0


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [(640, "ms", "640 ms"), (12_000, "ms", "12 s"), (90, "s", "90 s"), (270, "s", "4.5 min"), (1800, "s", "30 min")],
)
def test_times_have_units_a_person_reads(value: int, unit: str, said: str) -> None:
    """Milliseconds become seconds, and seconds minutes, when they are many."""
    assert WORDING.amount(value, unit).replace("\N{NO-BREAK SPACE}", " ") == said


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.sampled_from([100, 1000]))
def test_a_share_is_the_nearest_and_all_only_where_it_is(part: int, whole: int, of: int) -> None:
    """80 of 120 is 67 %, as one divides by hand; what is not all is never said to be."""
    part = min(part, whole)
    found = share(sum_of([Cell(part, State.SHOWN)]), sum_of([Cell(whole, State.SHOWN)]), of)
    assert found is not None
    assert found.value is not None
    assert (found.value == of) == (part == whole)
    assert abs(found.value - of * part / whole) <= (0.5 if found.value < of - 1 else 1)

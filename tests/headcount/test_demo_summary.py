"""What the demo prints of a number: its value, or why there is none, in the words of the Customer's rule."""

from __future__ import annotations

import pytest
from headcount.demo.summary import _said
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Number, State, Statistic

WORDS = {State.SHOWN: "1,234", State.FEWER_THAN_K: "fewer than 20", State.UNDER_NOISE: "under noise"}


@pytest.mark.parametrize("state", State)
def test_a_hidden_number_says_why(state: State) -> None:
    """Only what the threshold hides is said to be fewer than k; what noise hides is under noise, all else hidden."""
    value = 1234 if state is State.SHOWN else None
    number = Number(Statistic.PEOPLE, PeriodKind.DAY, 20_000, 20_000, 1, 0, 0, "", "", 0, state, value, 1, 0)
    assert _said(number, 20) == WORDS.get(state, "hidden")

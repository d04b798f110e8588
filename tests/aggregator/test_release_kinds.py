"""Funnels, moves and problems by severity and screen, from devices with ids: what is told is true, and of k devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from headcount_aggregator.periods import PeriodKind, period_of
from headcount_aggregator.release import splits
from headcount_aggregator.release.block import Block
from headcount_aggregator.release.counts import blocks_of_day
from headcount_aggregator.release.period_numbers import Statistics
from headcount_aggregator.release.threshold import Threshold
from headcount_aggregator.released import Number, State, Statistic
from headcount_aggregator.web.vocabulary import Vocabulary
from headcount_wire.organisation import App
from hypothesis import given
from hypothesis import strategies as st

from tests.aggregator.kinds_world import (
    DAY,
    FUNNEL,
    HOME,
    LOBBY,
    MEETING,
    OS,
    SCREENS,
    Visit,
    Walks,
    catalog,
    draw_walks,
)

WEEK = period_of(PeriodKind.WEEK, DAY)
K = 8
WINDOW = 2
"""Days after which the funnel's window of 2,000 minutes is over."""
SLOT_OF = {Statistic.SEVERITY: 1, Statistic.PROBLEM_SCREEN: 2}
"""Where a problem says it; 1 is a screen that is not declared."""


def release(walks: Walks, k: int, span: int = 7) -> tuple[dict[int, list[Number]], list[Number], list[Block]]:
    statistics = Statistics(catalog(), DAY, walks, Threshold(k))
    days = {day: list(statistics.of_day(day)) for day in range(DAY, DAY + span + WINDOW)}
    blocks = [block for day in range(DAY, DAY + span) for block in blocks_of_day(days[day])]
    week, added = statistics.of_span(WEEK, blocks)
    return days, week, blocks + added


def of(numbers: list[Number], statistic: Statistic, code: int = 0) -> Iterator[Number]:
    return (n for n in numbers if n.statistic is statistic and n.breakdown == code)


def ten(n: int) -> int:
    return (n + 5) // 10 * 10


def test_funnels_are_told_of_the_day_they_began_on() -> None:
    """Each step holds the devices that came so far or further, late ones too, once the window is over."""
    walks = draw_walks(3, 90, 7)
    days, _, _ = release(walks, 1)
    compared = 0
    for day in range(DAY, DAY + 7):
        assert not [n for n in days[day] if n.measure == FUNNEL and n.first != day - WINDOW]
        for number in (n for n in days[day + WINDOW] if n.measure == FUNNEL):
            mine = [v for v in walks.visits if v.day == day and v.step >= number.slot]
            mine = [v for v in mine if not number.breakdown or v.os == number.value1]
            assert number.value == ten(len({v.device for v in mine}))
            compared += 1
    assert compared > 40


@pytest.mark.parametrize("seed", range(6))
def test_no_difference_of_two_shown_steps_is_small(seed: int) -> None:
    """Between any two shown steps, by every cut, lies nobody or at least k; so with the people of the day."""
    walks = draw_walks(seed, 60, 7)
    days, _, _ = release(walks, K)
    compared = 0
    for day in range(DAY, DAY + 7):
        shown = [n for n in days[day + WINDOW] if n.measure == FUNNEL and n.value is not None]
        for value in ("", "ios", "android", "web", "other"):
            sets = {n.slot: behind(walks, day, n, shown) for n in shown if n.value1 == value}
            if not value:
                sets[0] = {v.device for v in walks.visits if v.day == day}
            for one in sets:
                for later in (step for step in sets if step > one):
                    assert len(sets[later]) == 0 or len(sets[later]) >= K
                    rest = len(sets[one] - sets[later])
                    assert rest == 0 or rest >= K
                    compared += 1
    assert compared >= 15


def behind(walks: Walks, day: int, number: Number, shown: list[Number]) -> set[int]:
    """The devices a shown step speaks of; those of ``other`` are all that do not stand by themselves."""
    alone = {n.value1 for n in shown if (n.slot, n.breakdown) == (number.slot, number.breakdown)} - {"other"}
    mine = [v for v in walks.visits if v.day == day and v.step >= number.slot]
    if number.breakdown == OS:
        mine = [v for v in mine if v.os == number.value1 or (number.value1 == "other" and v.os not in alone)]
    return {v.device for v in mine}


def test_a_step_nearly_everybody_takes_is_hidden() -> None:
    """Thirty begin and twenty-seven come to the second step: three who did not are not told."""
    walks = Walks([Visit(d, DAY, "ios", step=1 if d < 3 else 2 if d < 16 else 3) for d in range(30)])
    days, _, _ = release(walks, 10, span=1)
    steps = {n.slot: n for n in of(days[DAY + WINDOW], Statistic.FUNNEL)}
    assert steps[1].value == 30
    assert (steps[2].state, steps[2].value) == (State.COMPLEMENT, None)
    assert steps[3].value == 10  # fourteen of thirty, in tens


def test_moves_and_problems_are_counted_by_their_slots() -> None:
    """Of every shown screen where it was come to from; severities and screens of problems, over a day and a week."""
    walks = draw_walks(5, 60, 7)
    days, week, _ = release(walks, 1)
    for numbers, span in [
        *((days[day], range(day, day + 1)) for day in range(DAY, DAY + 7)),
        (week, range(DAY, DAY + 7)),
    ]:
        kind = PeriodKind.DAY if len(span) == 1 else PeriodKind.WEEK
        mine = [v for v in walks.visits if v.day in span]
        moves = Counter(pair for v in mine for pair in zip((0, *v.path), v.path, strict=False))
        told = {(n.slot, n.label): n.value for n in of(numbers, Statistic.MOVES) if n.period is kind and not n.value1}
        assert told == {pair: n for pair, n in moves.items() if 1 not in pair}
        for statistic, place in SLOT_OF.items():
            said = [problem[place] for v in mine for problem in v.problems]
            screens = statistic is Statistic.PROBLEM_SCREEN
            slots = Counter("other" if slot == 0 or (screens and slot == 1) else str(slot) for slot in said)
            found = {n.value1 or str(n.slot): n.value for n in of(numbers, statistic) if n.period is kind}
            assert found == dict(slots)


@pytest.mark.parametrize("seed", range(6))
def test_every_shown_slot_has_k_devices_and_adds_up(seed: int) -> None:
    """Slots of a shown count add up to it, each is of at least k devices, over days and over the week's blocks."""
    walks = draw_walks(seed, 90, 7)
    days, week, blocks = release(walks, K)
    seen = 0
    for block in blocks:
        for split in splits.OF_STATISTIC.values():
            for (label, slot), n in block.cuts.get(split.code, {}).items():
                ids = makers(walks, block, split, int(label), slot)
                assert sum(ids.values()) == n
                assert len(ids) >= K
                seen += 1
    assert seen >= 8
    for numbers in [*days.values(), week]:
        totals = {(n.measure, n.label): n.value for n in of(numbers, Statistic.COUNT)}
        for statistic in splits.OF_STATISTIC:
            sums: Counter[tuple[int, int]] = Counter()
            for number in of(numbers, statistic):
                if number.value is not None:
                    sums[number.measure, number.label] += number.value
            assert all(totals[place] == total for place, total in sums.items())


def makers(walks: Walks, block: Block, split: splits.Split, label: int, slot: str) -> Counter[int]:
    """Who made how much of a slot; those of ``other`` are all that do not stand by themselves."""
    alone = {name for found, name in block.cuts[split.code] if found == str(label)} - {"other"}
    found: Counter[int] = Counter()
    for visit in walks.visits:
        if visit.day not in block.days:
            continue
        if split is splits.MOVES:
            slots = [str(a) for a, b in zip((0, *visit.path), visit.path, strict=False) if b == label]
        else:
            slots = [str(problem[1 if split is splits.SEVERITY else 2]) for problem in visit.problems]
        hits = sum((name if name in alone else "other") == slot for name in slots)
        if hits:
            found[visit.device] += hits
    return found


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5), min_size=1, max_size=40), st.integers(1, 4))
def test_the_devices_behind_a_slot_are_never_overstated(devices: list[list[int]], more: int) -> None:
    """However slots are spread over devices: as many stand behind each as is said, or more."""
    cap = max(len(slots) for slots in devices) + more
    total = sum(len(slots) for slots in devices)
    for slot in range(4):
        n = sum(slots.count(slot) for slots in devices)
        assert splits.least(n, total, len(devices), cap) <= sum(slot in slots for slots in devices)


def test_slots_have_names() -> None:
    """What a slot is called is looked up in the catalog: a step, a screen, how bad a problem is."""
    vocabulary = Vocabulary(App("walks", 1, "Walks", (catalog(),)))
    days, _, _ = release(draw_walks(2, 90, 7), 1)
    names = {
        statistic: {vocabulary.slot_name(n) for numbers in days.values() for n in numbers if n.statistic is statistic}
        for statistic in (Statistic.FUNNEL, Statistic.MOVES, Statistic.SEVERITY, Statistic.PEOPLE)
    }
    assert names[Statistic.FUNNEL] == {"screen=home", "screen=lobby", "screen=meeting"}
    assert names[Statistic.MOVES] == {"start", "home", "lobby", "meeting", "other"}
    assert names[Statistic.SEVERITY] == {"minor", "major", "blocking", "other"}
    assert names[Statistic.PEOPLE] == {""}


def test_who_nearly_all_chose_a_severity_tells_nobody_else() -> None:
    """Forty problems, thirty-nine of them minor: the one blocking is not told, nor by what it leaves over."""
    walks = Walks([Visit(d, DAY, "ios", problems=((2, 3 if d == 7 else 1, HOME),)) for d in range(40)])
    days, _, _ = release(walks, K, span=1)
    assert [(n.state, n.value) for n in of(days[DAY], Statistic.SEVERITY)] == [(State.COMPLEMENT, None)]
    assert [(n.slot, n.value) for n in of(days[DAY], Statistic.PROBLEM_SCREEN)] == [(HOME, 40)]


def test_one_device_that_goes_to_and_fro_is_not_a_crowd() -> None:
    """One device makes thirty moves of a screen that twenty others see once: its moves do not stand alone."""
    walks = Walks(
        [Visit(0, DAY, "ios", (LOBBY, MEETING) * 15)]
        + [Visit(d, DAY, "ios", (MEETING,)) for d in range(1, 21)]
        + [Visit(d, DAY, "ios", (HOME,)) for d in range(21, 60)]
    )
    days, _, _ = release(walks, K, span=1)
    assert not [n for n in of(days[DAY], Statistic.MOVES) if n.label == MEETING and n.value]
    assert [n.measure for n in of(days[DAY], Statistic.MOVES)] == [SCREENS]

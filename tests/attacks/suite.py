"""The list of attacks: what each does, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tests.attacks import beside as told_beside
from tests.attacks import customers, ends, inference, newcomers, refreshing, subtraction, under_noise, windows
from tests.attacks.outcome import BOUNDED, FAILS, ONLY_NAIVE, SUCCEEDS, Attack, Engine, Outcome

NOTHING = {Engine.NAIVE: SUCCEEDS, Engine.THRESHOLD: FAILS, Engine.DP: FAILS}
"""The target of an attack on what a rule does not tell at all."""

KNOWN = {Engine.NAIVE: SUCCEEDS, Engine.THRESHOLD: SUCCEEDS, Engine.DP: BOUNDED}
"""What the threshold does not stop, and ``docs/limitations.md`` says so."""

ACROSS = {Engine.NAIVE: SUCCEEDS, Engine.CUSTOMERS: FAILS}
"""The target of an attack on a Customer in numbers of several."""


def beside(run: Callable[[], Iterable[Outcome]], under: Callable[[], Outcome]) -> Callable[[], Iterator[Outcome]]:
    """An attack on the naive engine and the threshold, and the same under noise."""

    def both() -> Iterator[Outcome]:
        yield from run()
        yield under()

    return both


ATTACKS = (
    Attack(
        "nested filters",
        "A group, and the group without one value: their difference is one person.",
        beside(subtraction.nested_filters, under_noise.secret),
        ONLY_NAIVE,
    ),
    Attack(
        "tracker",
        "A question about one person, padded with half of everybody.",
        beside(subtraction.tracker, under_noise.secret),
        ONLY_NAIVE,
    ),
    Attack(
        "subset and complement",
        "A number of nearly everybody tells the few others.",
        beside(subtraction.complement, under_noise.rest),
        ONLY_NAIVE,
    ),
    Attack(
        "subtraction of distinct counts",
        "Two days' people less the people of both days are those who came twice.",
        beside(subtraction.distinct_counts, under_noise.twice),
        ONLY_NAIVE,
    ),
    Attack(
        "windows around a hidden day",
        "Many windows, less their shown days, where nobody comes back: what is left is the hidden day.",
        windows.windows,
        {Engine.NAIVE: SUCCEEDS, Engine.THRESHOLD: FAILS},
    ),
    Attack(
        "windows from an app's first day",
        "All people told by who is new, and again by their one system: how often they came back is exact.",
        windows.one_system,
        {Engine.NAIVE: SUCCEEDS, Engine.THRESHOLD: FAILS},
    ),
    Attack(
        "few new people in an app's first weeks",
        "Who has not finished a set-up yet: all new people less those who did. Whether a window is shown tells them.",
        newcomers.newcomers,
        {Engine.NAIVE: SUCCEEDS, Engine.THRESHOLD: FAILS},
    ),
    Attack(
        "late data and refresh",
        "A number asked for again after stragglers came.",
        beside(refreshing.late_data_and_refresh, under_noise.after_refresh),
        NOTHING,
    ),
    Attack(
        "late arrivals against the week",
        "The week less its days is what came late.",
        beside(refreshing.late_against_the_week, under_noise.after_week),
        NOTHING,
    ),
    Attack(
        "weeks' late against their quarter's",
        "How many came too late is said of weeks and of the quarter: ten times some, and ten in all, is one each.",
        refreshing.dropped_late,
        {Engine.NAIVE: SUCCEEDS, Engine.THRESHOLD: FAILS},
    ),
    Attack(
        "reason of a hidden number",
        "Of 21 people those who did something are hidden for the others' sake: one did not.",
        ends.reasons,
        {Engine.NAIVE: SUCCEEDS, Engine.THRESHOLD: FAILS},
    ),
    Attack(
        "labels at the end of a step",
        "People by two labels in tens, each as many as may be: how many have both.",
        ends.labels,
        {Engine.NAIVE: SUCCEEDS, Engine.THRESHOLD: FAILS},
    ),
    Attack(
        "provisional against sealed",
        "The sealed number less the last provisional one.",
        beside(refreshing.provisional_against_sealed, under_noise.provisional),
        NOTHING,
    ),
    Attack(
        "averaging",
        "The same number asked for again and again, for the mean.",
        under_noise.averaging,
        {Engine.NAIVE: SUCCEEDS, Engine.DP: FAILS},
    ),
    Attack(
        "reconstruction by linear program",
        "All numbers at once, solved for everybody's secret.",
        beside(inference.reconstruction, under_noise.reconstruction),
        ONLY_NAIVE,
    ),
    Attack(
        "membership of a canary",
        "Who knows everybody else reads off whether one more was there.",
        beside(inference.membership, under_noise.member),
        KNOWN,
    ),
    Attack(
        "threshold probing",
        "Who knows k - 1 of a group learns from its being shown that there is one more.",
        beside(inference.threshold_probing, under_noise.one_of_a_group),
        KNOWN,
    ),
    Attack(
        "Sybil fill",
        "k - 1 forged devices beside one real one.",
        beside(inference.sybil_fill, under_noise.one_of_a_group),
        KNOWN,
    ),
    Attack(
        "insider Customer",
        "A Customer takes itself out of a sum: what is left is nearly the largest other one.",
        customers.insider,
        ACROSS,
    ),
    Attack(
        "solving for a Customer",
        "All shown sums at once, and what a Customer knows of itself: bounds on another one.",
        customers.solving,
        ACROSS,
    ),
    Attack(
        "hidden sibling",
        "All Customers less the shown Partners' are the hidden ones.",
        customers.hidden_sibling,
        ACROSS,
    ),
    Attack(
        "people less new people",
        "All people less the new ones are those who return, who may be one Customer's.",
        told_beside.people_less_new,
        ACROSS,
    ),
    Attack(
        "ages of a week",
        "A week less its shown ages and the new people of its days is a hidden age, or a hidden day.",
        told_beside.ages_of_a_week,
        ACROSS,
    ),
    Attack(
        "join and leave",
        "The sum after less the sum before is who came.",
        customers.join_and_leave,
        ACROSS,
    ),
)

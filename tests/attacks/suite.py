"""The list of attacks: what each does, and what must come of it."""

from __future__ import annotations

from tests.attacks import customers, inference, refreshing, subtraction
from tests.attacks.outcome import FAILS, ONLY_NAIVE, SUCCEEDS, Attack, Engine

KNOWN = {Engine.NAIVE: SUCCEEDS, Engine.THRESHOLD: SUCCEEDS}
"""What the threshold does not stop, and ``docs/limitations.md`` says so."""

ACROSS = {Engine.NAIVE: SUCCEEDS, Engine.CUSTOMERS: FAILS}
"""The target of an attack on a Customer in numbers of several."""

ATTACKS = (
    Attack(
        "nested filters",
        "A group, and the group without one value: their difference is one person.",
        subtraction.nested_filters,
        ONLY_NAIVE,
    ),
    Attack(
        "tracker",
        "A question about one person, padded with half of everybody.",
        subtraction.tracker,
        ONLY_NAIVE,
    ),
    Attack(
        "subset and complement",
        "A number of nearly everybody tells the few others.",
        subtraction.complement,
        ONLY_NAIVE,
    ),
    Attack(
        "subtraction of distinct counts",
        "Two days' people less the people of both days are those who came twice.",
        subtraction.distinct_counts,
        ONLY_NAIVE,
    ),
    Attack(
        "late data and refresh",
        "A number asked for again after stragglers came.",
        refreshing.late_data_and_refresh,
        ONLY_NAIVE,
    ),
    Attack(
        "late arrivals against the week",
        "The week less its days is what came late.",
        refreshing.late_against_the_week,
        ONLY_NAIVE,
    ),
    Attack(
        "provisional against sealed",
        "The sealed number less the last provisional one.",
        refreshing.provisional_against_sealed,
        ONLY_NAIVE,
    ),
    Attack(
        "reconstruction by linear program",
        "All numbers at once, solved for everybody's secret.",
        inference.reconstruction,
        ONLY_NAIVE,
    ),
    Attack(
        "membership of a canary",
        "Who knows everybody else reads off whether one more was there.",
        inference.membership,
        KNOWN,
    ),
    Attack(
        "threshold probing",
        "Who knows k - 1 of a group learns from its being shown that there is one more.",
        inference.threshold_probing,
        KNOWN,
    ),
    Attack(
        "Sybil fill",
        "k - 1 forged devices beside one real one.",
        inference.sybil_fill,
        KNOWN,
    ),
    Attack(
        "insider Customer",
        "A Customer takes itself out of a sum: what is left is nearly the largest other one.",
        customers.insider,
        ACROSS,
    ),
    Attack(
        "hidden sibling",
        "All Customers less the shown Partners' are the hidden ones.",
        customers.hidden_sibling,
        ACROSS,
    ),
    Attack(
        "join and leave",
        "The sum after less the sum before is who came.",
        customers.join_and_leave,
        ACROSS,
    ),
)

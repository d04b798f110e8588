"""The account: each equation catches what it is there for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from headcount.loadgen.account import Account, AtCentre, AtEdge, balance

from tests.headcount.loadgen.conftest import sound

EDGE = AtEdge({"accepted": 99, "too-late": 3, "overloaded": 5})
CENTRE = AtCentre(records=97, repeats=2, stored=97, segments=0, units=0, set_aside=0)


def broken(account: Account, edge: AtEdge | None, centre: AtCentre | None, *, others: bool = False) -> list[str]:
    return [check.claim for check in balance(account, edge, centre, others=others) if not check.holds]


def test_what_adds_up_holds() -> None:
    """An account in which one unanswered report did arrive, and three repeats came, holds in every line."""
    assert broken(sound(), EDGE, CENTRE) == []
    assert len(balance(sound(), EDGE, CENTRE, others=False)) == 7


def planted(change: Callable[[Account], None]) -> Account:
    account = sound()
    change(account)
    return account


@pytest.mark.parametrize(
    "change",
    [
        lambda a: setattr(a, "sent", a.sent + 1),
        lambda a: a.refused.update({"overloaded": 1}),
        lambda a: a.failed.subtract({"connection lost": 1}),
        lambda a: setattr(a, "made", a.made + 1),
        lambda a: setattr(a, "waiting", 0),
        lambda a: a.hostile.update({"bomb": 1}),
    ],
    ids=["an_attempt_without_a_fate", "a_refusal_twice", "a_failure_lost", "a_report_lost", "one_waits", "hostile"],
)
def test_a_fate_too_few_or_too_many_is_seen(change: Callable[[Account], None]) -> None:
    """Whatever is counted once too often or not at all breaks exactly one line of the devices' account."""
    assert len(broken(planted(change), None, None)) == 1


@pytest.mark.parametrize(
    ("edge", "centre"),
    [
        (AtEdge({"accepted": 97}), None),
        (AtEdge({"accepted": 103}), None),
        (replace(EDGE, restarted=True), None),
        (None, replace(CENTRE, records=95, stored=95)),
        (None, replace(CENTRE, records=98, stored=98)),
        (EDGE, replace(CENTRE, repeats=1)),
        (EDGE, replace(CENTRE, segments=1)),
        (EDGE, replace(CENTRE, units=1)),
        (EDGE, replace(CENTRE, set_aside=1)),
        (EDGE, replace(CENTRE, stored=96)),
    ],
)
def test_what_is_lost_or_doubled_behind_the_edge_is_seen(edge: AtEdge | None, centre: AtCentre | None) -> None:
    """One report fewer or more at the edge, in the loader or in the warehouse breaks a line."""
    assert broken(sound(), edge, centre)


def test_with_others_more_may_arrive_and_never_less() -> None:
    """Where others send too, surplus says nothing, and a loss is seen all the same."""
    many = AtEdge({"accepted": 5_000}), replace(CENTRE, records=4_900, stored=4_900)
    assert broken(sound(), *many, others=True) == []
    assert broken(sound(), AtEdge({"accepted": 97}), None, others=True)
    assert broken(sound(), None, replace(CENTRE, records=95, stored=95), others=True)

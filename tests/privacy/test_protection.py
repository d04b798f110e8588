"""The rule for sums over Customers, over drawn tables: all that is shown, and all that can be made of it, is safe."""

from __future__ import annotations

from headcount_aggregator.release.scope.panel import ALL, Panel, next_panel, without
from headcount_aggregator.release.scope.protection import Contributions, hidden, is_safe, protect, together
from headcount_aggregator.release.scope.sums import Sum
from hypothesis import given, settings
from hypothesis import strategies as st

SIZES = st.one_of(st.integers(0, 3), st.integers(0, 200), st.integers(0, 20_000))
TABLES = st.dictionaries(
    st.sampled_from(["android", "ios", "linux", "web"]),
    st.dictionaries(st.integers(1, 24), SIZES, max_size=24),
    min_size=1,
)


def of(part: Contributions, customers: set[int]) -> dict[int, int]:
    return {customer: n for customer, n in part.items() if customer in customers}


def nobody_or_safe(part: Contributions) -> bool:
    return not any(part.values()) or is_safe(part)


@settings(max_examples=400, deadline=None)
@given(TABLES, st.integers(1, 5))
def test_what_is_shown_and_what_is_left_of_it_is_safe(table: dict[str, dict[int, int]], partners: int) -> None:
    """Each shown value, of all and of each open Partner, is safe; so are, together, those that are not shown."""
    partner_of = {customer: customer % (partners + 1) for customer in range(1, 25)}
    shown = protect(table, partner_of)
    if not shown.whole:
        assert shown.values == frozenset()
        assert shown.open == frozenset()
        return
    assert is_safe(together(table.values()))
    columns = [table[value] for value in shown.values]
    columns.append(together(table[value] for value in table.keys() - shown.values))
    assert all(is_safe(table[value]) for value in shown.values)
    assert all(nobody_or_safe(column) for column in columns)
    for partner in shown.open:
        mine = {customer for customer, found in partner_of.items() if found == partner}
        assert all(nobody_or_safe(of(column, mine)) for column in columns)
    others = {customer for customer, found in partner_of.items() if found not in shown.open}
    if shown.open:
        assert all(nobody_or_safe(of(column, others)) for column in columns)
    assert 0 not in shown.open


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), st.dictionaries(st.integers(1, 30), SIZES), min_size=1))
def test_what_is_hidden_is_safe_together(siblings: dict[str, dict[int, int]]) -> None:
    """Hidden parts with anything in them are safe together, or all parts are hidden; never exactly one that is not."""
    found = hidden(siblings)
    rest = {name for name in found if any(siblings[name].values())}
    shown = siblings.keys() - found
    assert all(is_safe(siblings[name]) for name in shown)
    assert not rest or not shown or is_safe(together(siblings[name] for name in rest))


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.integers(1, 20), st.integers(0, 3), min_size=1),
    st.dictionaries(st.integers(1, 20), st.integers(0, 3)),
    st.dictionaries(st.integers(1, 20), st.integers(0, 5_000)),
)
def test_a_panel_changes_by_sets_that_hide_each_other(
    before: dict[int, int], willing: dict[int, int], sizes: dict[int, int]
) -> None:
    """Who comes and who goes is nobody or three and more, safe together, in all and under each Partner that is told."""
    panel = next_panel(Panel(0, before), 1, willing, sizes)
    if ALL in panel.resting:
        assert not panel.stands
        return
    come = {c for c in panel.partner_of if before.get(c) != panel.partner_of[c]}
    gone = {c for c in before if panel.partner_of.get(c) != before[c]}
    for moved in (come, gone):
        assert not moved or is_safe({c: sizes.get(c, 0) for c in moved}, 3)
        for partner in {panel.partner_of.get(c, before.get(c, 0)) for c in moved} - {0} - panel.resting:
            mine = {c: sizes.get(c, 0) for c in moved if panel.partner_of.get(c, before.get(c)) == partner}
            assert is_safe(mine, 3)
    assert all(willing.get(c) == partner for c, partner in panel.partner_of.items())


def test_a_panel_that_lost_a_member_ends_rests_and_begins_anew() -> None:
    """One that leaves is seen in no difference: the quarter ends, one more rests, and then who is willing is in it.

    However late in its quarter it left: what was told before must not be held against what is told at once after.
    """
    willing = dict.fromkeys(range(1, 9), 0)
    sizes = dict.fromkeys(willing, 100)
    panel = next_panel(None, 0, willing, sizes)
    assert panel.stands
    others = {c: 0 for c in willing if c != 3}
    ended = without(panel, others, 88)
    assert (ended.ended, ended.stands) == (88, False)
    assert without(ended, willing, 89) == ended
    rested = next_panel(ended, 90, others, sizes)
    assert not rested.stands
    assert next_panel(rested, 180, others, sizes).members == {1, 2, 4, 5, 6, 7, 8}


def test_an_ended_panel_goes_on_without_those_that_left_together() -> None:
    """Three that left hide each other: no quarter rests."""
    willing = dict.fromkeys(range(1, 12), 0)
    sizes = dict.fromkeys(willing, 100)
    others = {c: 0 for c in willing if c > 3}
    ended = without(next_panel(None, 0, willing, sizes), others, 40)
    assert next_panel(ended, 90, others, sizes).members == set(others)


@settings(max_examples=400, deadline=None)
@given(TABLES, st.integers(1, 5))
def test_no_sum_of_few_people_is_told_or_left_over(table: dict[str, dict[int, int]], partners: int) -> None:
    """Where fewer than 20 are not told, no value, nothing that shown values or Partners leave, is of fewer."""
    partner_of = {customer: customer % (partners + 1) for customer in range(1, 25)}
    shown = protect(table, partner_of, at_least=20)
    if not shown.whole:
        return
    columns = [table[value] for value in shown.values]
    columns.append(together(table[value] for value in table.keys() - shown.values))
    rows = [{c for c, p in partner_of.items() if p == partner} for partner in shown.open]
    rows.append({c for c, p in partner_of.items() if p not in shown.open})
    for column in columns:
        for customers in (set(partner_of), *rows):
            assert sum(of(column, customers).values()) not in range(1, 20)


def test_twelve_administrators_are_not_what_is_left() -> None:
    """Of six Customers with 2, 100 and 60 people in three roles no subtraction gives the 12 in the first."""
    roles = {role: dict.fromkeys(range(6), n) for role, n in {"admin": 2, "member": 100, "guest": 60}.items()}
    shown = protect(roles, dict.fromkeys(range(6), 0), at_least=20)
    assert shown.values == {"member"}


@settings(max_examples=200, deadline=None)
@given(TABLES, TABLES, st.integers(1, 4))
def test_what_a_view_leaves_of_another_is_safe(
    table: dict[str, dict[int, int]], around: dict[str, dict[int, int]], partners: int
) -> None:
    """Told beside all people, no value, nor all that are not told, leaves what is one Customer's, of any scope."""
    partner_of = {customer: customer % (partners + 1) for customer in range(1, 25)}
    rests = {value: {customer: Sum(n) for customer, n in around.get(value, {}).items()} for value in table}
    shown = protect(table, partner_of, rests=rests)
    if not shown.whole:
        return
    left = {value: around.get(value, {}) for value in table}
    columns = [left[value] for value in shown.values]
    columns.append(together(left[value] for value in table.keys() - shown.values))
    scopes = [{c for c, p in partner_of.items() if p == partner} for partner in shown.open]
    scopes += [set(partner_of), *([{c for c, p in partner_of.items() if p not in shown.open}] if shown.open else [])]
    assert all(nobody_or_safe(of(column, scope)) for column in columns for scope in scopes)


def test_what_noise_leaves_open_may_be_left() -> None:
    """One of twelve Customers leaves 90 people beside noise of 20 each: hidden by it, also in a quarter's mean."""
    table = {"": dict.fromkeys(range(1, 13), 100)}
    partner_of = dict.fromkeys(range(1, 13), 0)
    for rest, told in ((90, True), (200, False)):
        rests = {"": {c: Sum(rest if c == 1 else 0, 20**2) for c in range(1, 13)}}
        assert protect(table, partner_of, rests=rests).whole is told

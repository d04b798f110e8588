"""The sixth step: what of a report may be counted, by consent, policy, catalog and calendar."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from headcount_wire import limits
from headcount_wire.problems import Dropped, Problem
from headcount_wire.segment import Packed

from headcount_ingest.admission import Allowance, Rule
from headcount_ingest.outcomes import Refused
from headcount_ingest.own import Owned
from headcount_ingest.standing import Whence, standing_of
from headcount_ingest.tallies import TALLY_BYTES, numbers_of
from headcount_ingest.terms import Account

Dropping = dict[tuple[int, Dropped], int]
"""Drops while they are counted: by measure code and reason."""


class Admitted:
    """What of a report may be counted, and what was dropped, by measure and reason.

    ``told``: each day's tallies, as a record holds them. ``count``: how many there are.
    """

    __slots__ = ("account", "count", "drops", "report_id", "told", "whence")

    def __init__(
        self, report_id: bytes, account: Account, whence: Whence, told: list[Packed], count: int, drops: Dropping
    ) -> None:
        self.report_id: Final = report_id
        self.account: Final = account
        self.whence: Final = whence
        self.told: Final = told
        self.count: Final = count
        self.drops: Final = drops


def admit(owned: Owned, today: int) -> Admitted | Refused:
    """Hold a report to consent, policy, catalog and the day windows (``today``: UTC); drop what does not pass."""
    report, account = owned.report, owned.account
    if not today - limits.CREATED_PAST_DAYS <= report.said.created <= today + limits.CREATED_FUTURE_DAYS:
        return Refused(Problem.TOO_LATE)
    standing = standing_of(account.conditions, report.said)
    if isinstance(standing, Refused):
        return standing
    drops: Dropping = {}
    told: list[Packed] = []
    count = 0
    for day, tallies in report.days:
        if standing is None:
            _drop_all(tallies, Dropped.UNKNOWN_MEASURE, {}, drops)
        elif outside := _window(day, today):
            _drop_all(tallies, outside, standing.terms.measures, drops)
        elif counted := of_day(tallies, standing.allowance(day), drops):
            many = len(counted) // TALLY_BYTES
            told.append((day, many, counted))
            count += many
    if standing is None or not told:
        is_old = standing is not None and standing.terms.consent_is_old
        problem = Problem.POLICY_OLD if is_old else Problem.NOTHING_ADMISSIBLE
        return Refused(problem, customer=account.customer.code, drops=drops)
    return Admitted(owned.report_id, account, standing.whence, told, count, drops)


def of_day(tallies: bytes, allowance: Allowance, drops: Dropping) -> bytes:
    """One day's tallies that may be counted; the others go to ``drops``."""
    return tallies if allowance.holds(tallies) else one_by_one(tallies, allowance, drops)


def one_by_one(tallies: bytes, allowance: Allowance, drops: Dropping) -> bytes:
    """The same of any day: of what stands twice, or exceeds a cap, whatever comes first."""
    kept: list[bytes] = []
    seen: set[int] = set()
    used: dict[int, int] = {}
    at = 0
    for measure, label, fact, slot, n in numbers_of(tallies):
        rule = allowance.look_at(measure, label, fact, slot, n)
        reason = rule if isinstance(rule, Dropped) else _spent(rule, fact, slot, n, seen, used)
        if reason is None:
            kept.append(tallies[at : at + TALLY_BYTES])
        else:
            _drop(measure, reason, drops)
        at += TALLY_BYTES
    return b"".join(kept)


def _spent(rule: Rule, fact: int, slot: int, n: int, seen: set[int], used: dict[int, int]) -> Dropped | None:
    """Why a tally cannot be counted beside those before it; when it can, it is noted in ``seen`` or ``used``."""
    if rule.once:
        number = rule.number(fact, slot)
        if number in seen:
            return Dropped.TWICE
        seen.add(number)
        return None
    total = used.get(rule.share, 0) + n
    if total > rule.cap:
        return Dropped.OVER_CAP
    used[rule.share] = total
    return None


def _drop(measure: int, reason: Dropped, drops: Dropping) -> None:
    about = measure, reason
    drops[about] = drops.get(about, 0) + 1


def _drop_all(tallies: bytes, reason: Dropped, declared: Container[int], drops: Dropping) -> None:
    """Drop a whole day. A measure that nobody declared is that before all else: its code was made up by a client."""
    for measure, *_ in numbers_of(tallies):
        _drop(measure, reason if measure in declared else Dropped.UNKNOWN_MEASURE, drops)


def _window(day: int, today: int) -> Dropped | None:
    if day < today - limits.TALLY_PAST_DAYS:
        return Dropped.DAY_TOO_OLD
    return Dropped.DAY_AHEAD if day > today + limits.TALLY_FUTURE_DAYS else None

"""The sixth step: what of a report may be counted, by consent, policy, catalog and calendar."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from headcount_wire import limits
from headcount_wire.problems import Dropped, Problem
from headcount_wire.segment import Packed

from headcount_ingest.admission import Allowance
from headcount_ingest.known import Known
from headcount_ingest.lines import Line, numbers_of
from headcount_ingest.outcomes import Refused
from headcount_ingest.own import Owned
from headcount_ingest.standing import Whence, standing_of
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
    for day, lines in report.days:
        if standing is None:
            _drop_all(lines, Dropped.UNKNOWN_MEASURE, {}, drops)
        elif outside := _window(day, today):
            _drop_all(lines, outside, standing.terms.measures, drops)
        elif counted := _of_day(lines, standing.allowance(day), drops):
            told.append((day, len(counted), b"".join(counted)))
            count += len(counted)
    if standing is None or not told:
        is_old = standing is not None and standing.terms.consent_is_old
        problem = Problem.POLICY_OLD if is_old else Problem.NOTHING_ADMISSIBLE
        return Refused(problem, customer=account.customer.code, drops=drops)
    return Admitted(owned.report_id, account, standing.whence, told, count, drops)


def _of_day(lines: list[Line], allowance: Allowance, drops: Dropping) -> list[Line]:
    """One day's tallies that may be counted; the others go to ``drops``."""
    if _is_ordinary(lines, allowance.known):
        return lines
    lines, found = _look_at(lines, allowance, drops)
    if len({known.said for known in found}) == len(found) and _within_caps(found):
        return lines
    return _one_by_one(lines, found, allowance, drops)


def _is_ordinary(lines: list[Line], known: dict[Line, Known]) -> bool:
    """Whether a day is like most: all of it met before, in an SDK's order, and all caps together not used up."""
    last, used = -1, 0.0
    for line in lines:
        found = known.get(line)
        if found is None or found.said <= last:  # what rises stands once
            return False
        last = found.said
        used += found.part
    return used < 1.0


def _look_at(lines: list[Line], allowance: Allowance, drops: Dropping) -> tuple[list[Line], list[Known]]:
    """The tallies that may be counted, with those that nobody had seen yet."""
    kept: list[Line] = []
    found: list[Known] = []
    for line in lines:
        known = allowance.known.get(line) or allowance.look_at(line)
        if isinstance(known, Dropped):
            _drop(line, known, drops)
        else:
            kept.append(line)
            found.append(known)
    return kept, found


def _within_caps(found: list[Known]) -> bool:
    """Whether all that share a cap, labels or buckets of a measure, are within it together."""
    used: dict[int, int] = {}
    for known in found:
        if known.share:
            total = used[known.share] = used.get(known.share, 0) + known.n
            if total > known.cap:
                return False
    return True


def _one_by_one(lines: list[Line], found: list[Known], allowance: Allowance, drops: Dropping) -> list[Line]:
    """What may be counted of a day on which something stands twice or a cap is exceeded: whatever comes first."""
    kept: list[Line] = []
    seen: set[int] = set()
    used: dict[int, int] = {}
    for line, known in zip(lines, found, strict=True):
        rule = allowance.rule(line)
        if rule.once:
            if known.said in seen:
                _drop(line, Dropped.TWICE, drops)
                continue
            seen.add(known.said)
        else:
            total = used.get(rule.share, 0) + known.n
            if total > known.cap:
                _drop(line, Dropped.OVER_CAP, drops)
                continue
            used[rule.share] = total
        kept.append(line)
    return kept


def _drop(line: Line, reason: Dropped, drops: Dropping) -> None:
    about = numbers_of(line)[0], reason
    drops[about] = drops.get(about, 0) + 1


def _drop_all(lines: list[Line], reason: Dropped, declared: Container[int], drops: Dropping) -> None:
    """Drop a whole day. A measure that nobody declared is that before all else: its code was made up by a client."""
    for line in lines:
        _drop(line, reason if numbers_of(line)[0] in declared else Dropped.UNKNOWN_MEASURE, drops)


def _window(day: int, today: int) -> Dropped | None:
    if day < today - limits.TALLY_PAST_DAYS:
        return Dropped.DAY_TOO_OLD
    return Dropped.DAY_AHEAD if day > today + limits.TALLY_FUTURE_DAYS else None

"""The fifth step: what of a report may be counted, by consent, policy, catalog and calendar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from headcount_wire import limits
from headcount_wire.dimensions import UNKNOWN, Dimension, canonical
from headcount_wire.organisation import AppKey
from headcount_wire.policy import Policy
from headcount_wire.problems import Dropped, Problem
from headcount_wire.segment import Values

from headcount_ingest.admission import ONE_SLOT, Admission, Rule, admission_of
from headcount_ingest.decode import Decoded, Line
from headcount_ingest.outcomes import Drops, Refused

DayTally = tuple[int, int, int, int, int, int]
Verdicts = Mapping[str, Dropped | None]
"""By purpose: why nothing of it counts in this report, or ``None``."""

_canonical = lru_cache(maxsize=4096)(canonical)


@dataclass(frozen=True, slots=True)
class Admitted:
    """What of a report may be counted, and what was dropped, by measure and reason."""

    report_id: bytes
    app_key: AppKey
    catalog: int
    created: int
    context: Values
    origin: Values | None
    tallies: list[DayTally]
    drops: Drops


def admit(decoded: Decoded, today: int) -> Admitted | Refused:
    """Hold a report to consent, policy, catalog and the day windows (``today``: UTC); drop what does not pass."""
    report, key = decoded.report, decoded.app_key
    policy = key.customer.policy
    if not today - limits.CREATED_PAST_DAYS <= report.created <= today + limits.CREATED_FUTURE_DAYS:
        return Refused(Problem.TOO_LATE)
    if policy.paused:
        return Refused(Problem.PAUSED)
    if report.policy > policy.version:
        return Refused(Problem.POLICY_OLD)
    drops: Counter[tuple[int, Dropped]] = Counter()
    catalog = next((catalog for catalog in key.app.catalogs if catalog.version == report.catalog), None)
    if catalog is None:
        drops.update((line[0], Dropped.UNKNOWN_MEASURE) for _, lines in report.days for line in lines)
        return Refused(Problem.NOTHING_ADMISSIBLE, customer=key.customer.code, drops=drops)
    admission = admission_of(catalog)
    verdicts = {name: _consent(name, report.purposes, policy) for name in catalog.purposes}
    tallies: list[DayTally] = []
    for day, lines in report.days:
        if outside := _window(day, today):
            drops.update((line[0], outside) for line in lines)
        else:
            tallies += _of_day(day, lines, admission, verdicts, drops)
    if not tallies:
        old = any(verdict is Dropped.CONSENT_OLD for verdict in verdicts.values())
        problem = Problem.POLICY_OLD if old else Problem.NOTHING_ADMISSIBLE
        return Refused(problem, customer=key.customer.code, drops=drops)
    context = _values(report.context, admission, verdicts, policy)
    origin = None if report.origin is None else _values(report.origin, admission, verdicts, policy)
    return Admitted(decoded.report_id, key, catalog.version, report.created, context, origin, tallies, drops)


def _of_day(
    day: int, lines: list[Line], admission: Admission, verdicts: Verdicts, drops: Counter[tuple[int, Dropped]]
) -> list[DayTally]:
    """One day's tallies that may be counted; the others go to ``drops``."""
    whole, rules = admission.whole, admission.rules
    allowed = {purpose for purpose, verdict in verdicts.items() if verdict is None}
    # Most tallies are admissible as they stand: one look-up each, and none may stand twice.
    plain = [line for line in lines if whole.get(line) in allowed]
    once = set(plain)
    if len(once) < len(plain):
        drops.update((line[0], Dropped.TWICE) for line in (Counter(plain) - Counter(once)).elements())
    kept = [(day, *line) for line in once]
    seen: set[tuple[int, ...]] = set()
    used: dict[tuple[int, int], int] = {}
    for line in lines:
        if line in once:
            continue
        rule = rules.get(line[:3])
        if rule is None:
            drops[line[0], _why_no_rule(admission, line)] += 1
        elif reason := verdicts[rule.purpose] or _breaks(rule, line, day, seen, used):
            drops[line[0], reason] += 1
        else:
            kept.append((day, *line))
    return kept


def _breaks(
    rule: Rule, line: Line, day: int, seen: set[tuple[int, ...]], used: dict[tuple[int, int], int]
) -> Dropped | None:
    """The reason a tally of an allowed fact may not be counted; notes it when it may."""
    _, _, fact, slot, n = line
    if rule.expires is not None and day > rule.expires:
        return Dropped.EXPIRED
    if not rule.least <= slot <= rule.most or (rule.once and n > rule.cap):
        return Dropped.OUT_OF_BOUNDS
    if rule.once:
        said = line[:3] if fact in ONE_SLOT else line
        if said in seen:
            return Dropped.TWICE
        seen.add(said)
        return None
    # Labels share their measure's cap, and so do the buckets of a timing.
    total = used.get(rule.shares, 0) + n
    if total > rule.cap:
        return Dropped.OVER_CAP
    used[rule.shares] = total
    return None


def _consent(purpose: str, granted: Mapping[str, int], policy: Policy) -> Dropped | None:
    if purpose not in granted:
        return Dropped.NOT_GRANTED
    if not policy.allows(purpose):
        return Dropped.POLICY
    return None if policy.consent_counts(purpose, granted[purpose]) else Dropped.CONSENT_OLD


def _window(day: int, today: int) -> Dropped | None:
    if day < today - limits.TALLY_PAST_DAYS:
        return Dropped.DAY_TOO_OLD
    return Dropped.DAY_AHEAD if day > today + limits.TALLY_FUTURE_DAYS else None


def _why_no_rule(admission: Admission, line: Line) -> Dropped:
    measure, label = line[:2]
    known = admission.measures.get(measure)
    if known is None:
        return Dropped.UNKNOWN_MEASURE
    return Dropped.UNKNOWN_LABEL if label and label not in known.label_codes else Dropped.WRONG_FACT


def _values(fields: Mapping[str, str], admission: Admission, verdicts: Verdicts, policy: Policy) -> Values:
    found = dict.fromkeys(Dimension, UNKNOWN)
    for name, dimension, purpose in admission.fields:
        value = fields.get(name)
        if value is not None and verdicts[purpose] is None and name in policy.context:
            found[dimension] = _canonical(dimension, value)
    os, os_version, language, time_zone, app_version, device_class = found.values()
    return (os, os_version, language, time_zone, app_version, device_class)

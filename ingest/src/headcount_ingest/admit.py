"""The fourth step: what of a report may be counted, by consent, policy, catalog and calendar."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from headcount_wire import limits
from headcount_wire.dimensions import UNKNOWN, Dimension, canonical
from headcount_wire.organisation import AppKey
from headcount_wire.policy import Policy
from headcount_wire.problems import Dropped, Problem
from headcount_wire.segment import Values

from headcount_ingest.admission import Admission, Rule, admission_of
from headcount_ingest.decode import Decoded
from headcount_ingest.outcomes import Refused

DayTally = tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Admitted:
    """What of a report may be counted, and what was dropped, by measure and reason."""

    report_id: bytes
    app_key: AppKey
    catalog: int
    created: int
    context: Values
    origin: Values | None
    tallies: tuple[DayTally, ...]
    dropped: Counter[tuple[int, Dropped]]


def admit(decoded: Decoded, today: int) -> Admitted | Refused:
    """Hold a report to consent, policy, catalog and the day windows; drop what does not pass."""
    if not today - limits.CREATED_PAST_DAYS <= decoded.created <= today + limits.CREATED_FUTURE_DAYS:
        return Refused(Problem.TOO_LATE)
    policy = decoded.app_key.customer.policy
    if policy.paused:
        return Refused(Problem.PAUSED)
    if decoded.body.policy > policy.version:
        return Refused(Problem.POLICY_OLD)
    catalog = next((c for c in decoded.app_key.app.catalogs if c.version == decoded.body.catalog), None)
    if catalog is None:
        return Refused(Problem.NOTHING_ADMISSIBLE)
    admission = admission_of(catalog)
    purposes = decoded.body.purposes
    verdicts = {name: _consent(name, purposes, policy) for name in catalog.purposes}
    dropped: Counter[tuple[int, Dropped]] = Counter()
    tallies: list[DayTally] = []
    for day, lines in decoded.days:
        outside = _window(day, today)
        seen: set[tuple[int, int, int]] = set()
        used: Counter[int] = Counter()
        for measure, label, fact, slot, n in lines:
            rule = admission.rules.get((measure, label, fact))
            if rule is None:
                dropped[measure, _why_no_rule(admission, measure, label)] += 1
            elif (
                reason := outside
                or verdicts[rule.measure.purpose]
                or _breaks(rule, label, fact, slot, n, day, seen, used)
            ):
                dropped[measure, reason] += 1
            else:
                tallies.append((day, measure, label, fact, slot, n))
    if not tallies:
        old = any(verdict is Dropped.CONSENT_OLD for verdict in verdicts.values())
        return Refused(Problem.POLICY_OLD if old else Problem.NOTHING_ADMISSIBLE)
    return Admitted(
        decoded.report_id,
        decoded.app_key,
        catalog.version,
        decoded.created,
        _values(decoded.body.context, admission, verdicts, policy),
        None if decoded.body.origin is None else _values(decoded.body.origin, admission, verdicts, policy),
        tuple(tallies),
        dropped,
    )


def _consent(purpose: str, granted: dict[str, int], policy: Policy) -> Dropped | None:
    if purpose not in granted:
        return Dropped.NOT_GRANTED
    if not policy.allows(purpose):
        return Dropped.POLICY
    return None if policy.consent_counts(purpose, granted[purpose]) else Dropped.CONSENT_OLD


def _window(day: int, today: int) -> Dropped | None:
    if day < today - limits.TALLY_PAST_DAYS:
        return Dropped.DAY_TOO_OLD
    return Dropped.DAY_AHEAD if day > today + limits.TALLY_FUTURE_DAYS else None


def _why_no_rule(admission: Admission, measure: int, label: int) -> Dropped:
    known = admission.measures.get(measure)
    if known is None:
        return Dropped.UNKNOWN_MEASURE
    return Dropped.UNKNOWN_LABEL if label and label not in known.label_codes else Dropped.WRONG_FACT


def _breaks(
    rule: Rule,
    label: int,
    fact: int,
    slot: int,
    n: int,
    day: int,
    seen: set[tuple[int, int, int]],
    used: Counter[int],
) -> Dropped | None:
    """The reason a tally of an allowed fact may not be counted; notes it when it may."""
    measure = rule.measure
    if measure.expired(day):
        return Dropped.EXPIRED
    if not rule.least <= slot <= rule.most or (rule.once and n != 1):
        return Dropped.OUT_OF_BOUNDS
    if rule.once:
        # The slots of FIRST are four facts; of every other fact one device-day has one slot.
        key = (measure.code, label * 64 + slot if rule.least == 1 and rule.most == 4 else label * 64, fact)
        if key in seen:
            return Dropped.TWICE
        seen.add(key)
        return None
    if used[measure.code] + n > rule.cap:
        return Dropped.OVER_CAP
    used[measure.code] += n
    return None


def _values(
    fields: dict[str, str], admission: Admission, verdicts: dict[str, Dropped | None], policy: Policy
) -> Values:
    found = dict.fromkeys(Dimension, UNKNOWN)
    for dimension, purpose in admission.fields:
        value = fields.get(dimension.field)
        if value is not None and verdicts[purpose] is None and dimension.field in policy.context:
            found[dimension] = canonical(dimension, value)
    os, os_version, language, time_zone, app_version, device_class = found.values()
    return (os, os_version, language, time_zone, app_version, device_class)

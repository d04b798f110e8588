"""Everything a device holds, as one value and one file: consent, tallies, markers, the sealed report.

The file is replaced whole, so each change of consent, each sealing and each acknowledgement
happens entirely or not at all. What was recorded since stands in the journal.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from headcount_wire import version
from headcount_wire.facts import Fact
from headcount_wire.policy import Policy
from headcount_wire.record import Record, made

from headcount_sdk.funnels import Attempt, Funnels, Progress
from headcount_sdk.journal import Note
from headcount_sdk.markers import Context, Markers
from headcount_sdk.tallies import Day, Part

FILE = "state"
SENT = "sent"
"""The file beside it of what was sent: see ``sent.py``."""
VERSION = 2
SDK_NAME = f"python/{version.VERSION}"
_MAGIC = b"headcount-state "


class StateCorrupt(Exception):
    """The file is no state, or was cut off or changed."""


class StateNewer(Exception):
    """The file was written by a newer version of the SDK."""


class Decision(NamedTuple):
    """What the user decided for a purpose. Counting starts on ``from_day`` (a local day)."""

    granted: bool
    policy: int
    from_day: int


class Event(NamedTuple):
    """One change of consent, kept for the user's receipt: what it was changed to, when, and what the user was shown.

    ``at``: seconds since 1970, UTC. ``change``: granted, denied, or what else put a purpose off. ``language``: that of
    the sentence the app showed, if it said so.
    """

    at: int
    purpose: str
    change: str
    policy: int
    language: str = ""


class Sealed(Record):
    """One report under way: its bytes, and what its acknowledgement changes. ``attempted``: an edge may have it."""

    report_id: str
    body: bytes
    created: int
    context: Context
    days: list[tuple[int, Part]]
    attempted: bool = False
    media: str = "application/json"


class State(Record):
    """The whole of it.

    ``contexts`` numbers the contexts that the journal refers to. ``refusing``: outside signals that say no, by name,
    with the purposes they say it to. ``off``: context fields the user switched off. ``events``: changes of consent.
    ``session``: the last mark of the session under way, with its seconds. ``host``: where reports go after a move.
    ``declared``: what each code stood for. ``from_days``: when purposes that were undecided may count again.
    """

    generation: int = 1
    decisions: dict[str, Decision] = made(factory=dict)
    policy: Policy | None = None
    policy_day: int = -1
    days: dict[int, Day] = made(factory=dict)
    markers: Markers = made(factory=Markers)
    sealed: Sealed | None = None
    contexts: list[Context] = made(factory=list)
    last_day: int = 0
    due: float = 0.0
    not_before: float = 0.0
    attempts: int = 0
    refusing: dict[str, frozenset[str]] = made(factory=dict)
    off: frozenset[str] = frozenset()
    events: list[Event] = made(factory=list)
    funnels: Funnels = made(factory=dict)
    session: tuple[int, int] = (Note.OVER, 0)
    open_sent: float = 0.0
    host: str = ""
    declared: dict[int, str] = made(factory=dict)
    from_days: dict[str, int] = made(factory=dict)


def advance(markers: Markers, sealed: Sealed, refused: Collection[int] = ()) -> None:
    """The server has the report: its measures' markers move, those of refused measures stay."""
    for day, part in sealed.days:
        for measure in part.touched:
            if measure not in refused:
                markers.advance(measure, day)


def give_back(state: State, sealed: Sealed) -> None:
    """A report that was never sent is undone: its parts are held again, in front."""
    for day, part in reversed(sealed.days):
        held = state.days.get(day)
        if held is not None:
            held.parts.insert(0, part)
        else:
            state.days[day] = Day([part])


def encode(state: State) -> bytes:
    """The file's bytes: a line with version and checksum, then JSON."""
    plain: dict[str, Any] = {
        "generation": state.generation,
        "decisions": {name: [d.granted, d.policy, d.from_day] for name, d in sorted(state.decisions.items())},
        "policy": _policy_plain(state.policy),
        "policy_day": state.policy_day,
        "days": [[day, _day_plain(held)] for day, held in sorted(state.days.items())],
        "markers": [sorted(state.markers.last.items()), state.markers.first_use, state.markers.origin],
        "sealed": _sealed_plain(state.sealed),
        "contexts": state.contexts,
        "last_day": state.last_day,
        "due": state.due,
        "not_before": state.not_before,
        "attempts": state.attempts,
        "refusing": [[name, sorted(purposes)] for name, purposes in sorted(state.refusing.items())],
        "off": sorted(state.off),
        "events": state.events,
        "funnels": [[code, _progress_plain(progress)] for code, progress in sorted(state.funnels.items())],
        "session": state.session,
        "open_sent": state.open_sent,
        "host": state.host,
        "declared": sorted(state.declared.items()),
        "from_days": state.from_days,
    }
    body = json.dumps(plain, separators=(",", ":")).encode()
    return b"%s%d %08x\n" % (_MAGIC, VERSION, binascii.crc32(body)) + body


def decode(data: bytes) -> State:
    """The state in a file's bytes; raises ``StateCorrupt`` or ``StateNewer``."""
    head, _, body = data.partition(b"\n")
    try:
        if not head.startswith(_MAGIC):
            raise StateCorrupt
        version, crc = head[len(_MAGIC) :].split(b" ")
        if int(version) > VERSION:
            raise StateNewer
        if binascii.crc32(body) != int(crc, 16):
            raise StateCorrupt
        plain = json.loads(body)
        for upgrade in _UPGRADES[int(version) - 1 :]:
            upgrade(plain)
        last, first_use, origin = plain["markers"]
        return State(
            generation=plain["generation"],
            decisions={name: Decision(*fields) for name, fields in plain["decisions"].items()},
            policy=_policy(plain["policy"]),
            policy_day=plain["policy_day"],
            days={day: _day(held) for day, held in plain["days"]},
            markers=Markers(dict(last), first_use, _context(origin)),
            sealed=_sealed(plain["sealed"]),
            contexts=[_context(context) for context in plain["contexts"]],
            last_day=plain["last_day"],
            due=plain["due"],
            not_before=plain["not_before"],
            attempts=plain["attempts"],
            refusing={name: frozenset(purposes) for name, purposes in plain["refusing"]},
            off=frozenset(plain["off"]),
            events=[Event(*event) for event in plain["events"]],
            funnels={code: _progress(progress) for code, progress in plain["funnels"]},
            session=(plain["session"][0], plain["session"][1]),
            open_sent=plain["open_sent"],
            host=plain["host"],
            declared=dict(plain["declared"]),
            from_days=plain["from_days"],
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise StateCorrupt from None


def _second(plain: dict[str, Any]) -> None:
    """From the first version: caps were used by measure alone, and there was no more than counters and timings."""
    plain.update(
        refusing=[],
        off=[],
        events=[],
        funnels=[],
        session=[Note.OVER, 0],
        open_sent=0.0,
        host="",
        declared=[],
        from_days={},
    )
    for _, day in plain["days"]:
        day[2] = [[measure, fact, n] for measure, n in day[2] for fact in (Fact.COUNT, Fact.BUCKET)]
        day.append([])


_UPGRADES: list[Callable[[dict[str, Any]], None]] = [_second]
"""From each version to the next, in place."""


def part_plain(part: Part) -> list[Any]:
    """A part as JSON holds it, readable enough to show to the user."""
    return [part.context, [[*key, n] for key, n in sorted(part.sums.items())], part.touched]


def _part(plain: list[Any]) -> Part:
    context, sums, touched = plain
    return Part(_context(context), {(m, la, f, s): n for m, la, f, s, n in sums}, list(touched))


def _day_plain(day: Day) -> list[Any]:
    used = [[*key, n] for key, n in sorted(day.used.items())]
    values = [[*key, *value] for key, value in sorted(day.values.items())]
    return [[part_plain(part) for part in day.parts], sorted(day.once), used, values]


def _day(plain: list[Any]) -> Day:
    parts, once, used, values = plain
    return Day(
        [_part(part) for part in parts],
        {(m, la, f) for m, la, f in once},
        {(m, f): n for m, f, n in used},
        {(m, la): (n, _context(context)) for m, la, n, context in values},
    )


def _progress_plain(progress: Progress) -> list[Any]:
    return [[day, a.context, a.begun, a.reached, a.furthest, a.open] for day, a in sorted(progress.days.items())]


def _progress(plain: list[Any]) -> Progress:
    return Progress({day: Attempt(_context(context), *fields) for day, context, *fields in plain})


def _sealed_plain(sealed: Sealed | None) -> list[Any] | None:
    if sealed is None:
        return None
    body = base64.b64encode(sealed.body).decode("ascii")
    days = [[day, part_plain(part)] for day, part in sealed.days]
    return [sealed.report_id, body, sealed.created, sealed.context, days, sealed.attempted, sealed.media]


def _sealed(plain: list[Any] | None) -> Sealed | None:
    if plain is None:
        return None
    report_id, body, created, context, held, attempted, *media = plain
    days = [(day, _part(part)) for day, part in held]
    return Sealed(report_id, base64.b64decode(body), created, _context(context), days, attempted, *media)


def _policy_plain(policy: Policy | None) -> list[Any] | None:
    if policy is None:
        return None
    since, context = sorted(policy.consent_since.items()), sorted(policy.context)
    return [policy.version, since, context, policy.paused, policy.minimum_sdk]


def _policy(plain: list[Any] | None) -> Policy | None:
    if plain is None:
        return None
    version, since, context, paused, minimum = plain
    return Policy(version, dict(since), frozenset(context), paused, minimum)


def _context(plain: Any) -> Context:
    return tuple((str(name), str(value)) for name, value in plain)

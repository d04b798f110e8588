"""All that the tap keeps, as one value and one file: the place in the log and the counts up to it, never apart.

The file is replaced whole. Measures stand in it by name, so that a catalog made anew changes the meaning of none.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headcount_wire.catalog import Measure
from headcount_wire.policy import Policy, decode_policy, encode_policy
from headcount_wire.report import ReportDay, Tally

from headcount.logtap.outcomes import Delivery, LineOutcome
from headcount.logtap.position import Position
from headcount.logtap.reports import Waiting, requests_in

FILE = "state"
_MAGIC = b"headcount-logtap 1 "


class StateDamaged(Exception):
    """The file is no state, was cut off or changed, or is of a newer version."""


@dataclass(slots=True)
class Sealed:
    """One report under way: its bytes, and what they say.

    ``requests``: how many it tells of. ``doubtful``: an attempt to send it may have arrived, so that it must not be
    sent as another report.
    """

    report_id: str
    body: bytes
    created: int
    days: list[ReportDay]
    requests: int
    doubtful: bool = False


@dataclass(slots=True)
class State:
    """The whole of it. ``due``: when counts are handed over next; ``not_before``: a pause after ``attempts`` failed."""

    position: Position | None = None
    waiting: Waiting = field(default_factory=Waiting)
    sealed: Sealed | None = None
    lines: Counter[LineOutcome] = field(default_factory=Counter)
    requests: Counter[Delivery] = field(default_factory=Counter)
    policy: Policy | None = None
    due: float = 0.0
    not_before: float = 0.0
    attempts: int = 0

    def waits(self) -> int:
        """How many requests are counted and not yet handed over."""
        return self.waiting.requests() + (self.sealed.requests if self.sealed else 0)


def encode(state: State, measures: Mapping[int, Measure]) -> bytes:
    """The file's bytes: a line with version and checksum, then JSON."""
    names = {code: measure.name for code, measure in measures.items()}
    plain = {
        "position": None if state.position is None else _position_plain(state.position),
        "sums": _sums_plain(state.waiting, names),
        "said": [[day, names[m], la] for day, said in sorted(state.waiting.said.items()) for m, la in sorted(said)],
        "sealed": None if state.sealed is None else _sealed_plain(state.sealed, names),
        "lines": dict(state.lines),
        "requests": dict(state.requests),
        "policy": None if state.policy is None else encode_policy(state.policy).decode(),
        "due": state.due,
        "not_before": state.not_before,
        "attempts": state.attempts,
    }
    body = json.dumps(plain, separators=(",", ":")).encode()
    return _MAGIC + b"%08x\n" % zlib.crc32(body) + body


def decode(data: bytes, measures: Mapping[int, Measure]) -> State:
    """The state in a file's bytes; raises ``StateDamaged``. What no measure stands for any more is counted as such."""
    codes = {measure.name: code for code, measure in measures.items()}
    head, _, body = data.partition(b"\n")
    try:
        if not head.startswith(_MAGIC) or zlib.crc32(body) != int(head[len(_MAGIC) :], 16):
            raise StateDamaged
        plain = json.loads(body)
        state = State(
            position=None if plain["position"] is None else Position(*plain["position"]),
            sealed=None if plain["sealed"] is None else _sealed(plain["sealed"], codes),
            lines=Counter({LineOutcome(name): n for name, n in plain["lines"].items()}),
            requests=Counter({Delivery(name): n for name, n in plain["requests"].items()}),
            policy=None if plain["policy"] is None else decode_policy(plain["policy"].encode()),
            due=plain["due"],
            not_before=plain["not_before"],
            attempts=plain["attempts"],
        )
        for name, sums in plain["sums"].items():
            found = {(day, codes.get(name, 0), la, fact, slot): n for day, la, fact, slot, n in sums}
            if name in codes:
                for key, n in found.items():
                    state.waiting.add(key, n)
            else:
                state.requests += Counter({Delivery.UNDECLARED: requests_in(found.items())})
        for day, name, label in plain["said"]:
            if name in codes:
                state.waiting.said.setdefault(day, set()).add((codes[name], label))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StateDamaged from None
    return state


def _sums_plain(waiting: Waiting, names: Mapping[int, str]) -> dict[str, list[list[int]]]:
    plain: dict[str, list[list[int]]] = {}
    for (day, measure, *rest), n in sorted(waiting.sums.items()):
        plain.setdefault(names[measure], []).append([day, *rest, n])
    return plain


def _position_plain(position: Position) -> list[Any]:
    return [position.inode, position.offset, position.mark, position.skipping]


def _sealed_plain(sealed: Sealed, names: Mapping[int, str]) -> list[Any]:
    days = [[day.day, [[names[m], *rest] for m, *rest in day.tallies]] for day in sealed.days]
    body = base64.b64encode(sealed.body).decode("ascii")
    return [sealed.report_id, body, sealed.created, days, sealed.requests, sealed.doubtful]


def _sealed(plain: list[Any], codes: Mapping[str, int]) -> Sealed:
    report_id, body, created, days, requests, doubtful = plain
    # Its bytes stand as they are; what they say is needed only where it is given back, under a code that is known.
    found = [
        ReportDay(day, tuple(Tally(codes[name], *rest) for name, *rest in tallies if name in codes))
        for day, tallies in days
    ]
    return Sealed(report_id, base64.b64decode(body), created, found, requests, doubtful)

"""The closed lists of the tap: what a line can come to, what a counted request can come to, what can go wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum


class LineOutcome(StrEnum):
    """What became of a line: each has exactly one."""

    COUNTED = "counted"
    UNTIMED = "untimed"
    CROWDED = "crowded"
    UNREADABLE = "unreadable"
    TOO_LONG = "too_long"
    TOO_OLD = "too_old"
    AHEAD = "ahead"
    NOT_ALLOWED = "not_allowed"

    @property
    def sentence(self) -> str:
        """What it means, for people."""
        return _LINES[self]

    @property
    def counts(self) -> bool:
        """Whether the line stands in a count."""
        return self in (LineOutcome.COUNTED, LineOutcome.UNTIMED, LineOutcome.CROWDED)


_LINES = {
    LineOutcome.COUNTED: "Counted with all that is declared: route class, method, status class, latency.",
    LineOutcome.UNTIMED: "Counted, without the latency that the format declares: the line has none.",
    LineOutcome.CROWDED: "Counted, without its latency: too many different ones wait to be handed over.",
    LineOutcome.UNREADABLE: "No line of the declared format.",
    LineOutcome.TOO_LONG: "Longer than 64 KiB; thrown away unread.",
    LineOutcome.TOO_OLD: "Its day lies too far back for the edge.",
    LineOutcome.AHEAD: "Its day lies ahead.",
    LineOutcome.NOT_ALLOWED: "The Customer's policy does not allow the purpose now.",
}


class Delivery(StrEnum):
    """What became of a counted request: each waits, or has come to exactly one of the others."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    FATE_UNKNOWN = "fate_unknown"
    EXPIRED = "expired"
    ERASED = "erased"
    UNDECLARED = "undeclared"

    @property
    def sentence(self) -> str:
        """What it means, for people."""
        return _DELIVERIES[self]


_DELIVERIES = {
    Delivery.WAITING: "Waits to be handed over.",
    Delivery.ACCEPTED: "Accepted by the edge.",
    Delivery.FATE_UNKNOWN: "Sent and not answered for 7 days; not sent again, so that nothing counts twice.",
    Delivery.EXPIRED: "Could not be handed over before its day was too old.",
    Delivery.ERASED: "Erased, because the Customer's policy stopped to allow the purpose.",
    Delivery.UNDECLARED: "The catalog does not declare its measure any more.",
}


class Trouble(StrEnum):
    """What can go wrong around the lines."""

    LOG_UNREADABLE = "log_unreadable"
    LOG_GONE = "log_gone"
    LOG_CUT = "log_cut"
    STATE_UNREADABLE = "state_unreadable"
    STATE_UNWRITABLE = "state_unwritable"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    TALLIES_DROPPED = "tallies_dropped"
    NOT_ALLOWED = "not_allowed"
    INTERNAL = "internal"

    @property
    def sentence(self) -> str:
        """What happened, and what follows."""
        return _TROUBLES[self]


_TROUBLES = {
    Trouble.LOG_UNREADABLE: "The log cannot be opened; it is tried again.",
    Trouble.LOG_GONE: "The file that was being read is gone; what it held beyond the last position is not counted.",
    Trouble.LOG_CUT: "The log was cut, and there is no copy; what it held beyond the last position is not counted.",
    Trouble.STATE_UNREADABLE: "The state was damaged; it is set aside, and counting begins anew.",
    Trouble.STATE_UNWRITABLE: "The state cannot be written; nothing is sent until it can.",
    Trouble.NO_ANSWER: "The edge did not answer; it is tried again.",
    Trouble.REFUSED: "The edge refused a report; its counts wait, and are tried again.",
    Trouble.TALLIES_DROPPED: "The edge accepted a report and dropped tallies of it: its catalog is not this one.",
    Trouble.NOT_ALLOWED: "The Customer's policy does not allow the purpose, or asks for a newer tap or a newer yes.",
    Trouble.INTERNAL: "Something inside failed; the counts are kept.",
}


class Troubles:
    """Counts what goes wrong; ``say`` is told of each kind once a run, in words that hold nothing of a line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.counts: Counter[Trouble] = Counter()
        self._say = say
        self._said: set[tuple[Trouble, str]] = set()

    def note(self, trouble: Trouble, about: str = "", times: int = 1) -> None:
        """Count one. ``about`` is a name from one of the project's closed lists, never a value."""
        self.counts[trouble] += times
        if (trouble, about) not in self._said:
            self._said.add((trouble, about))
            self._say(f"{trouble.sentence} ({about})" if about else trouble.sentence)

"""What went otherwise than planned, counted instead of raised: the SDK never harms its host."""

from __future__ import annotations

import logging
from collections import Counter
from enum import StrEnum

log = logging.getLogger("headcount")


class Surprise(StrEnum):
    """Everything that is counted, each with its sentence."""

    UNKNOWN_MEASURE = "unknown_measure"
    WRONG_KIND = "wrong_kind"
    UNKNOWN_LABEL = "unknown_label"
    EXPIRED_MEASURE = "expired_measure"
    CLIPPED = "clipped"
    BAD_VALUE = "bad_value"
    STATE_CORRUPT = "state_corrupt"
    STATE_NEWER = "state_newer"
    DISK = "disk"
    DIRECTORY_BUSY = "directory_busy"
    DAY_TOO_OLD = "day_too_old"
    CLOCK_RESET = "clock_reset"
    FATE_UNKNOWN = "fate_unknown"
    REFUSED = "refused"
    TALLIES_REFUSED = "tallies_refused"
    NO_ANSWER = "no_answer"
    CALLBACK = "callback"
    INTERNAL = "internal"

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return _SENTENCES[self]


_SENTENCES = {
    Surprise.UNKNOWN_MEASURE: "The catalog declares no measure of this name; nothing was counted.",
    Surprise.WRONG_KIND: "The measure is of another kind than this call; nothing was counted.",
    Surprise.UNKNOWN_LABEL: "The label or its value is not declared; it was counted as other.",
    Surprise.EXPIRED_MEASURE: "The measure has passed its expiry; nothing was counted.",
    Surprise.CLIPPED: "The measure's daily cap was reached; the rest of the day is not counted.",
    Surprise.BAD_VALUE: "A value was no finite number; nothing was counted.",
    Surprise.STATE_CORRUPT: "The stored state could not be read; it was set aside and counting began anew.",
    Surprise.STATE_NEWER: "The stored state is of a newer version; it was set aside and counting began anew.",
    Surprise.DISK: "The state could not be written; the client is off until the next start.",
    Surprise.DIRECTORY_BUSY: "Another process of the app has the directory; this client is off.",
    Surprise.DAY_TOO_OLD: "A day was too old to be sent and was dropped.",
    Surprise.CLOCK_RESET: "A marker lay ahead of the server's day and was reset.",
    Surprise.FATE_UNKNOWN: "A report was sent, never answered, and is too old to send again.",
    Surprise.REFUSED: "The edge refused a report.",
    Surprise.TALLIES_REFUSED: "The edge accepted a report and dropped tallies of it.",
    Surprise.NO_ANSWER: "An upload got no answer; it will be tried again.",
    Surprise.CALLBACK: "A callback of the app raised; it was ignored.",
    Surprise.INTERNAL: "Something inside the SDK failed; the app was spared it.",
}


class Health:
    """Counts of surprises since the client was made; each kind is logged once."""

    def __init__(self) -> None:
        self.counts: Counter[Surprise] = Counter()

    def note(self, surprise: Surprise, times: int = 1) -> None:
        """Count a surprise; the first of its kind is logged, without any value."""
        if surprise not in self.counts:
            log.warning("headcount: %s", surprise.sentence)
        self.counts[surprise] += times

"""What went otherwise than planned, counted instead of raised: the SDK never harms its host."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum


def warn(text: str) -> None:
    """Say something in the log. Logging is imported by the first thing that is said."""
    import logging

    logging.getLogger("headcount").warning("headcount: %s", text)


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
    JOURNAL_CORRUPT = "journal_corrupt"
    DISK = "disk"
    DIRECTORY_BUSY = "directory_busy"
    DAY_TOO_OLD = "day_too_old"
    CLOCK_RESET = "clock_reset"
    FATE_UNKNOWN = "fate_unknown"
    REFUSED = "refused"
    TALLIES_REFUSED = "tallies_refused"
    NO_ANSWER = "no_answer"
    BAD_CATALOG = "bad_catalog"
    BAD_ADDRESS = "bad_address"
    UNKNOWN_PURPOSE = "unknown_purpose"
    UNKNOWN_FIELD = "unknown_field"
    EARLY_CALLS = "early_calls"
    SIGNAL = "signal"
    FORKED = "forked"
    SHUT_DOWN = "shut_down"
    BAD_ARGUMENT = "bad_argument"
    POLICY_ASKS_ANEW = "policy_asks_anew"
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
    Surprise.JOURNAL_CORRUPT: "The journal was cut; what stood whole in it was read.",
    Surprise.STATE_NEWER: "The stored state is of a newer version; it was set aside and counting began anew.",
    Surprise.DISK: "The state could not be written; the client is off until the next start.",
    Surprise.DIRECTORY_BUSY: "Another client or process of the app has the directory; this client is off.",
    Surprise.DAY_TOO_OLD: "A day was too old to be sent and was dropped.",
    Surprise.CLOCK_RESET: "A marker lay ahead of the server's day and was reset.",
    Surprise.FATE_UNKNOWN: "A report was sent and never answered; it is not sent again, so that nothing counts twice.",
    Surprise.REFUSED: "The edge refused a report.",
    Surprise.TALLIES_REFUSED: "The edge accepted a report and dropped tallies of it.",
    Surprise.NO_ANSWER: "An upload got no answer; it will be tried again.",
    Surprise.BAD_CATALOG: "The catalog could not be read; this client is off. Run headcount catalog check on it.",
    Surprise.BAD_ADDRESS: "The host is no https:// address (http:// only to this machine); this client is off.",
    Surprise.UNKNOWN_PURPOSE: "The catalog declares no purpose of this name; nothing was decided.",
    Surprise.UNKNOWN_FIELD: "The catalog declares no context field of this name; its value was ignored.",
    Surprise.EARLY_CALLS: "More was recorded before start() than is kept until then; the rest was not counted.",
    Surprise.SIGNAL: "An outside signal could not be read, and so counts as a no.",
    Surprise.FORKED: "The process forked; the client goes on in the parent and is off in the child.",
    Surprise.SHUT_DOWN: "The client was used after shutdown(); nothing was done. start() begins again.",
    Surprise.BAD_ARGUMENT: "The app key is none (hc_live_...), the directory no path, or the policy no version.",
    Surprise.POLICY_ASKS_ANEW: "The Customer's policy asks for consent to a newer notice than the app's (policy=).",
    Surprise.CALLBACK: "A callback of the app raised; what it was asked about was not done.",
    Surprise.INTERNAL: "Something inside the SDK failed; the app was spared it.",
}


class Health:
    """Counts of surprises since the client was made; each is logged once for each name it is about."""

    NAMES_LOGGED = 32

    def __init__(self) -> None:
        self.counts: Counter[Surprise] = Counter()
        self._logged: set[tuple[Surprise, str]] = set()

    def note(self, surprise: Surprise, about: str = "", times: int = 1) -> None:
        """Count a surprise. ``about`` is a name from the app's code or catalog, never a value."""
        self.counts[surprise] += times
        if (surprise, about) not in self._logged and len(self._logged) < self.NAMES_LOGGED:
            self._logged.add((surprise, about))
            warn(f"{surprise.sentence} ({about})" if about else surprise.sentence)

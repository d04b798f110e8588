"""One line of the disclosure log, and the closed list of what stands in it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

GENESIS = "0" * 64


class Event(StrEnum):
    """Everything that is logged, each with its sentence."""

    RELEASED = "released"
    READ = "read"
    EXPORTED = "exported"
    READER_DECLARED = "reader_declared"
    READER_WITHDRAWN = "reader_withdrawn"
    POLICY_DECLARED = "policy_declared"
    CUSTOMER_WITHDRAWN = "customer_withdrawn"
    DELETED = "deleted"

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return _SENTENCES[self]


_SENTENCES = {
    Event.RELEASED: "A period's numbers were sealed; they can be read from now on.",
    Event.READ: "A reader was shown an app's released numbers; said once a day (UTC) for each page or address.",
    Event.EXPORTED: "A reader took released numbers away as a file.",
    Event.READER_DECLARED: "The organisation file declares a reader, or declares it otherwise than before.",
    Event.READER_WITHDRAWN: "The organisation file declares a reader no more.",
    Event.POLICY_DECLARED: "A Customer's policy, threshold, retention or cross-customer use is declared, or changed.",
    Event.CUSTOMER_WITHDRAWN: "The organisation file declares a Customer no more.",
    Event.DELETED: "Kept data was dropped or found gone, by retention or because somebody asked.",
}

About = Mapping[str, Any]
"""What an entry is about: declared names, codes, days and hashes; never anything a device or a User sent."""


class DamagedError(ValueError):
    """A line is none of the log."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened, when (seconds since 1970), and the hash of the line before it."""

    place: int
    at: int
    event: Event
    about: About
    previous: str

    def line(self) -> bytes:
        """As it stands in the file, without the end of the line."""
        plain = {
            "about": self.about,
            "at": self.at,
            "event": self.event.value,
            "place": self.place,
            "previous": self.previous,
        }
        return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)


def hash_of(line: bytes) -> str:
    """What the next line names."""
    return hashlib.sha256(line).hexdigest()


def parse(line: bytes) -> Entry:
    """The entry in a line; raises ``DamagedError``."""
    try:
        plain = orjson.loads(line)
        found = Entry(plain["place"], plain["at"], Event(plain["event"]), plain["about"], plain["previous"])
        whole = isinstance(found.about, dict) and len(plain) == 5 and found.line() == line
    except (ValueError, KeyError, TypeError):
        raise DamagedError from None
    if not whole:
        raise DamagedError
    return found

"""What can go wrong with a warehouse, as a closed list.

An engine's own error text can hold the value it failed on, so none of it ever leaves a home: a
``WarehouseError`` carries a reason of this list and the engine's numeric code, nothing else.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Reason(StrEnum):
    """Why a warehouse did not do what it was asked."""

    LOCKED = "locked"
    UNREACHABLE = "unreachable"
    QUORUM = "quorum"
    LOGIN = "login"
    RIGHTS = "rights"
    OLD = "old"
    LAYOUT = "layout"
    MEMORY = "memory"
    STORAGE = "storage"
    STATEMENT = "statement"
    MISMATCH = "mismatch"
    CLOSED = "closed"
    FAILED = "failed"

    @property
    def sentence(self) -> str:
        """What it means, for people."""
        return _SENTENCES[self]

    @property
    def passes(self) -> bool:
        """Whether waiting may mend it: what was to be written stays where it is, and is tried again."""
        return self in (Reason.UNREACHABLE, Reason.QUORUM, Reason.MEMORY)


_SENTENCES = {
    Reason.LOCKED: "Another process has this warehouse directory open; it allows one.",
    Reason.UNREACHABLE: "The server does not answer.",
    Reason.QUORUM: "Too few replicas answer, or they do not agree yet; what is to be written waits.",
    Reason.LOGIN: "The server does not accept the user or the password.",
    Reason.RIGHTS: "The user may not do what a warehouse needs; docs/warehouse.md lists the rights.",
    Reason.OLD: "The server is older than ClickHouse 18.16.",
    Reason.LAYOUT: "The cluster's shards are not those that the warehouse was made with, or none are declared.",
    Reason.MEMORY: "The query needs more memory than it is allowed.",
    Reason.STORAGE: "The warehouse could not write or read its files.",
    Reason.STATEMENT: "The engine does not understand the statement; this is a fault of the program.",
    Reason.MISMATCH: "What is stored is not what was written; nothing was built on it.",
    Reason.CLOSED: "The warehouse is closed.",
    Reason.FAILED: "The engine failed.",
}

_CODE = re.compile(r"Code: (\d+)")
_REASON_OF_CODE = {
    # https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
    **dict.fromkeys((36, 76), Reason.LOCKED),
    **dict.fromkeys((3, 32, 33, 102, 159, 198, 203, 209, 210, 236, 279), Reason.UNREACHABLE),
    **dict.fromkeys((225, 242, 254, 285, 286, 289, 319, 369, 999), Reason.QUORUM),
    **dict.fromkeys((192, 193, 194, 195, 516), Reason.LOGIN),
    **dict.fromkeys((164, 291, 497), Reason.RIGHTS),
    170: Reason.LAYOUT,
    241: Reason.MEMORY,
    **dict.fromkeys((40, 74, 75, 228, 243, 246), Reason.STORAGE),
    **dict.fromkeys((16, 42, 43, 44, 46, 47, 53, 60, 62, 115, 215), Reason.STATEMENT),
}


class WarehouseError(Exception):
    """The warehouse did not do what it was asked; ``reason`` says why, in the words of a closed list."""

    def __init__(self, reason: Reason, code: int = 0) -> None:
        self.reason = reason
        self.code = code
        super().__init__(f"{reason.sentence} (engine code {code})" if code else reason.sentence)


def wrapped(engine_text: str) -> WarehouseError:
    """The error for an engine's message, which is looked at for its code and then forgotten."""
    codes = [int(code) for code in _CODE.findall(engine_text)]
    reasons = [_REASON_OF_CODE[code] for code in codes if code in _REASON_OF_CODE]
    return WarehouseError(reasons[-1] if reasons else Reason.FAILED, codes[-1] if codes else 0)


def of_code(code: int) -> WarehouseError:
    """The error for an engine's numeric code."""
    return WarehouseError(_REASON_OF_CODE.get(code, Reason.FAILED), code)

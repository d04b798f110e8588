"""The last reports, exactly as they were sent, for the app's "what was sent" screen.

A file of its own beside the state: it is written when a report is about to go out, and erased with any withdrawal.
"""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

from headcount_sdk.state import SENT
from headcount_sdk.storage import Storage

KEPT = 8


class Sent(NamedTuple):
    """One report: when it was last tried (seconds since 1970, UTC), where to, its bytes, and what came of it.

    ``body`` is what went over the line, gzip and all; ``outcome`` is empty while nothing has come back.
    """

    at: int
    host: str
    report_id: str
    body: bytes
    outcome: str = ""
    media: str = "application/json"

    @property
    def readable(self) -> dict[str, Any]:
        """The report as JSON says it."""
        import gzip

        from headcount_wire import codec

        try:
            body = gzip.decompress(self.body)
            if self.media == codec.MSGPACK:
                body = codec.encode_json(codec.decode_msgpack(body))
            found: dict[str, Any] = json.loads(body)
        except (OSError, EOFError, ValueError, ImportError):  # damaged, or its format's library is gone
            return {}
        return found


def keep(storage: Storage, one: Sent) -> None:
    """Note a report, in place of the same report's earlier attempt."""
    others = [old for old in read(storage) if old.report_id != one.report_id]
    plain = [{**old._asdict(), "body": base64.b64encode(old.body).decode("ascii")} for old in [*others, one][-KEPT:]]
    storage.replace(SENT, json.dumps(plain, separators=(",", ":")).encode())


def read(storage: Storage) -> list[Sent]:
    """What was sent, the oldest first; nothing where the file is none."""
    try:
        plain = json.loads(storage.read(SENT) or b"[]")
        return [Sent(**{**one, "body": base64.b64decode(one["body"])}) for one in plain]
    except (ValueError, TypeError, KeyError):
        return []

"""One attempt, one verdict. Pure but for the transport it is given.

Only a listed problem or our own 202 body is an answer: a redirect, a captive portal's page or a
proxy's 404 is none, and the report stays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from headcount_wire import days
from headcount_wire.problems import BY_URI, Problem, Verdict

from headcount_sdk.pacing import DAY_SECONDS
from headcount_sdk.state import Sealed
from headcount_sdk.transport import Answer, NoAnswer, Request, Transport

TIMEOUT_SECONDS = 20.0


class Fate(Enum):
    """What became of one attempt."""

    ACCEPTED = auto()
    DROPPED = auto()
    SPLIT = auto()
    KEPT = auto()
    KEPT_A_DAY = auto()
    MOVED = auto()
    NO_ANSWER = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict on one attempt.

    ``refused`` names measures whose markers stay; ``elsewhere`` is where the report belongs: the
    address of the Customer's region, or of the node that counts it.
    """

    fate: Fate
    refused: frozenset[int] = frozenset()
    dropped: int = 0
    retry_after: float = 0.0
    server_day: int | None = None
    problem: Problem | None = None
    elsewhere: str = ""

    @property
    def kept_nothing(self) -> bool:
        """Whether this attempt surely left nothing at an edge."""
        return self.problem is not None and self.problem.keeps_nothing

    @property
    def word(self) -> str:
        """What came back, in a word: ``accepted``, a problem's name, or ``no answer``."""
        return self.problem.slug if self.problem else self.fate.name.lower().replace("_", " ")


_FATES = {
    Verdict.DROP: Fate.DROPPED,
    Verdict.SPLIT: Fate.SPLIT,
    Verdict.KEEP: Fate.KEPT,
    Verdict.KEEP_A_DAY: Fate.KEPT_A_DAY,
    Verdict.RESEND_ELSEWHERE: Fate.MOVED,
}


def compress(body: bytes) -> bytes:
    """The body as it is sent: gzip with no time in it, so that a retry is byte-identical."""
    import gzip  # with the first report, not with the app

    return gzip.compress(body, 6, mtime=0)


def upload(transport: Transport, host: str, app_key: str, sealed: Sealed, wanted: Callable[[], bool]) -> Outcome:
    """Try once to have a report accepted; nothing leaves once it is not ``wanted`` any more."""
    headers = {"Authorization": f"Bearer {app_key}", "Content-Type": sealed.media, "Content-Encoding": "gzip"}
    request = Request("POST", f"{host}/v1/reports/{sealed.report_id}", headers, sealed.body, wanted)
    try:
        answer = transport.send(request, TIMEOUT_SECONDS)
    except NoAnswer:
        return Outcome(Fate.NO_ANSWER)
    return judge(answer)


def judge(answer: Answer) -> Outcome:
    """What an answer means, if it is one."""
    plain = _plain(answer)
    day = server_day_of(answer.headers)
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    if answer.status == 202 and kind == "application/json" and plain.get("v") == 1:
        refused, dropped = plain.get("refused"), plain.get("dropped")
        if isinstance(refused, list) and all(type(code) is int for code in refused) and type(dropped) is int:
            return Outcome(Fate.ACCEPTED, frozenset(refused), dropped, server_day=day)
    problem = BY_URI.get(str(plain.get("type"))) if kind == "application/problem+json" else None
    if problem is not None and problem.status == answer.status:
        elsewhere = str(plain.get("address", "")).rstrip("/") if problem.verdict is Verdict.RESEND_ELSEWHERE else ""
        return Outcome(_FATES[problem.verdict], frozenset(), 0, _retry_after(answer), day, problem, elsewhere)
    return Outcome(Fate.NO_ANSWER, retry_after=_retry_after(answer))


def _plain(answer: Answer) -> Mapping[str, object]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after(answer: Answer) -> float:
    text = answer.headers.get("retry-after", "")
    return min(float(text), DAY_SECONDS) if text.isascii() and text.isdigit() else 0.0


def server_day_of(headers: Mapping[str, str]) -> int | None:
    """The server's day in UTC, by the ``Date`` of its answer."""
    import email.utils  # with the first answer, not with the app

    try:
        return days.utc_day(email.utils.parsedate_to_datetime(headers["date"]).timestamp())
    except (KeyError, ValueError, TypeError, IndexError):
        return None

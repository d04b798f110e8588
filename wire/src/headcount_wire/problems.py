"""The closed list of what an edge can answer besides 202, each with its sentence.

Every refusal is a ``application/problem+json`` body whose ``type`` is the problem's URI. An SDK
believes nothing else: a proxy's 404, a captive portal's page or a redirect is no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

URI_PREFIX = "urn:headcount:problem:"


class Verdict(StrEnum):
    """What an SDK does with the report that was refused."""

    DROP = "drop"
    SPLIT = "split"
    KEEP = "keep"
    KEEP_A_DAY = "keep_a_day"
    RESEND_ELSEWHERE = "resend_elsewhere"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One problem: its HTTP status, what the SDK does, and what it means."""

    status: int
    verdict: Verdict
    sentence: str


class Problem(Enum):
    """Everything that can be wrong with a request."""

    MALFORMED = ProblemKind(400, Verdict.DROP, "The body is not a report of this protocol.")
    BAD_HTTP = ProblemKind(400, Verdict.KEEP, "The bytes are no HTTP request that this edge can read.")
    MALFORMED_ID = ProblemKind(400, Verdict.DROP, "The report id in the URL is not 32 lower-case hexadecimal digits.")
    KEY_MISSING = ProblemKind(401, Verdict.KEEP_A_DAY, "The request carries no app key.")
    KEY_UNKNOWN = ProblemKind(401, Verdict.KEEP_A_DAY, "The app key is not known here.")
    KEY_REVOKED = ProblemKind(403, Verdict.KEEP_A_DAY, "The app key was revoked.")
    KEY_KIND = ProblemKind(
        403,
        Verdict.KEEP_A_DAY,
        "The app key's form says that it counts, and it is declared as a developer's.",
    )
    NOT_FOUND = ProblemKind(404, Verdict.DROP, "There is nothing at this address.")
    METHOD = ProblemKind(405, Verdict.DROP, "This address does not answer that method.")
    REGION = ProblemKind(
        409, Verdict.RESEND_ELSEWHERE, "The Customer's data stays in another region, whose address is given."
    )
    POLICY_OLD = ProblemKind(409, Verdict.DROP, "The consent was given under a policy version that is no longer valid.")
    PAUSED = ProblemKind(409, Verdict.DROP, "The Customer has paused collection.")
    SDK_OLD = ProblemKind(409, Verdict.DROP, "The SDK is older than the Customer's policy takes.")
    SLOW_BODY = ProblemKind(408, Verdict.KEEP, "The body did not arrive in time.")
    TOO_LATE = ProblemKind(410, Verdict.DROP, "The report's creation day lies outside the window that is accepted.")
    TOO_LARGE = ProblemKind(413, Verdict.SPLIT, "The body is larger than a report may be.")
    NOT_OWNER = ProblemKind(421, Verdict.RESEND_ELSEWHERE, "Another node counts this report; its address is given.")
    MEDIA_TYPE = ProblemKind(415, Verdict.DROP, "The Content-Type or Content-Encoding is not one this edge reads.")
    NOTHING_ADMISSIBLE = ProblemKind(422, Verdict.DROP, "Nothing in the report may be counted.")
    RATE = ProblemKind(429, Verdict.KEEP, "Too many requests; try again after Retry-After seconds.")
    FAILED = ProblemKind(500, Verdict.KEEP, "The edge failed at this request; the fault is not the report's.")
    OVERLOADED = ProblemKind(503, Verdict.KEEP, "The edge is busy; try again after Retry-After seconds.")
    DRAINING = ProblemKind(503, Verdict.KEEP, "The edge is stopping; try again after Retry-After seconds.")
    STORAGE = ProblemKind(507, Verdict.KEEP, "The edge cannot store more now; try again after Retry-After seconds.")
    STORAGE_FAILED = ProblemKind(
        507, Verdict.KEEP, "The edge's disk failed at this report; try the same one again after Retry-After seconds."
    )

    @property
    def slug(self) -> str:
        """The last part of the URI."""
        return self.name.lower().replace("_", "-")

    @property
    def uri(self) -> str:
        """What stands in the answer's ``type``."""
        return URI_PREFIX + self.slug

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.value.status

    @property
    def verdict(self) -> Verdict:
        """What an SDK does."""
        return self.value.verdict

    @property
    def keeps_nothing(self) -> bool:
        """Whether an edge that answers this has surely kept nothing: the report may come again under another id."""
        return self not in (Problem.FAILED, Problem.STORAGE_FAILED)

    @property
    def sentence(self) -> str:
        """What it means, for people."""
        return self.value.sentence


BY_URI: dict[str, Problem] = {problem.uri: problem for problem in Problem}


class Dropped(StrEnum):
    """Why one tally or context field of an accepted report was not counted."""

    UNKNOWN_MEASURE = "unknown_measure"
    UNKNOWN_LABEL = "unknown_label"
    WRONG_FACT = "wrong_fact"
    OUT_OF_BOUNDS = "out_of_bounds"
    OVER_CAP = "over_cap"
    TWICE = "twice"
    EXPIRED = "expired"
    NOT_GRANTED = "not_granted"
    CONSENT_OLD = "consent_old"
    POLICY = "policy"
    DAY_TOO_OLD = "day_too_old"
    DAY_AHEAD = "day_ahead"

    @property
    def sentence(self) -> str:
        """What it means, for people."""
        return _DROPPED[self]


_DROPPED: dict[Dropped, str] = {
    Dropped.UNKNOWN_MEASURE: "The catalog version of the report declares no measure with this code.",
    Dropped.UNKNOWN_LABEL: "The measure declares no label with this code.",
    Dropped.WRONG_FACT: "A measure of this kind does not say this.",
    Dropped.OUT_OF_BOUNDS: "The slot or the count lies outside what the fact allows.",
    Dropped.OVER_CAP: "The counts of one day exceed the measure's daily cap.",
    Dropped.TWICE: "A fact that goes once a day stands twice for one day.",
    Dropped.EXPIRED: "The measure has passed its declared expiry.",
    Dropped.NOT_GRANTED: "The report does not name the measure's or field's purpose as granted.",
    Dropped.CONSENT_OLD: "The purpose was granted under a policy version that is no longer valid.",
    Dropped.POLICY: "The Customer's policy does not allow this purpose or field.",
    Dropped.DAY_TOO_OLD: "The tally's day lies too far back.",
    Dropped.DAY_AHEAD: "The tally's day lies ahead.",
}

"""What the app collects and what was sent, as plain data for a screen: nothing here asks the network.

Build the screen from ``what_is_collected`` alone, and it cannot say anything else than what the SDK does.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypedDict

from headcount_wire import limits
from headcount_wire.catalog import Measure
from headcount_wire.dimensions import Dimension

from headcount_sdk import sent
from headcount_sdk.client import Headcount
from headcount_sdk.timetable import OLDEST_DAYS


class Why(StrEnum):
    """Why something is not counted or not sent now; empty where it is."""

    NONE = ""
    NOT_GRANTED = "not_granted"
    REFUSED = "refused"
    NOT_ALLOWED = "not_allowed"
    SWITCHED_OFF = "switched_off"
    FROM_TOMORROW = "from_tomorrow"
    EXPIRED = "expired"
    NOT_KNOWN = "not_known"


class PurposeShown(TypedDict):
    """One purpose: what the user is asked, and what stands. ``status``: as ``Status``."""

    name: str
    sentence: str
    status: str
    why_not: str
    why_not_said: str


class MeasureShown(TypedDict):
    """One thing that can be counted; ``values``: the only words it is told apart by. ``why_not``: as ``Why``."""

    name: str
    description: str
    kind: str
    purpose: str
    values: list[str]
    at_most_a_day: int
    why_not: str
    why_not_said: str


class FieldShown(TypedDict):
    """One context field; ``value``: exactly what a report would say of it now, empty for nothing."""

    name: str
    purpose: str
    value: str
    why_not: str
    why_not_said: str


class SentShown(TypedDict):
    """One report that left: when (UTC), where to, what came of it (empty: nothing yet), as read and as bytes."""

    at: str
    to: str
    outcome: str
    readable: dict[str, Any]
    size: int
    body_base64: str


class Collected(TypedDict):
    """Everything for the screen; all of it can be written as JSON."""

    purposes: list[PurposeShown]
    measures: list[MeasureShown]
    context: list[FieldShown]
    retention: str
    sent: list[SentShown]


def what_is_collected(headcount: Headcount, language: str = "en") -> Collected:
    """What is counted now and what is not, each with the reason, and the last reports exactly as they were sent.

    ``language``: as in ``consent.sentences``; the SDK's own words are there in English and German. A field is read
    for this only where a report would read it too. Lists are empty where the client is off.
    """
    words = _WORDS.get(language.replace("_", "-").partition("-")[0].lower(), _WORDS["en"])
    shown = Collected(purposes=[], measures=[], context=[], retention=words[_RETENTION], sent=[])
    told = _Told(headcount, words)

    def tell() -> None:
        shown["purposes"] += told.purposes(language)
        shown["measures"] += told.measures()
        shown["context"] += told.context()
        shown["sent"] += told.sent()

    if headcount._opened():
        headcount._guard.run(tell)
    return shown


class _Told:
    def __init__(self, headcount: Headcount, words: dict[str, str]) -> None:
        self._headcount = headcount
        self._catalog = headcount._catalog
        self._device = headcount._device
        self._words = words

    def purposes(self, language: str) -> list[PurposeShown]:
        status = self._headcount.consent.status()
        return [
            PurposeShown(name=name, sentence=sentence, status=status[name].value, **self._said(self._of_purpose(name)))
            for name, sentence in self._headcount.consent.sentences(language).items()
        ]

    def measures(self) -> list[MeasureShown]:
        today = self._headcount.local_day()
        return [
            MeasureShown(
                name=measure.name,
                description=measure.description,
                kind=measure.kind.value,
                purpose=measure.purpose,
                values=[*measure.label.values, "other"] if measure.label else [],
                at_most_a_day=measure.cap,
                **self._said(self._of_measure(measure, today)),
            )
            for measure in self._catalog.measures.values()
        ]

    def context(self) -> list[FieldShown]:
        values = dict(self._headcount._recorder.read_context())
        return [
            FieldShown(
                name=dimension.field,
                purpose=purpose,
                value=values.get(dimension.field, ""),
                **self._said(Why.NONE if dimension.field in values else self._of_field(dimension, purpose)),
            )
            for dimension, purpose in self._catalog.context.items()
        ]

    def sent(self) -> list[SentShown]:
        return [
            SentShown(
                at=datetime.fromtimestamp(one.at, UTC).isoformat(),
                to=one.host,
                outcome=one.outcome,
                readable=one.readable,
                size=len(one.body),
                body_base64=base64.b64encode(one.body).decode("ascii"),
            )
            for one in sent.read(self._headcount._storage)
        ]

    def _said(self, why: Why) -> _Reason:
        return {"why_not": why.value, "why_not_said": self._words[why]}

    def _of_purpose(self, name: str) -> Why:
        decision = self._device.state.decisions.get(name)
        if decision is None or not decision.granted:
            return Why.NOT_GRANTED
        if self._device.refused_by(name):
            return Why.REFUSED
        return Why.NONE if self._device.granted(name) else Why.NOT_ALLOWED

    def _of_measure(self, measure: Measure, today: int) -> Why:
        why = self._of_purpose(measure.purpose)
        if why is not Why.NONE:
            return why
        if measure.expired(today):
            return Why.EXPIRED
        return Why.NONE if self._device.countable(measure, today) else Why.FROM_TOMORROW

    def _of_field(self, dimension: Dimension, purpose: str) -> Why:
        state = self._device.state
        if dimension.field in state.off:
            return Why.SWITCHED_OFF
        why = self._of_purpose(purpose)
        if why is Why.NONE and state.policy is not None and dimension.field not in state.policy.context:
            return Why.NOT_ALLOWED
        return why if why is not Why.NONE else Why.NOT_KNOWN


class _Reason(TypedDict):
    why_not: str
    why_not_said: str


_RETENTION = "retention"
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        Why.NONE: "",
        Why.NOT_GRANTED: "You have not agreed to this.",
        Why.REFUSED: "A setting outside this app says no to this.",
        Why.NOT_ALLOWED: "Your organisation does not allow this.",
        Why.SWITCHED_OFF: "You switched this off.",
        Why.FROM_TOMORROW: "Counting begins tomorrow.",
        Why.EXPIRED: "This is not counted any more.",
        Why.NOT_KNOWN: "This device does not tell.",
        _RETENTION: (
            f"Counts stay on this device until they are sent; what is more than {OLDEST_DAYS} days old is thrown "
            "away instead. If you take your consent back, what was counted for it is erased at once. What was sent is "
            f"added to what others sent: only sums of at least {limits.K_MIN} devices are shown, and no sum says whose "
            f"counts are in it. The random number of a report is forgotten {limits.ID_MEMORY_DAYS} days after it was "
            f"made. The last {sent.KEPT} reports stay here for you to see."
        ),
    },
    "de": {
        Why.NONE: "",
        Why.NOT_GRANTED: "Dem haben Sie nicht zugestimmt.",
        Why.REFUSED: "Eine Einstellung außerhalb dieser App sagt dazu nein.",
        Why.NOT_ALLOWED: "Ihre Organisation erlaubt das nicht.",
        Why.SWITCHED_OFF: "Das haben Sie ausgeschaltet.",
        Why.FROM_TOMORROW: "Gezählt wird ab morgen.",
        Why.EXPIRED: "Das wird nicht mehr gezählt.",
        Why.NOT_KNOWN: "Das sagt dieses Gerät nicht.",
        _RETENTION: (
            "Was gezählt wurde, bleibt auf diesem Gerät, bis es gesendet ist; was mehr als "
            f"{OLDEST_DAYS} Tage alt ist, wird stattdessen weggeworfen. Wenn Sie Ihre Zustimmung zurücknehmen, wird "
            "das dafür Gezählte sofort gelöscht. Was gesendet wurde, wird zu dem gezählt, was andere senden: Gezeigt "
            f"werden nur Summen von mindestens {limits.K_MIN} Geräten, und keine sagt, wessen Zahlen darin sind. Die "
            f"zufällige Nummer eines Berichts wird {limits.ID_MEMORY_DAYS} Tage nach seiner Entstehung vergessen. Die "
            f"letzten {sent.KEPT} Berichte bleiben hier, damit Sie sie ansehen können."
        ),
    },
}

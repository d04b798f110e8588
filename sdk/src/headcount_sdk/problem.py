"""A problem the user chose to report: shown first, counted only when the user says send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from headcount_wire.catalog import Measure
from headcount_wire.facts import Kind, Severity

from headcount_sdk.health import Surprise
from headcount_sdk.recorder import Recorder


@dataclass
class Preview:
    """Exactly what would be counted. Show it, then ``send`` it; a preview that is not sent leaves nothing.

    ``category`` and ``screen`` are values of the catalog's lists, or ``other``; ``context``: the fields that would go
    with it. There is no text, no picture and no log: what cannot be added up is not asked for.
    """

    category: str
    severity: Severity | None
    screen: str
    context: Mapping[str, str]
    _send: Callable[[], bool] = field(repr=False)
    sent: bool = False

    def send(self) -> bool:
        """Count it; whether it was counted. A second call does nothing."""
        if self.sent:
            return False
        self.sent = self._send()
        return self.sent


def preview(
    recorder: Recorder,
    do: Callable[[Measure, Callable[[], object]], bool],
    misuse: Callable[..., None],
    category: str,
    severity: Severity | None,
    screen: str,
) -> Preview:
    """What a problem report would say, by the catalog's lists; ``do`` counts it."""
    catalog = recorder.catalog
    declared = catalog.only(Kind.PROBLEM)
    if declared is None or declared.label is None:
        misuse(Surprise.UNKNOWN_MEASURE, "a problem")
        return Preview(category, severity, screen, {}, lambda: False)
    label = declared.label.code_of(category)
    if declared.label.value_of(label) != category:
        misuse(Surprise.UNKNOWN_LABEL, category)
    severity = severity if severity in tuple(Severity) else None
    screens = catalog.only(Kind.SCREEN)
    known = screens.label if screens else None
    at = known.code_of(screen) if known and screen else None
    shown = (known.value_of(at) or "") if known and at is not None else ""
    context = dict(recorder.context_for(declared))

    def send() -> bool:
        return do(declared, lambda: recorder.problem(declared, label, severity, at))

    return Preview(declared.label.value_of(label) or "", severity, shown, context, send)

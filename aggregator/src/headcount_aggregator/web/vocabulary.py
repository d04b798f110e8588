"""An app's names for the codes of released numbers: measures, labels, breakdowns.

Old numbers keep their names: what the newest catalog no longer declares is looked up in those before it.
"""

from __future__ import annotations

from functools import cache

from headcount_wire.catalog import TOTAL, Breakdown, Measure
from headcount_wire.dimensions import DIMENSIONS, Dimension
from headcount_wire.facts import WHOLE, Kind, Severity
from headcount_wire.organisation import App

from headcount_aggregator.released import Number, Statistic


class Vocabulary:
    """The words of one app."""

    def __init__(self, app: App) -> None:
        self._by_code: dict[int, Measure] = {}
        for catalog in reversed(app.catalogs):
            self._by_code.update(catalog.by_code)
        self._by_name = {measure.name: measure for measure in self._by_code.values()}

    def measure(self, name: str) -> Measure | None:
        """The measure of a name."""
        return self._by_name.get(name)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Every measure that has a name here."""
        return tuple(self._by_name.values())

    def measure_name(self, code: int) -> str:
        """The name of a measure; ``measure <code>`` for one that is declared no more."""
        measure = self._by_code.get(code)
        return measure.name if measure else f"measure {code}"

    def label_name(self, measure: int, label: int) -> str:
        """The value of a label code; empty for the whole measure."""
        if label == WHOLE:
            return ""
        declared = self._by_code.get(measure)
        value = declared.label.value_of(label) if declared and declared.label else None
        return value or f"label {label}"

    def slot_name(self, number: Number) -> str:
        """What the slot of a number is called; empty where it is a number itself, or there is none.

        The step of a funnel as the catalog writes it, the screen, how bad a problem is; ``other`` and ``start``.
        """
        if number.statistic not in _NAMED_SLOTS:
            return ""
        if number.statistic is Statistic.FUNNEL:
            return self.step_name(number.measure, number.slot)
        if number.value1:
            return number.value1
        if number.statistic is Statistic.SEVERITY:
            return Severity(number.slot).name.lower()
        if number.slot == WHOLE:
            return "start"
        screens = next((m for m in self._by_code.values() if m.kind is Kind.SCREEN), None)
        return self.label_name(screens.code, number.slot) if screens else f"label {number.slot}"

    def step_name(self, code: int, slot: int) -> str:
        """The step of a funnel as the catalog writes it: a measure, with its label after ``=``."""
        funnel = self._by_code.get(code)
        if funnel is None or not 1 <= slot <= len(funnel.steps):
            return f"step {slot}"
        step = funnel.steps[slot - 1]
        label = self.label_name(step.measure, step.label)
        return f"{self.measure_name(step.measure)}={label}" if label else self.measure_name(step.measure)


_NAMED_SLOTS = frozenset({Statistic.FUNNEL, Statistic.MOVES, Statistic.SEVERITY, Statistic.PROBLEM_SCREEN})


@cache
def breakdown_of(code: int) -> Breakdown | None:
    """The breakdown of a code, ``None`` for a total."""
    if code == TOTAL:
        return None
    first, second = divmod(code, 8)
    return Breakdown(Dimension(first), Dimension(second) if second else None)


def breakdown_code(name: str) -> int | None:
    """The code of a breakdown as a catalog writes it; ``total`` is 0; ``None`` for no breakdown at all."""
    if name == "total":
        return TOTAL
    parts = name.split(" x ")
    if not 1 <= len(parts) <= 2 or len(set(parts)) != len(parts) or any(part not in DIMENSIONS for part in parts):
        return None
    return Breakdown(*(DIMENSIONS[part] for part in parts)).code

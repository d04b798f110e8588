"""People of more than one day, as they are told: their days, and in fixed steps what those do not tell. Pure.

Where nobody comes back, the people of a window are the sum of its days. Were each window rounded by itself, its
shown days would move the rounding along, and many windows around one hidden day leave one number for it. So what
is rounded is the *rest*: what the days come to together, less the people of the window. That is who came on several
days, less who came on hidden ones only, and its steps lie where they lie, whatever the days are. A rest of fewer
than k is told as the middle of what it can be; where days are hidden its steps are of k, so that a hidden day is in
one step with nobody. Of a period that begins with the app
all people are new, so it is known who came back on the days that tell: there this and the hidden days are two rests.
What stands as ``other`` is what is left of the told numbers around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.facts import Fact

from headcount_aggregator.periods import Period
from headcount_aggregator.release import people
from headcount_aggregator.release.day_sums import WHOLE_KEY, Cells, Key, Sums
from headcount_aggregator.release.family import OTHER_VALUE, Decision, Family, Part, Rule
from headcount_aggregator.release.people import TENS, Everyone, Exact
from headcount_aggregator.release.threshold import number_of
from headcount_aggregator.released import Number, State, Statistic

Place = tuple[int, Key]
"""A breakdown's code (``TOTAL`` included) and values."""

WHOLE_PLACE: Place = (TOTAL, WHOLE_KEY)
NOTHING: Mapping[Place, int] = {}

NewOn = Callable[[int, int], Sums]
"""The new people of a period's day, given which day it is and a breakdown's code."""


@dataclass(frozen=True, slots=True)
class DayTold:
    """What a day tells of some people. ``partly``: the cuts (and ``TOTAL``) of which something is hidden or merged.

    ``rounded_off``: by how much its total is told too low, as that of an open day is; no part of any rest. ``about``:
    ``values`` are no more than about what is hidden.
    """

    values: Mapping[Place, int]
    partly: frozenset[int]
    rounded_off: int = 0
    about: bool = False

    def whole(self) -> int | None:
        """Its total, where it is told by itself."""
        return None if TOTAL in self.partly else self.values.get(WHOLE_PLACE)

    def tells(self, code: int, *keys: Key) -> bool:
        """Whether one of these is told by itself, or is nobody since nothing of the cut is hidden."""
        return code not in self.partly or (not self.about and any((code, key) in self.values for key in keys))


def told_on(decision: Decision, codes: Iterable[int], around: Decision | None = None) -> DayTold:
    """What is told of a day, by its cuts.

    Where it is hidden for the sake of the few others of a shown set ``around``, everybody knows: it is about that set.
    Where it is not told on which side the few are, half of that set is as near to either.
    """
    if decision.state is State.FEW_ON_A_SIDE and around is not None:
        halves = {(n.breakdown, (n.value1, n.value2)): n.value // 2 for n in around.numbers if n.value is not None}
        return DayTold(halves, frozenset({TOTAL, *codes}), about=True)
    if decision.state is not State.SHOWN:
        near = around.numbers[0].value if around is not None and decision.state is State.COMPLEMENT else None
        return DayTold({} if near is None else {WHOLE_PLACE: near}, frozenset({TOTAL, *codes}))
    values = {(n.breakdown, (n.value1, n.value2)): n.value for n in decision.numbers if n.value is not None}
    partly = {n.breakdown for n in decision.numbers if n.value is None or OTHER_VALUE in (n.value1, n.value2)}
    return DayTold(values, frozenset(partly))


def with_total(day: DayTold, total: DayTold, codes: Iterable[int]) -> DayTold:
    """A day with its total as another tells it: of an app's first days the new people tell all people.

    Where these are hidden the day tells nothing by value (``codes``) either: its people less all new ones, who came
    back, would be known but for the hidden ones.
    """
    if TOTAL in total.partly:
        kept = {place: value for place, value in total.values.items() if place == WHOLE_PLACE}
        return DayTold(kept, frozenset({TOTAL, *codes}), about=total.about)
    values = {place: value for place, value in day.values.items() if place != WHOLE_PLACE}
    if WHOLE_PLACE in total.values:
        values[WHOLE_PLACE] = total.values[WHOLE_PLACE]
    return DayTold(values, (day.partly - {TOTAL}) | (total.partly & {TOTAL}), about=total.about)


def everyone(
    active: Measure,
    period: Period,
    days: Sequence[DayTold],
    cells: Cells,
    rule: Rule,
    new: NewOn | None = None,
    *,
    open_days: bool = False,
) -> Everyone:
    """All active people of a window or calendar period. ``days``: what its days tell, from the app's first on.

    ``new``: of a period that begins with the app, the new people of each of the days. ``open_days``: the totals
    of some days are all people, not new ones, so that who came back is in the rest of the total too.
    """
    found = people.everyone(active, period, cells, rule)
    return replace(
        found, decision=_told(found.decision, _Wide(found.exact, days, rule.k, new=new, total_too=open_days))
    )


def new_on(active: Measure, days: Iterable[int], cells: Cells) -> NewOn:
    """The new people of days, by place: of a period that begins with the app they are all its people."""
    held = [cells.day(day) for day in days]
    return lambda at, code: held[at].of(active.code, Fact.AGE, 0, code)


def of_measure(
    measure: Measure,
    period: Period,
    around: Everyone | None,
    days: Sequence[DayTold],
    cells: Cells,
    rule: Rule,
    *,
    as_around: bool = False,
) -> Decision:
    """Devices that contributed to a measure with ``reach`` at least once in a window. ``around``: all active people.

    ``as_around``: on each day that tells everybody contributed, so the window is told as all active people's.
    """
    found = people.in_window(measure, period.first, period.last, cells, rule.k)
    decision = people.subset(measure, period, found, around, rule)
    wide = _Wide(found, days, rule.k)
    if around is None:
        return _told(decision, wide)
    if as_around:
        wide.told.update({(n.breakdown, (n.value1, n.value2)): n.value for n in around.decision.numbers if n.value})
    return _told(decision, wide, around.decision)


def silent(measure: Measure, period: Period) -> Number:
    """That nothing is said of a measure in a period that begins with the app, where new people are hidden on a day.

    Without hidden days it is known who was there, and by a measure that a device has once also who had it: whether
    enough others are left for it to be shown would say, window by window, how many the hidden day had.
    """
    part = Part(0, 0)
    return number_of(Family(Statistic.PEOPLE, period, measure.code, part, step=TENS), State.FEW_ON_A_SIDE, part)


def are_all(days: Sequence[DayTold], around: Sequence[DayTold]) -> bool:
    """Whether everybody did something on each of these days that tells: then its windows must say no more than all's.

    Who came back among them is known from who came back among all. ``around``: what the days tell of all people.
    """
    return all(mine.whole() == all_.whole() for mine, all_ in zip(days, around, strict=True))


def cuts(decision: Decision, exact: Exact, days: Sequence[DayTold], k: int) -> Decision:
    """New people of a wide period by value. ``days``: what is told of all people on the days that ``exact`` is of.

    Where all people are new, those of a day by value are its new ones, so the rest is what is told in steps here too.
    """
    if decision.state is not State.SHOWN:
        return decision
    whole = {WHOLE_PLACE: exact[TOTAL].get(WHOLE_KEY, 0)}
    total, *parts = decision.numbers
    return replace(decision, numbers=[total, *_Wide(exact, days, k, whole).numbers(parts)])


def _told(decision: Decision, wide: _Wide, within: Decision | None = None) -> Decision:
    """What was decided of a window or calendar period, its numbers made of its days.

    ``within``: the people they are a subset of, who are never said to be fewer. ``exact`` of the decision becomes
    what is told before it is rounded to tens.
    """
    if decision.state is not State.SHOWN:
        return decision
    total, *parts = wide.numbers(decision.numbers)
    if within and total.value is not None and (most := within.numbers[0].value) is not None:
        # Only as a whole: a device's value on its first active day may be another than on the first that it did this.
        total = replace(total, value=min(total.value, most))
    return replace(decision, numbers=[total, *parts], exact=wide.told[WHOLE_PLACE])


def beyond(rest: int, k: int, *, hidden: bool) -> int:
    """What is told of a rest: the middle of the step that it lies in.

    Without hidden days nothing is said as nothing, since it tells about nobody.
    """
    size, step = abs(rest), k if hidden else min(TENS, k)
    few = 0 if hidden or not size else k // 2
    near = few if size < k else size // step * step + step // 2
    return near if rest >= 0 else -near


class _Wide:
    """The numbers of one period. ``told``: what is told so far, before it is rounded to tens."""

    def __init__(
        self,
        exact: Exact,
        days: Sequence[DayTold],
        k: int,
        told: Mapping[Place, int] = NOTHING,
        new: NewOn | None = None,
        total_too: bool = False,
    ) -> None:
        self._exact = exact
        self._new = new
        self._total_too = total_too
        self._days = days
        self._k = k
        self.told: dict[Place, int] = dict(told)

    def numbers(self, decided: Sequence[Number]) -> list[Number]:
        """The shown numbers with what is told in place of what is so."""
        places = {(n.breakdown, (n.value1, n.value2)): n for n in decided if n.value is not None}
        for place in sorted(places.keys() - self.told.keys(), key=lambda place: place[1].count(OTHER_VALUE)):
            self._tell(place)
        return [
            number
            if number.value is None
            else replace(number, value=_tens(self.told[number.breakdown, (number.value1, number.value2)]))
            for number in decided
        ]

    def _tell(self, place: Place) -> None:
        """Find what is told of one place; those without ``other`` come first."""
        code, key = place
        if OTHER_VALUE in key:
            value = self._left(code, key)
        else:
            n = self._exact[code].get(key, 0)
            if place == WHOLE_PLACE:
                n -= sum(day.rounded_off for day in self._days)
            value = self._of(n, code, [[key]] * len(self._days), [key])
            if place == WHOLE_PLACE and n:
                value = max(value, *(day.values.get(place, 0) for day in self._days if TOTAL not in day.partly), 0)
        self.told[place] = value

    def _of(self, exact: int, code: int, on_days: Sequence[Sequence[Key]], keys: Sequence[Key]) -> int:
        """What is told of some keys of a cut together, ``on_days`` those that stand there."""
        if not exact:
            return 0
        on = [
            sum(day.values.get((code, key), 0) for key in stand) for day, stand in zip(self._days, on_days, strict=True)
        ]
        base = sum(on)
        silent = [at for at, day in enumerate(self._days) if not self._tells(day, code, keys)]
        if self._new is None or (code == TOTAL and not self._total_too):
            return max(self._k, base - beyond(base - exact, self._k, hidden=bool(silent)))
        # Who came back on the days that tell, and the others' people beside what is told of them: two rests.
        unsaid = sum(sum(self._new(at, code).get(key, 0) for key in keys) - on[at] for at in silent)
        back = beyond(base - exact + unsaid, self._k, hidden=False)
        return max(self._k, base - back + beyond(unsaid, self._k, hidden=True))

    def _tells(self, day: DayTold, code: int, keys: Sequence[Key]) -> bool:
        """Of a period that begins with the app, a total that stands for another set tells nothing of new people."""
        return code not in day.partly if self._total_too and code == TOTAL else day.tells(code, *keys)

    def _left(self, code: int, key: Key) -> int:
        """What the told numbers around a place leave for it. What is shown is of k people at least."""
        beside = {mine: n for (cut, mine), n in self.told.items() if cut == code}
        if key[0] == OTHER_VALUE and key[1] in ("", OTHER_VALUE):
            rest = self.told[WHOLE_PLACE] - sum(beside.values())
        else:
            at = 0 if key[1] == OTHER_VALUE else 1
            rest = self._margin(code, at, key[at]) - sum(n for mine, n in beside.items() if mine[at] == key[at])
        return max(self._k, rest)

    def _margin(self, code: int, at: int, name: str) -> int:
        """A group of one dimension of two, whole."""
        alone = (code % 8 * 8 if at else code // 8 * 8), (name, "")
        if alone in self.told:
            return self.told[alone]

        def mine(keys: Iterable[Key]) -> list[Key]:
            return [key for key in keys if key[at] == name]

        exact = sum(self._exact[code][key] for key in mine(self._exact[code]))
        on_days = [[key for cut, key in day.values if cut == code and key[at] == name] for day in self._days]
        stand = sorted({key for keys in on_days for key in keys} | set(mine(self._exact[code])))
        return self._of(exact, code, on_days, stand)


def _tens(value: int) -> int:
    return (value + TENS // 2) // TENS * TENS

"""What every page is built from: whose numbers, which days, in which language, and where links lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import quote_plus, urlencode

from headcount_wire import days
from headcount_wire.catalog import Measure
from headcount_wire.facts import WHOLE, Kind

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Freshness, Number, Question, ReleasedReader, State, Statistic
from headcount_aggregator.scopes import LEAST_CUSTOMERS, is_scope
from headcount_aggregator.web.access import Subject
from headcount_aggregator.web.dashboard.figure import Figure, Link, Remark
from headcount_aggregator.web.dashboard.span import GRAINS, Span
from headcount_aggregator.web.dashboard.wording import Wording
from headcount_aggregator.web.dashboard.words import whose
from headcount_aggregator.web.vocabulary import Vocabulary

STATE = ("range", "from", "to", "by", "window", "compare", "measure", "cut", "lang")
"""What an address may hold: the whole state of a page."""

OWN_STATE = ("by", "measure", "cut")
"""What belongs to one page and is not taken along to another."""

_quoted = lru_cache(1024)(quote_plus)  # a page has two hundred links of the same few words


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of a summary, with the number it is about, what may be said of its change, and where it leads.

    ``lead`` is what stands before the number, where the sentence does not begin with it.
    """

    number: str
    sentence: str
    beside: str = ""
    remark: Remark | None = None
    link: Link | None = None
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Stat:
    """One figure said large: its value, what it is, and what it is compared with."""

    value: str
    sentence: str
    beside: str = ""
    link: Link | None = None


@dataclass(frozen=True)
class Section:
    """Figures that belong together."""

    title: str
    figures: tuple[Figure, ...]
    sentence: str = ""


@dataclass(frozen=True)
class Page:
    """What a page says.

    ``choices`` and ``cuts`` are its own switches. ``windows``: people are counted in a rolling window that can be
    chosen. ``compared``: its figures can stand beside earlier days. ``extra`` is for a page with a template of its own.
    """

    headline: str
    sections: tuple[Section, ...] = ()
    sentence: str = ""
    stats: tuple[Stat, ...] = ()
    said: tuple[Said, ...] = ()
    choices: tuple[tuple[str, Link, bool], ...] = ()
    cuts: tuple[tuple[str, Link, bool], ...] = ()
    grains: tuple[str, ...] = ("day", "week", "month", "quarter", "year")
    windows: bool = False
    compared: bool = False
    ranged: bool = True
    extra: Mapping[str, object] | None = None

    def figure(self, key: str) -> Figure | None:
        """One figure by its key."""
        return next((figure for section in self.sections for figure in section.figures if figure.key == key), None)


@dataclass(frozen=True)
class View:
    """One reader's look at one page of one Customer's app.

    ``asked``: the keys of the figures that are looked for, where the page itself is not to be shown; else none.
    ``whole``: figures are for a file of numbers, which has all rows, also where a page shows the newest.
    """

    subject: Subject
    released: ReleasedReader
    freshness: Freshness
    span: Span
    wording: Wording
    page: str
    query: Mapping[str, str]
    asked: frozenset[str] = frozenset()
    whole: bool = False

    def asks(self, *keys: str) -> bool:
        """Whether one of some figures is looked for: on a page that is shown, all of them."""
        return not self.asked or not self.asked.isdisjoint(keys)

    @property
    def shown(self) -> bool:
        """Whether the page is to be shown, with its words."""
        return not self.asked

    @property
    def k(self) -> int:
        """The threshold in force."""
        return self.subject.customer.k

    @property
    def vocabulary(self) -> Vocabulary:
        """The app's names for codes."""
        return Vocabulary(self.subject.app)

    @property
    def noisy(self) -> bool:
        """Whether numbers are released with noise."""
        return self.subject.customer.rule == "dp"

    @property
    def hidden(self) -> State:
        """How what is hidden is hidden here: by the threshold, or by its noise."""
        return State.UNDER_NOISE if self.noisy else State.FEWER_THAN_K

    def too_few(self, threshold: str) -> str:
        """Why there is nothing to show: too few for the threshold, or too small for the noise."""
        if not self.noisy:
            return threshold
        if self.over_customers:
            return self.wording.say("Too few Customers have enough people here, or one has most of them.")
        return self.wording.say("Too small for the noise that protects everybody.")

    @property
    def over_customers(self) -> bool:
        """Whether the numbers are sums over Customers."""
        return is_scope(self.subject.customer.code)

    def never_a_sum(self, otherwise: str) -> str:
        """Why there is nothing of what is told of one Customer only; of a Customer's own numbers, ``otherwise``."""
        if self.over_customers:
            return self.wording.say("This is told to each Customer of its own app only, never added up over Customers.")
        return otherwise

    @property
    def rule(self) -> str:
        """The rule of every number here, in words."""
        return self.ruled(self.wording.say("At least {k} people.", k=self.k))

    def ruled(self, threshold: str) -> str:
        """The rule of a number in words: what the threshold asks of it, or what noise leaves of it."""
        if not self.noisy:
            return threshold
        if self.over_customers:
            return self.wording.say(
                "A sum over {n} Customers or more of which none can be recognised, with noise in each one's share. The "
                "true one lies within ± in 95 of 100 cases.",
                n=LEAST_CUSTOMERS,
            )
        return self.wording.say(
            "Noise is added to every number, so that nobody can be told from it. The true one lies within ± in 95 of "
            "100 cases."
        )

    def by_week(self, said: str) -> str:
        """Why days are shown by week: what the threshold hides of them, or noise."""
        return self.wording.say("Shown by week: many days are too small for their noise.") if self.noisy else said

    def tens(self, said: str) -> tuple[str, ...]:
        """What is said of rounding and of buckets; nothing where noise is added and the interval says it."""
        return () if self.noisy else (said,)

    def rule_of(self, measure: Measure) -> str:
        """The rule of the people of a measure: a part of the active people is held to the rest of them, too."""
        if measure.kind is Kind.ACTIVE or self.subject.app.catalog.active is None:
            return self.rule
        return self.ruled(
            self.wording.say(
                "At least {k} people with it and {k} active ones without it; or nobody, or everybody.", k=self.k
            )
        )

    @property
    def sealed(self) -> bool:
        """Whether anything was released at all."""
        return self.freshness.sealed_through is not None

    @property
    def begins(self) -> int | None:
        """The first day there are numbers of, when it lies after the first day of the span."""
        first = self.freshness.first_day
        return first if first is not None and first > self.span.first else None

    def link(self, page: str = "", **changes: str) -> str:
        """The address of a page with this one's state, changed where ``changes`` says so (empty: forgotten)."""
        state = {name: self.query[name] for name in STATE if self.query.get(name)}
        if page and page != self.page:
            state = {name: value for name, value in state.items() if name not in OWN_STATE}
        if "range" in changes:
            state.pop("from", None)
            state.pop("to", None)
        state |= changes
        state = {name: value for name, value in state.items() if value}
        path = f"/c/{self.subject.customer.name}/{self.subject.app.name}/{page or self.page}"
        return f"{path}?{'&'.join(f'{name}={_quoted(value)}' for name, value in state.items())}" if state else path

    def export(self, key: str, form: str) -> str:
        """The address of a figure as ``csv`` or ``json``."""
        path, _, state = self.link().partition("?")
        return f"{path}/{key}.{form}" + (f"?{state}" if state else "")

    @property
    def api(self) -> str:
        """The address of the same numbers in the API."""
        span = {"from": days.text(self.span.first), "to": days.text(self.span.last)}
        subject = {"customer": self.subject.customer.name, "app": self.subject.app.name}
        return f"/api/v1/numbers?{urlencode(subject | span)}"

    @property
    def about(self) -> str:
        """Whose numbers these are, of which days, and how far they are sealed: for a file that leaves the page."""
        days_of = self.wording.days(self.span.first, self.span.last)
        said = f"{whose(self.wording, self.subject.customer)}, {self.subject.app.title}: {days_of}."
        if self.freshness.sealed_through is None:
            return said
        return (
            f"{said} {self.wording.say('Sealed through {day}.', day=self.wording.day(self.freshness.sealed_through))}"
        )

    @staticmethod
    def iso(day: int) -> str:
        """A day as an address and a form write it."""
        return days.text(day)

    def at(self, last: int) -> View:
        """The same look at as many days that end on another one."""
        return replace(self, span=replace(self.span, first=last - self.span.length + 1, last=last))

    def by_period(self, kind: PeriodKind) -> View:
        """The same look by another period."""
        return replace(self, span=replace(self.span, by=kind))

    def earlier(self) -> View:
        """The same look at the days these are compared with."""
        return replace(self, span=self.span.earlier())

    async def numbers(
        self,
        statistics: Sequence[Statistic],
        periods: Sequence[PeriodKind],
        measure: Measure,
        *,
        label: int | None = WHOLE,
        breakdown: int | None = 0,
        first: int | None = None,
        last: int | None = None,
    ) -> Sequence[Number]:
        """Released numbers of a measure over the span, or over other days."""
        question = Question(
            *self.subject.codes,
            tuple(statistics),
            tuple(periods),
            self.span.first if first is None else first,
            self.span.last if last is None else last,
            measure.code,
            label,
            breakdown,
        )
        return await self.released.numbers(question)

    async def open_days(self, measure: Measure, statistic: Statistic) -> Mapping[int, Number]:
        """Provisional totals of the days after the sealed ones, when the span reaches up to them."""
        sealed = self.freshness.sealed_through
        if self.span.by is not PeriodKind.DAY or (sealed is not None and self.span.last < sealed):
            return {}
        found = await self.released.provisional(*self.subject.codes)
        wanted = (number for number in found if number.period is PeriodKind.DAY and number.measure == measure.code)
        since = -1 if sealed is None else sealed
        return {n.last: n for n in wanted if n.statistic is statistic and n.label == WHOLE and n.last > since}

    @property
    def by(self) -> str:
        """The grain as the address writes it."""
        return next(name for name, kind in GRAINS.items() if kind is self.span.by)

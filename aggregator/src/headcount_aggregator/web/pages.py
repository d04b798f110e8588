"""From released numbers to what the page shows. Arithmetic on sealed numbers only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from headcount_wire import days
from headcount_wire.catalog import TOTAL, Measure
from headcount_wire.facts import WHOLE, Kind
from headcount_wire.organisation import App, Customer

from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Freshness, Number, Question, ReleasedReader, ReleaseHeader, State, Statistic
from headcount_aggregator.web.charts import Line, line_chart

SPAN_DAYS = 56
RETENTION_WEEKS = 8
BARS = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One value of a cut: its share of the largest is drawn, its number is said."""

    name: str
    value: int
    share: int
    note: str = ""


@dataclass(slots=True)
class Overview:
    """Everything the page shows of one Customer's app."""

    customer: Customer
    app: App
    freshness: Freshness
    active_svg: str = ""
    active_rows: list[tuple[str, str, str, str]] = field(default_factory=list)
    new_svg: str = ""
    new_rows: list[tuple[str, str]] = field(default_factory=list)
    retention: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)
    counter: Measure | None = None
    cuts: list[tuple[str, list[Bar], str]] = field(default_factory=list)
    sentence: str = ""
    releases: Sequence[ReleaseHeader] = ()
    hidden_share: int = 0


async def overview(reader: ReleasedReader, customer: Customer, app: App) -> Overview:
    """Gather the page: active people, new people, retention, one counter's cuts, and what is hidden."""
    fresh = await reader.freshness(customer.code, app.code)
    page = Overview(customer, app, fresh)
    if fresh.sealed_through is None:
        return page
    last, first = fresh.sealed_through, fresh.sealed_through - SPAN_DAYS + 1
    everyone = app.catalog.active
    if everyone is not None:
        await _active(page, reader, everyone, first, last)
        await _retention(page, reader, everyone, last)
    counters = [measure for measure in app.catalog.measures.values() if measure.kind is Kind.COUNTER]
    if counters:
        page.counter = counters[0]
        await _cuts(page, reader, counters[0], first, last)
    page.releases = (await reader.releases(customer.code, app.code, first, last))[-5:]
    headers = await reader.releases(customer.code, app.code, first, last)
    total = sum(header.numbers for header in headers)
    page.hidden_share = round(100 * sum(header.hidden for header in headers) / total) if total else 0
    return page


def said(number: Number | None, k: int) -> str:
    """A number in words: its value, or why there is none."""
    if number is None:
        return "no report"
    if number.state is not State.SHOWN or number.value is None:
        return f"fewer than {k} people" if number.state is State.FEWER_THAN_K else "hidden: too few others"
    return f"about {number.value:,}" if number.rounding > 1 else f"{number.value:,}"


async def _active(page: Overview, reader: ReleasedReader, measure: Measure, first: int, last: int) -> None:
    kinds = (PeriodKind.DAY, PeriodKind.ROLLING_7, PeriodKind.ROLLING_28)
    wanted = (Statistic.PEOPLE,)
    code = page.customer.code
    question = Question(code, page.app.code, wanted, kinds, first, last, measure.code, WHOLE, TOTAL)
    found = {(n.statistic, n.period, n.last): n for n in await reader.numbers(question)}
    open_days = {
        n.last: n
        for n in await reader.provisional(code, page.app.code)
        if n.measure == measure.code and n.period is PeriodKind.DAY
    }
    span = range(first, max([last, *open_days]) + 1)
    labels = [days.text(day) for day in span]
    lines = [
        Line(
            f"s{index}",
            title,
            [
                _value(found.get((Statistic.PEOPLE, kind, day)) or (open_days.get(day) if index == 0 else None))
                for day in span
            ],
        )
        for index, (kind, title) in enumerate(zip(kinds, ("a day", "last 7 days", "last 28 days"), strict=True))
    ]
    page.active_svg = line_chart("Active people", labels, lines, last + 1 - first)
    k = page.customer.k
    for day in reversed(span):
        cells = [said(found.get((Statistic.PEOPLE, kind, day)), k) for kind in kinds]
        if day > last:
            cells = [
                said(open_days.get(day), k) + ", provisional" if day in open_days else "not yet",
                "not yet",
                "not yet",
            ]
        page.active_rows.append((days.text(day), cells[0], cells[1], cells[2]))
    await _new(page, reader, measure, first, last)
    latest = found.get((Statistic.PEOPLE, PeriodKind.ROLLING_7, last))
    before = found.get((Statistic.PEOPLE, PeriodKind.ROLLING_7, last - 7))
    page.sentence = _sentence(latest, before, k)


async def _new(page: Overview, reader: ReleasedReader, measure: Measure, first: int, last: int) -> None:
    """New people by week: days seldom have enough of them."""
    wanted, weekly = (Statistic.NEW_PEOPLE,), (PeriodKind.WEEK,)
    question = Question(page.customer.code, page.app.code, wanted, weekly, first, last, measure.code, WHOLE, TOTAL)
    numbers = await reader.numbers(question)
    labels = [days.text(number.first) for number in numbers]
    page.new_svg = line_chart(
        "New people by week", labels, [Line("s0", "new", list(map(_value, numbers)))], len(labels)
    )
    page.new_rows = [(days.text(number.first), said(number, page.customer.k)) for number in reversed(numbers)]


def _sentence(latest: Number | None, before: Number | None, k: int) -> str:
    if latest is None or latest.value is None:
        return f"In the last sealed week fewer than {k} people used the app."
    sentence = f"About {latest.value:,} people used the app in the last sealed week"
    if before is None or before.value is None or before.value == 0:
        return sentence + "."
    change = round(100 * (latest.value - before.value) / before.value)
    how = "about as many as" if abs(change) < 3 else f"{abs(change)} % {'more' if change > 0 else 'fewer'} than"
    return f"{sentence}, {how} the week before."


async def _retention(page: Overview, reader: ReleasedReader, measure: Measure, last: int) -> None:
    newest = days.week_start(last)
    first = newest - 7 * RETENTION_WEEKS
    kinds = (PeriodKind.WEEK,)
    wanted = (Statistic.RETENTION_WEEK,)
    question = Question(page.customer.code, page.app.code, wanted, kinds, first, newest, measure.code, WHOLE, TOTAL)
    found = {(n.first, n.slot): n for n in await reader.numbers(question)}
    for week in range(first, newest, 7):
        cohort = found.get((week, 0))
        if cohort is None:
            continue
        cells = [(said(cohort, page.customer.k), "cohort")]
        for age in range(1, RETENTION_WEEKS):
            number = found.get((week, age))
            if number is None:
                cells.append(("", "none"))
            elif number.value is None or not cohort.value:
                cells.append(("hidden", "hide"))
            else:
                percent = min(100, round(100 * number.value / cohort.value))
                cells.append((f"{percent} %", f"g{percent // 10}"))
        page.retention.append((days.text(week), cells))


async def _cuts(page: Overview, reader: ReleasedReader, measure: Measure, first: int, last: int) -> None:
    question = Question(
        page.customer.code, page.app.code, (Statistic.COUNT,), (PeriodKind.DAY,), first, last, measure.code
    )
    numbers = await reader.numbers(question)
    if measure.label:
        sums: Counter[str] = Counter()
        for number in numbers:
            if number.breakdown == TOTAL and number.label != WHOLE and number.value:
                sums[measure.label.value_of(number.label) or "other"] += number.value
        page.cuts.append((measure.label.key.replace("_", " "), _bars(sums), ""))
    for breakdown in measure.breakdowns:
        if breakdown.second is not None:
            continue
        sums = Counter()
        hidden = 0
        for number in numbers:
            if number.breakdown == breakdown.code:
                sums[number.value1] += number.value or 0
                hidden += number.value is None
        note = (
            f"On {hidden} days the smallest groups together were under the threshold and are left out."
            if hidden
            else ""
        )
        page.cuts.append((breakdown.name.replace("_", " "), _bars(+sums), note))


def _bars(sums: Counter[str]) -> list[Bar]:
    largest = max(sums.values(), default=1)
    ranked = sorted(sums.items(), key=lambda pair: (pair[0] == "other", -pair[1]))
    return [Bar(name, value, max(1, round(100 * value / largest))) for name, value in ranked[:BARS]]


def _value(number: Number | None) -> int | None:
    return None if number is None or number.state is not State.SHOWN else number.value

"""How the dashboard says things: sentences, numbers, dates and names in one reader's language.

Sentences pass through ``say`` and ``plural`` (gettext), so that another language is a catalog of
messages and no change of code. Numbers, dates and the names of languages come from CLDR (Babel).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from gettext import NullTranslations

from babel import Locale
from babel.dates import format_skeleton, format_time
from babel.numbers import format_compact_decimal, format_decimal, format_percent
from headcount_wire import days
from headcount_wire.catalog import Breakdown
from headcount_wire.dimensions import OTHER_VALUE, UNKNOWN, Dimension

from headcount_aggregator.periods import ROLLING, PeriodKind
from headcount_aggregator.released import Number, State
from headcount_aggregator.web.dashboard.figure import Cell, Figure, Shape
from headcount_aggregator.web.dashboard.sums import share, sum_of

LATE_VALUE = "late"
"""The value of what came after its day was frozen, and still found a longer period open."""

PERCENT, PER_MILLE, TENTHS = "%", "‰", "/10"
"""Units of whole numbers that are shares or tenths."""

_OPERATING_SYSTEMS = {
    "android": "Android",
    "ios": "iOS",
    "ipados": "iPadOS",
    "macos": "macOS",
    "windows": "Windows",
    "linux": "Linux",
    "chromeos": "ChromeOS",
    "web": "Web",
}


DATES_KEPT = NUMBERS_KEPT = 16_384


@lru_cache(DATES_KEPT)
def _written(locale: str, form: str, day: int) -> str:
    """A day in one of CLDR's forms: a page says the same days many times, and to write one takes long."""
    return format_skeleton(form, days.to_date(day), locale=locale)


@lru_cache(NUMBERS_KEPT)
def _number(locale: str, n: float) -> str:
    """A number with its separators: tables say the same ones again and again, in page after page."""
    return format_decimal(n, locale=locale)


def mark(message: str) -> str:
    """A sentence that is said elsewhere: marked here, so that translators find it."""
    return message


class Wording:
    """One language, and how it writes numbers and dates."""

    def __init__(self, locale: str = "en_GB", translations: NullTranslations | None = None) -> None:
        self.locale = Locale.parse(locale)
        self._locale = str(self.locale)
        self.translations = translations or NullTranslations()

    @property
    def language(self) -> str:
        """The language's code."""
        return self.locale.language

    def say(self, message: str, **values: object) -> str:
        """A sentence in the reader's language, with its places filled."""
        return self.translations.gettext(message).format(**values)

    def plural(self, one: str, many: str, n: int, margin: int = 0, **values: object) -> str:
        """The sentence for one or for many; ``{n}`` is the number, written out for people, with its ± if it has one."""
        written = f"{self.number(n)} ± {self.number(margin)}" if margin else self.number(n)
        return self.translations.ngettext(one, many, n).format(n=written, **values)

    def number(self, n: float) -> str:
        """A number with the language's separators: 12,400."""
        return _number(self._locale, n)

    def upper_first(self, text: str) -> str:
        """A phrase at the beginning of a sentence."""
        return text[:1].upper() + text[1:]

    def signed(self, n: float) -> str:
        """A difference with its sign: +120, −40."""  # noqa: RUF002 (a minus sign)
        return format_decimal(n, format="+#,##0.#;\N{MINUS SIGN}#,##0.#", locale=self.locale)

    def exact_percent(self, share: float) -> str:
        """A share of 1 as a percentage to a tenth, rounded down: 99.9%, and 100% only where it is all."""
        return format_percent(int(share * 1000) / 1000, locale=self.locale, decimal_quantization=False)

    def minute(self, moment: float) -> str:
        """A time of the day in UTC, to the minute: 14:05."""
        return format_time(datetime.fromtimestamp(moment, UTC), "short", locale=self.locale)

    def amount(self, value: float, unit: str) -> str:
        """A value with its unit: 640 ms, 12 s, 4.5 min."""
        if unit == "ms" and value >= 10_000:
            unit, value = "s", value / 1000
        if unit == "s" and value >= 120:
            unit, value = "min", value / 60
        rounded = round(value, 1) if value < 10 and unit in ("min", "s") else round(value)
        return f"{self.number(rounded)}\N{NO-BREAK SPACE}{unit.replace('_', ' ')}" if unit else self.number(rounded)

    def short_number(self, n: float) -> str:
        """A number for an axis: 12K."""
        if n < 10_000:
            return self.number(n)
        return format_compact_decimal(n, format_type="short", locale=self.locale, fraction_digits=1)

    def percent(self, share: float) -> str:
        """A share of 1 as a whole percentage."""
        if 0 < share < 0.01:
            return self.say("under {one}", one=format_percent(0.01, locale=self.locale))
        return format_percent(share, locale=self.locale)

    def day(self, day: int) -> str:
        """A date with its year: 17 Nov 2026."""
        return _written(self._locale, "yMMMd", day).replace(" ", "\N{NO-BREAK SPACE}")

    def day_name(self, day: int) -> str:
        """A date with its weekday, for tables: Tue, 17 Nov 2026."""
        return _written(self._locale, "yMMMEd", day)

    def day_short(self, day: int) -> str:
        """A date without its year, for axes: 17 Nov."""
        return _written(self._locale, "MMMd", day)

    def month(self, day: int) -> str:
        """The month of a day: November 2026."""
        return _written(self._locale, "yMMMM", day)

    def month_short(self, day: int) -> str:
        """The month of a day, for axes: Nov 2026."""
        return _written(self._locale, "yMMM", day)

    def within(self, kind: PeriodKind, first: int, last: int) -> str:
        """When, as part of a sentence: in the 28 days to 16 Nov 2026, in October 2026."""
        match kind:
            case PeriodKind.DAY:
                return self.say("on {day}", day=self.day(first))
            case PeriodKind.WEEK:
                return self.say("in the week of {day}", day=self.day(first))
            case PeriodKind.MONTH:
                return self.say("in {month}", month=self.month(first))
            case PeriodKind.QUARTER:
                return self.say("in {quarter}", quarter=self.period(kind, first, last))
            case PeriodKind.YEAR:
                return self.say("in {year}", year=self.period(kind, first, last))
            case _:
                return self.say("in the {n} days to {day}", n=ROLLING[kind], day=self.day(last))

    def tick(self, kind: PeriodKind, first: int) -> str:
        """A period's name on an axis."""
        match kind:
            case PeriodKind.MONTH:
                return self.month_short(first)
            case PeriodKind.QUARTER | PeriodKind.YEAR:
                return self.period(kind, first, first)
            case _:
                return self.day_short(first)

    def days(self, first: int, last: int) -> str:
        """A span of days."""
        if first == last:
            return self.day(first)
        start = self.day_short(first) if days.to_date(first).year == days.to_date(last).year else self.day(first)
        return f"{start} – {self.day(last)}"  # noqa: RUF001 (an en dash joins two dates)

    def period(self, kind: PeriodKind, first: int, last: int) -> str:
        """One period by its name."""
        match kind:
            case PeriodKind.DAY:
                return self.day_name(first)
            case PeriodKind.WEEK:
                return self.say("Week of {day}", day=self.day(first))
            case PeriodKind.MONTH:
                return self.month(first)
            case PeriodKind.QUARTER:
                return _written(self._locale, "yQQQ", first)
            case PeriodKind.YEAR:
                return _written(self._locale, "y", first)
            case _:
                return self.say("{n} days to {day}", n=ROLLING[kind], day=self.day(last))

    def head(self, kind: PeriodKind) -> str:
        """What a column of periods is headed."""
        return {
            PeriodKind.DAY: self.say("Day"),
            PeriodKind.WEEK: self.say("Week"),
            PeriodKind.MONTH: self.say("Month"),
            PeriodKind.QUARTER: self.say("Quarter"),
            PeriodKind.YEAR: self.say("Year"),
        }.get(kind, self.say("Days"))

    def by(self, kind: PeriodKind) -> str:
        """A switch's word for a period."""
        return {
            PeriodKind.DAY: self.say("By day"),
            PeriodKind.WEEK: self.say("By week"),
            PeriodKind.MONTH: self.say("By month"),
            PeriodKind.QUARTER: self.say("By quarter"),
            PeriodKind.YEAR: self.say("By year"),
        }[kind]

    def value_name(self, dimension: Dimension, value: str) -> str:
        """The name of a context value: ``de`` is German."""
        if value == UNKNOWN:
            return self.say("not shared")
        if value == OTHER_VALUE:
            return self.say("other")
        if value == LATE_VALUE:
            return self.say("came late")
        match dimension:
            case Dimension.OS:
                return _OPERATING_SYSTEMS.get(value, value)
            case Dimension.LANGUAGE:
                return str(self.locale.languages.get(value, value))
            case Dimension.TIME_ZONE:
                return value.replace("_", " ")
            case Dimension.DEVICE_CLASS:
                return self._device_classes().get(value, value)
            case _:
                return value

    def label_name(self, value: str) -> str:
        """A declared label's value in words."""
        return self.say("other") if value == OTHER_VALUE else value.replace("_", " ")

    def _device_classes(self) -> dict[str, str]:
        return {
            "phone": self.say("Phone"),
            "tablet": self.say("Tablet"),
            "desktop": self.say("Desktop"),
            "tv": self.say("TV"),
            "watch": self.say("Watch"),
            "car": self.say("Car"),
            "server": self.say("Server"),
        }

    def dimension_name(self, dimension: Dimension) -> str:
        """The name of a context field."""
        return {
            Dimension.OS: self.say("Operating system"),
            Dimension.OS_VERSION: self.say("OS version"),
            Dimension.LANGUAGE: self.say("Language"),
            Dimension.TIME_ZONE: self.say("Time zone"),
            Dimension.APP_VERSION: self.say("App version"),
            Dimension.DEVICE_CLASS: self.say("Device class"),
        }[dimension]

    def breakdown_name(self, breakdown: Breakdown) -> str:
        """The name of a cut: Operating system, or one dimension by another."""
        first = self.dimension_name(breakdown.first)
        if breakdown.second is None:
            return first
        return self.say("{first} by {second}", first=first, second=self.dimension_name(breakdown.second))

    def sentence_of(self, sentences: Mapping[str, str]) -> str:
        """A declared sentence in this language, else in English, which every catalog has."""
        return sentences.get(self.locale.language) or sentences["en"]

    def people(self, n: int | None, k: int, margin: int = 0) -> str:
        """A number of people in words: 1,130 people, 1,130 ± 40 people, or fewer than 20 people."""
        if n is None:
            return self.fewer(k)
        if margin:
            return self.say("{n} ± {margin} people", n=self.number(n), margin=self.number(margin))
        return self.plural("{n} person", "{n} people", n)

    def people_of(self, number: Number, k: int) -> str:
        """A released number of people in words, whatever its state."""
        cell = Cell(number.value, number.state, low=number.low, high=number.high)
        return self.cell(cell, k) if number.value is None else self.people(number.value, k, cell.margin)

    def with_margin(self, number: Number) -> str:
        """A shown number, with ± where it has an interval."""
        return self.cell(Cell(number.value, number.state, low=number.low, high=number.high), 0)

    def fewer(self, k: int) -> str:
        """What stands in place of a number under the threshold."""
        return self.say("fewer than {k} people", k=k)

    def why_hidden(self, figure: Figure) -> str:
        """Why some cells of a figure show no number."""
        if figure.of_few_customers:
            return self.say("too few Customers, or one that has most of it, or too small for the noise")
        if figure.noisy:
            return self.say("too small for the noise that protects everybody")
        if figure.complement:
            return self.say("fewer than {k} people in it, or fewer than {k} not in it", k=figure.k)
        return self.fewer(figure.k)

    def begins_later(self, figure: Figure) -> str:
        """What is said of the rows that a grid of shown numbers does not draw."""
        ahead = len(figure.rows) - len(figure.drawn_rows)
        if not ahead or not figure.tells:
            return ""
        return self.plural(
            "{n} earlier row is left out: all of it is hidden. The CSV and the JSON have it.",
            "{n} earlier rows are left out: all of each is hidden. The CSV and the JSON have them.",
            ahead,
        )

    def axis(self, figure: Figure) -> Callable[[float], str]:
        """How a figure's axis writes its numbers."""
        if figure.unit == PERCENT or figure.shape is Shape.STACK:
            return lambda value: self.percent(value / 100)
        if figure.unit == PER_MILLE:
            return lambda value: self.exact_percent(value / 1000)
        return self.short_number if figure.scale == 1 else lambda value: self.amount(value, figure.unit)

    def share_of(self, part: Cell, whole: Cell) -> str:
        """A shown cell as a share of another, with ± where noise is in them."""
        found = share(sum_of([part]), sum_of([whole]), 100)
        return self.cell(found or Cell(), 0, PERCENT)

    def quantity(self, value: int, unit: str) -> str:
        """A value with its unit where that is a time or a share."""
        match unit:
            case "‰":
                return self.exact_percent(value / 1000)
            case "%":
                return self.percent(value / 100)
            case "/10":
                return self.number(value / 10)
            case "ms" | "s":
                return self.amount(value, unit)
            case _:
                return self.number(value)

    def cell(self, cell: Cell, k: int, unit: str = "") -> str:
        """A cell in words: its value, with its unit where that is a time or a share, or why there is none."""
        if cell.value is not None:
            said = self.quantity(cell.value, unit)
            if cell.low is None or cell.high is None:
                return said
            margin = max(cell.value - cell.low, cell.high - cell.value)
            return f"{said} ± {self.quantity(margin, unit)}"
        if cell.state is State.COMPLEMENT:
            return self.say("hidden to protect a few others")
        if cell.state is State.FEW_ON_A_SIDE:
            return self.say("too few in it, or not in it")
        if cell.state is State.FEW_CUSTOMERS:
            return self.say("too few Customers")
        if cell.state is State.UNDER_NOISE:
            return self.say("too small for its noise")
        if cell.state is State.OVER_BUDGET:
            return self.say("not told this month")
        if cell.state is State.FEWER_THAN_20:
            return self.say("fewer than 20")
        if cell.state is State.FEWER_THAN_K:
            return self.fewer(k)
        return "–" if cell.state is None else self.say("no number")  # noqa: RUF001 (an en dash: nothing is here)

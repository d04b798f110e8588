"""How the dashboard says things: sentences, numbers, dates and names in one reader's language.

Sentences pass through ``say`` and ``plural`` (gettext), so that another language is a catalog of
messages and no change of code. Numbers, dates and the names of languages come from CLDR (Babel).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from gettext import NullTranslations

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_compact_decimal, format_decimal, format_percent
from headcount_wire import days
from headcount_wire.dimensions import OTHER_VALUE, UNKNOWN, Dimension

from headcount_aggregator.periods import ROLLING, PeriodKind
from headcount_aggregator.released import State
from headcount_aggregator.web.dashboard.figure import Cell, Figure

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


class Wording:
    """One language, and how it writes numbers and dates."""

    def __init__(self, locale: str = "en_GB", translations: NullTranslations | None = None) -> None:
        self.locale = Locale.parse(locale)
        self.translations = translations or NullTranslations()

    def say(self, message: str, **values: object) -> str:
        """A sentence in the reader's language, with its places filled."""
        return self.translations.gettext(message).format(**values)

    def plural(self, one: str, many: str, n: int, **values: object) -> str:
        """The sentence for one or for many; ``{n}`` is the number, written out for people."""
        return self.translations.ngettext(one, many, n).format(n=self.number(n), **values)

    def number(self, n: float) -> str:
        """A number with the language's separators: 12,400."""
        return format_decimal(n, locale=self.locale)

    def exact_percent(self, share: float) -> str:
        """A share of 1 as a percentage to a tenth, rounded down: 99.9%, and 100% only where it is all."""
        return format_percent(int(share * 1000) / 1000, format="#,##0.#%", locale=self.locale)

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
            return self.say("under {one}", one=format_percent(0.01, format="#,##0%", locale=self.locale))
        return format_percent(share, format="#,##0%", locale=self.locale)

    def day(self, day: int) -> str:
        """A date with its year: 17 Nov 2026."""
        return format_date(days.to_date(day), "medium", locale=self.locale).replace(" ", "\N{NO-BREAK SPACE}")

    def day_name(self, day: int) -> str:
        """A date with its weekday, for tables: Tue, 17 Nov 2026."""
        return format_skeleton("yMMMEd", days.to_date(day), locale=self.locale)

    def day_short(self, day: int) -> str:
        """A date without its year, for axes: 17 Nov."""
        return format_skeleton("MMMd", days.to_date(day), locale=self.locale)

    def month(self, day: int) -> str:
        """The month of a day: November 2026."""
        return format_skeleton("yMMMM", days.to_date(day), locale=self.locale)

    def month_short(self, day: int) -> str:
        """The month of a day, for axes: Nov 2026."""
        return format_skeleton("yMMM", days.to_date(day), locale=self.locale)

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
                return format_skeleton("yQQQ", days.to_date(first), locale=self.locale)
            case PeriodKind.YEAR:
                return format_skeleton("y", days.to_date(first), locale=self.locale)
            case _:
                return self.say("{n} days to {day}", n=ROLLING[kind], day=self.day(last))

    def value_name(self, dimension: Dimension, value: str) -> str:
        """The name of a context value: ``de`` is German."""
        if value == UNKNOWN:
            return self.say("not shared")
        if value == OTHER_VALUE:
            return self.say("other")
        match dimension:
            case Dimension.OS:
                return _OPERATING_SYSTEMS.get(value, value)
            case Dimension.LANGUAGE:
                return str(self.locale.languages.get(value, value))
            case Dimension.TIME_ZONE:
                return value.replace("_", " ")
            case _:
                return value

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

    def sentence_of(self, sentences: Mapping[str, str]) -> str:
        """A declared sentence in this language, else in English, which every catalog has."""
        return sentences.get(self.locale.language) or sentences["en"]

    def fewer(self, k: int) -> str:
        """What stands in place of a number under the threshold."""
        return self.say("fewer than {k} people", k=k)

    def why_hidden(self, figure: Figure) -> str:
        """Why some cells of a figure show no number."""
        if figure.complement:
            return self.say("fewer than {k} people in it, or fewer than {k} not in it", k=figure.k)
        return self.fewer(figure.k)

    def axis(self, figure: Figure) -> Callable[[float], str]:
        """How a figure's axis writes its numbers."""
        return self.short_number if figure.scale == 1 else lambda value: self.amount(value, figure.unit)

    def cell(self, cell: Cell, k: int, unit: str = "") -> str:
        """A cell in words: its value, with its unit where that is a time, or why there is none."""
        if cell.value is not None:
            return self.amount(cell.value, unit) if unit in ("ms", "s") else self.number(cell.value)
        if cell.state is State.COMPLEMENT:
            return self.say("too few others")
        if cell.state is State.FEWER_THAN_K:
            return self.fewer(k)
        return self.say("no number")

    def state_sentence(self, cell: Cell, k: int) -> str:
        """Why a cell is as it is."""
        if cell.provisional:
            return self.say("Still updating: the period is open; rounded down to tens.")
        return self.translations.gettext((cell.state or State.SHOWN).sentence).format(k=k)

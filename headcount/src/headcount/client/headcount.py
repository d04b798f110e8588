"""The questions of the API, by name."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from headcount.client.asking import PATIENCE_SECONDS, TIMEOUT_SECONDS, Asking, wait_seconds
from headcount.client.shapes import (
    CatalogAnswer,
    CustomersAnswer,
    FreshnessAnswer,
    NoteAnswer,
    NumberAnswer,
    NumbersAnswer,
    PeriodKind,
    ReleaseAnswer,
    Statistic,
    SumsAnswer,
    ViewAnswer,
)

PREFIX = "/api/v1/"


class Answering(Protocol):
    """What answers: an API over HTTP, or whatever else gives its answers."""

    def get(self, path: str, query: Mapping[str, str]) -> tuple[Any, Mapping[str, str]]:
        """The answer to a question, and its header fields."""
        ...


class Questions:
    """The questions of the API, asked of whoever answers them.

    ``customer`` and ``app`` say whose numbers; the first that the token sees when they are not given. Days are
    written YYYY-MM-DD, both ends included.
    """

    def __init__(self, answering: Answering, customer: str = "", app: str = "") -> None:
        self._asking = answering
        self._subject = {name: value for name, value in (("customer", customer), ("app", app)) if value}

    def customers(self) -> CustomersAnswer:
        """What this token sees."""
        return cast("CustomersAnswer", self._asking.get(PREFIX + "customers", {})[0])

    def catalog(self) -> CatalogAnswer:
        """What may be counted, for which purposes, and how it may be cut."""
        return cast("CatalogAnswer", self._get("catalog"))

    def freshness(self) -> FreshnessAnswer:
        """How far the releases have come."""
        return cast("FreshnessAnswer", self._get("freshness"))

    def notes(self) -> list[NoteAnswer]:
        """What happened on which day, as the team noted it."""
        return cast("list[NoteAnswer]", self._get("notes"))

    def views(self) -> list[ViewAnswer]:
        """Saved views, with the address of each."""
        return cast("list[ViewAnswer]", self._get("views"))

    def provisional(self) -> NumbersAnswer:
        """Open periods so far, rounded down to tens."""
        return cast("NumbersAnswer", self._get("provisional"))

    def pages(
        self,
        *,
        statistic: Statistic | Sequence[Statistic] = (),
        period: PeriodKind | Sequence[PeriodKind] = (),
        measure: str = "",
        label: str = "",
        breakdown: str = "",
        first: str = "",
        last: str = "",
        limit: int | None = None,
    ) -> Iterator[NumbersAnswer]:
        """Released numbers, page by page, each with the rule; the next one is asked for when it is needed."""
        asked: dict[str, Any] = {
            "statistic": _joined(statistic),
            "period": _joined(period),
            "measure": measure,
            "label": label,
            "breakdown": breakdown,
            "from": first,
            "to": last,
            "limit": limit,
        }
        after: str | None = ""
        while after is not None:
            page = cast("NumbersAnswer", self._get("numbers", **asked, after=after))
            yield page
            after = page["next"]

    def numbers(
        self,
        *,
        statistic: Statistic | Sequence[Statistic] = (),
        period: PeriodKind | Sequence[PeriodKind] = (),
        measure: str = "",
        label: str = "",
        breakdown: str = "",
        first: str = "",
        last: str = "",
        limit: int | None = None,
    ) -> Iterator[NumberAnswer]:
        """Released numbers, one by one, as ``pages`` brings them."""
        for page in self.pages(
            statistic=statistic,
            period=period,
            measure=measure,
            label=label,
            breakdown=breakdown,
            first=first,
            last=last,
            limit=limit,
        ):
            yield from page["numbers"]

    def sums(
        self, measure: str, *, label: str = "", breakdown: str = "", first: str = "", last: str = "", compare: str = ""
    ) -> SumsAnswer:
        """How often over any range of whole sealed days; ``compare``: before, weekdays or year.

        ``label="all"`` gives each label, ``breakdown="all"`` each cut.
        """
        asked = {"measure": measure, "label": label, "breakdown": breakdown, "from": first, "to": last}
        return cast("SumsAnswer", self._get("sums", **asked, compare=compare))

    def releases(self, *, first: str = "", last: str = "", limit: int | None = None) -> Iterator[ReleaseAnswer]:
        """Sealed releases in the order of their chain, each with its hash and the one before it."""
        after = ""
        while True:
            asked = {"from": first, "to": last, "limit": limit, "after": after}
            found, fields = self._asking.get(PREFIX + "releases", self._query(asked))
            yield from found
            if 'rel="next"' not in fields.get("link", ""):
                return
            after = found[-1]["release"]

    def _get(self, name: str, **asked: Any) -> Any:
        return self._asking.get(PREFIX + name, self._query(asked))[0]

    def _query(self, asked: dict[str, Any]) -> dict[str, str]:
        return {**self._subject, **{name: str(value) for name, value in asked.items() if value not in ("", None)}}


class Headcount(Questions):
    """One API, asked over HTTP with one reader's token.

    Raises ``ValueError`` for an address over which a token must not go. ``timeout``, ``patience``: seconds to wait
    for an answer, and for leave to ask when the API says to ask more slowly.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        customer: str = "",
        app: str = "",
        timeout: float = TIMEOUT_SECONDS,
        patience: float = PATIENCE_SECONDS,
        context: ssl.SSLContext | None = None,
        wait: Callable[[float], None] = wait_seconds,
    ) -> None:
        asking = Asking(url, token, timeout=timeout, patience=patience, context=context, wait=wait)
        super().__init__(asking, customer, app)


def _joined(names: str | Sequence[str]) -> str:
    return names if isinstance(names, str) else ",".join(names)

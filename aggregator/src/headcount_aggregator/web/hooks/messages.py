"""What a webhook is told of one Customer's app: the dashboard's own sentences, as JSON with a plain text in it.

Every message is built from what the webhook's reader sees on the dashboard, and from nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from headcount_wire import days
from headcount_wire.catalog import Measure
from headcount_wire.facts import Kind

from headcount_aggregator.periods import Period, PeriodKind, period_of
from headcount_aggregator.released import Freshness, ReleasedReader, Statistic
from headcount_aggregator.web.access import Subject
from headcount_aggregator.web.dashboard.figure import Link, Remark
from headcount_aggregator.web.dashboard.languages import wording_of
from headcount_aggregator.web.dashboard.sentences import counted
from headcount_aggregator.web.dashboard.span import Span, read_span
from headcount_aggregator.web.dashboard.view import Said, View
from headcount_aggregator.web.dashboard.weekly import weekly
from headcount_aggregator.web.dashboard.words import title_of
from headcount_aggregator.web.hooks.changes import SPAN_DAYS, Moved, moved

FORTNIGHT = 14
"""A change is told once in so many days."""


@dataclass(frozen=True, slots=True)
class Made:
    """A message: ``about`` names what it is about, so that it is made once."""

    about: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells of one Customer's app in one language; ``address`` begins its links."""

    subject: Subject
    released: ReleasedReader
    freshness: Freshness
    language: str
    address: str

    async def weekly(self) -> Made | None:
        """The summary of the newest whole week whose numbers are sealed."""
        week = await self._newest_week()
        if week is None:
            return None
        span = {"from": days.text(week.first), "to": days.text(week.last)}
        view = self._view(read_span(span, self.freshness, "week"), "weekly", span)
        page = await weekly(view)
        if not page.said:
            return None
        told: Sequence[tuple[str, str, Remark]] = page.extra["moved"] if page.extra else ()  # type: ignore[assignment]
        changed = [{"what": title, "number": number, "remark": remark.sentence} for title, number, remark in told]
        lines = [page.headline, *(_line(view, said) for said in page.said)]
        lines += [f"{title}: {number}. {remark.sentence}" for title, number, remark in told]
        body = {
            "kind": "weekly",
            "first": days.text(week.first),
            "last": days.text(week.last),
            "title": page.headline,
            "sentences": [self._sentence(said) for said in page.said],
            "changes": changed,
            "link": self._absolute(Link(view.link(), "")),
        }
        return self._made(f"weekly-{week.first}", body, lines, view)

    async def changes(self) -> list[Made]:
        """Every number that changed beyond noise in the newest seven days."""
        found: list[Made] = []
        if (last := self.freshness.sealed_through) is None:
            return found
        span = Span(last - SPAN_DAYS + 1, last, PeriodKind.DAY)
        view = self._view(span, "overview", {})
        for measure, statistic in _watched(self.subject):
            numbers = await view.numbers([statistic], [PeriodKind.DAY], measure)
            step = max((number.rounding for number in numbers), default=1)
            change = moved({number.last: number.value for number in numbers}, last, step)
            if change:
                found.append(self._change(view, measure, statistic, change))
        return found

    def _change(self, view: View, measure: Measure, statistic: Statistic, change: Moved) -> Made:
        say, wording = view.wording.say, view.wording
        last = view.span.last
        week = replace(view, span=replace(view.span, first=last - 6))
        what = title_of(measure) if statistic is Statistic.COUNT else say("Active people")
        share = wording.percent(abs(change.share))
        earlier = wording.days(last - 13, last - 7)
        if change.up:
            said = say("{share} more than {earlier}.", share=share, earlier=earlier)
        else:
            said = say("{share} less than {earlier}.", share=share, earlier=earlier)
        days_of = wording.days(last - 6, last)
        page = "explore" if statistic is Statistic.COUNT else "overview"
        link = week.link(page, measure=measure.name if page == "explore" else "", range="28", compare="weekdays")
        body = {
            "kind": "change",
            "first": days.text(last - 6),
            "last": days.text(last),
            "title": f"{what}: {said}",
            "measure": measure.name,
            "statistic": statistic.value,
            "now": change.now,
            "before": change.before,
            "share": round(change.share, 4),
            "link": self._absolute(Link(link, "")),
        }
        about = f"change-{measure.code}-{statistic.value}-{'up' if change.up else 'down'}-{last // FORTNIGHT}"
        return self._made(about, body, [f"{what}, {days_of}: {said} {say('Real change')}."], week)

    def _made(self, about: str, body: dict[str, Any], lines: list[str], view: View) -> Made:
        subject, sealed = self.subject, self.freshness.sealed_through
        lines.append(f"{view.wording.say('Rule')}: {view.rule} {view.about}")
        whole = {
            **body,
            "customer": subject.customer.name,
            "app": subject.app.name,
            "rule": view.rule,
            "k": view.k,
            "sealed_through": None if sealed is None else days.text(sealed),
            "text": "\n".join([*lines, *([body["link"]] if body["link"] else [])]),
        }
        return Made(f"{subject.customer.code}-{subject.app.code}-{about}", msgspec.json.encode(whole))

    async def _newest_week(self) -> Period | None:
        """The newest week that is sealed as a week, not only its days."""
        if (sealed := self.freshness.sealed_through) is None:
            return None
        week = period_of(PeriodKind.WEEK, sealed)
        if week.last > sealed:
            week = period_of(PeriodKind.WEEK, week.first - 1)
        headers = await self.released.releases(*self.subject.codes, week.last, week.last)
        return week if any(header.period is PeriodKind.WEEK for header in headers) else None

    def _view(self, span: Span, page: str, query: dict[str, str]) -> View:
        state = query | ({"lang": self.language} if self.language != "en" else {})
        return View(self.subject, self.released, self.freshness, span, wording_of(self.language), page, state)

    def _sentence(self, said: Said) -> dict[str, str]:
        remark = said.remark
        return {
            "lead": said.lead,
            "number": said.number,
            "sentence": said.sentence,
            "beside": said.beside,
            "verdict": remark.verdict if remark else "",
            "remark": f"{remark.badge}: {remark.sentence}" if remark else "",
            "link": self._absolute(said.link),
        }

    def _absolute(self, link: Link | None) -> str:
        return f"{self.address}{link.href}" if link and self.address else ""


def _line(view: View, said: Said) -> str:
    """A sentence as a line of plain text: as the page says it."""
    begins = f"{said.lead} {said.number}" if said.lead else view.wording.upper_first(said.number)
    beside = f" ({said.beside})" if said.beside else ""
    remark = f" {said.remark.badge}: {said.remark.sentence}" if said.remark else ""
    return f"{begins} {said.sentence}{beside}{remark}"


def _watched(subject: Subject) -> Iterator[tuple[Measure, Statistic]]:
    """What is looked at for changes: the active people, and how often each measure happened."""
    for measure in subject.app.catalog.measures.values():
        if measure.kind is Kind.ACTIVE:
            yield measure, Statistic.PEOPLE
        elif counted(measure):
            yield measure, Statistic.COUNT

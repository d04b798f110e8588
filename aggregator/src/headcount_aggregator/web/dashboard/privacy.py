"""Privacy: what is collected, for what, from how many at least; and every release with its hash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from headcount_aggregator.released import ReleaseHeader
from headcount_aggregator.web.dashboard.figure import Link
from headcount_aggregator.web.dashboard.view import Page, Stat, View

RELEASES_MOST = 40


async def privacy(view: View) -> Page:
    """Build the page."""
    wording, say = view.wording, view.wording.say
    customer, catalog = view.subject.customer, view.subject.app.catalog
    # The chain is only whole from its first link on; the numbers are of the span.
    chain = await view.released.releases(*view.subject.codes, 0, view.freshness.today)
    headers = [header for header in chain if view.span.first <= header.last]
    numbers, hidden = sum(h.numbers for h in headers), sum(h.hidden for h in headers)
    late = late_days(headers)
    stats = [
        _protection(view, chain),
        Stat(
            wording.number(customer.retention_months),
            say("months: how long numbers are to be kept"),
            say("what is older is deleted, by whole months"),
        ),
    ]
    if numbers:
        stats.append(Stat(wording.percent(hidden / numbers), say("of the released numbers are hidden by that rule")))
        said = say("people's days came too late to count")
        stats.append(Stat(wording.number(late), said, how_late(view, late)))
    context = [
        (
            wording.dimension_name(dimension),
            purpose,
            customer.policy.allows(purpose) and dimension.field in customer.policy.context,
        )
        for dimension, purpose in catalog.context.items()
    ]
    newest = sorted(headers, key=lambda header: (header.sealed_on, header.last))[-RELEASES_MOST:][::-1]
    return Page(
        say("What {app} counts, and what it never shows", app=view.subject.app.title),
        sentence=say("Devices count; only sums arrive. No identifier of a device or a person exists here."),
        stats=tuple(stats),
        grains=(),
        extra={
            "purposes": [
                (purpose, wording.sentence_of(purpose.sentence), customer.policy.allows(purpose.name))
                for purpose in catalog.purposes.values()
            ],
            "measures": [(m, customer.policy.allows(m.purpose)) for m in catalog.measures.values()],
            "context": context,
            "releases": newest,
            "more": len(headers) - len(newest),
            "unbroken": unbroken(chain),
            "links": len(chain),
            "promise": next((header.promise for header in reversed(chain) if header.promise), ""),
            "api": Link("/api/v1/releases", say("All releases as JSON")),
            "policy": customer.policy,
            "catalog": catalog,
        },
    )


def _protection(view: View, chain: Sequence[ReleaseHeader]) -> Stat:
    """What stands between a number and a person: so many people, or noise under a preset."""
    say = view.wording.say
    if not view.noisy:
        return Stat(view.wording.number(view.k), say("people at least, in every number"))
    preset = next((header.noise for header in reversed(chain) if header.noise), view.subject.customer.noise)
    names = {"strict": say("strict"), "standard": say("standard"), "light": say("light")}
    return Stat(names.get(preset, preset), say("is the noise that is added to every number"))


def how_late(view: View, late: int) -> str:
    """How coarsely it is said how many days of people came too late."""
    if view.noisy:
        return ""
    say = view.wording.say
    return (
        say("rounded up to tens in each period") if late else say("fewer than {k} in each period, or nobody", k=view.k)
    )


def late_days(headers: Sequence[ReleaseHeader]) -> int:
    """Days of people that came too late for these releases.

    A week, its month and its year each count the same late days again, and the longer one froze later: what one
    kind of period says is taken, the kind that says most.
    """
    by_kind: Counter[str] = Counter()
    for header in headers:
        by_kind[header.period] += header.late_dropped
    return max(by_kind.values(), default=0)


def unbroken(headers: Sequence[ReleaseHeader]) -> bool:
    """Whether each release names the hash of the one before it, in the order they were sealed."""
    return all(later.previous == earlier.hash for earlier, later in pairwise(headers))

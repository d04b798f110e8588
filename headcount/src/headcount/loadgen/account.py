"""The account of a load: what became of every report, as its devices know it, as the edge and as the centre count it.

Each side of an equation is counted on its own: what was sent when it left, what became of it when that was known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

FOR_EVERY_REPORT = ("key-unknown", "key-revoked", "region")
"""Refusals of the key itself: no later report can fare better."""
NOBODY = "no connection (ConnectionRefusedError)"
"""Nobody listens."""
HOPELESS_AFTER = 100
"""So many of them, and nothing accepted: it is the wrong key or the wrong target."""


@dataclass(slots=True)
class Account:
    """What the devices know.

    Of reports: ``made`` (came due), ``counted`` (accepted at least once), ``refused_for_good``, ``waiting`` (neither
    when the load ended); ``doubtful``: of those not known to be accepted, an attempt was written and never answered.
    Of attempts: ``sent``, ``accepted`` (``again``: of a report that had been accepted before), ``refused`` by problem,
    ``failed`` by why; ``unanswered``: failed after they were written, so that the edge may have them.
    ``dropped``: tallies that accepted answers said were not counted. ``silent``: refusals that had to say when to come
    back, and did not. Of what nobody should send, by kind: ``hostile``, ``as_meant``, ``otherwise``,
    ``hostile_silence``.
    """

    made: int = 0
    counted: int = 0
    refused_for_good: int = 0
    waiting: int = 0
    doubtful: int = 0
    sent: int = 0
    accepted: int = 0
    again: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    dropped: int = 0
    silent: int = 0
    hostile: Counter[str] = field(default_factory=Counter)
    as_meant: Counter[str] = field(default_factory=Counter)
    otherwise: Counter[str] = field(default_factory=Counter)
    hostile_silence: Counter[str] = field(default_factory=Counter)
    hostile_accepted: int = 0
    hostile_unanswered: int = 0

    @property
    def hopeless(self) -> bool:
        """Whether to go on would be of no use: the keys are not taken, or nobody has listened."""
        if self.accepted:
            return False
        keys = sum(self.refused[why] for why in FOR_EVERY_REPORT)
        alone = not self.refused and self.failed[NOBODY] == self.failed.total()
        return keys >= HOPELESS_AFTER or (alone and self.failed[NOBODY] >= HOPELESS_AFTER)


@dataclass(frozen=True, slots=True)
class AtEdge:
    """What the edge's workers counted meanwhile: reports by outcome. ``restarted``: a worker's count began anew.

    ``builds``: the versions they say they are, and whether compiled; more than one while an update is under way.
    """

    outcomes: dict[str, int]
    restarted: bool = False
    builds: tuple[str, ...] = ()

    @property
    def accepted(self) -> int:
        """Reports that the edge answered 202."""
        return self.outcomes.get("accepted", 0)


@dataclass(frozen=True, slots=True)
class AtCentre:
    """What the loader made of it: ``records`` in units, ``repeats`` dropped, ``stored``: records in stored units.

    ``segments`` and ``units`` still wait; ``set_aside``: files that could not be read.
    """

    records: int
    repeats: int
    stored: int
    segments: int
    units: int
    set_aside: int


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the balance: what is claimed, the numbers, and whether they bear it out.

    ``surplus``: whether more arrived than was sent, which others may have sent.
    """

    claim: str
    numbers: str
    holds: bool
    surplus: bool = False


def balance(account: Account, edge: AtEdge | None, centre: AtCentre | None, *, others: bool) -> list[Check]:
    """Every equation that can be looked at. ``others``: others send too, so that more may have arrived."""
    return [
        *_at_devices(account),
        *(_at_edge(account, edge, others) if edge else ()),
        *(_at_centre(account, edge, centre, others) if centre else ()),
    ]


def _at_devices(account: Account) -> Iterator[Check]:
    refused, failed = account.refused.total(), account.failed.total()
    yield Check(
        "sent = accepted + refused + failed",
        f"{account.sent:,} = {account.accepted:,} + {refused:,} + {failed:,}",
        account.sent == account.accepted + refused + failed,
    )
    yield Check(
        "reports = accepted + refused for good + still waiting",
        f"{account.made:,} = {account.counted:,} + {account.refused_for_good:,} + {account.waiting:,}",
        account.made == account.counted + account.refused_for_good + account.waiting,
    )
    if account.hostile:
        told = (account.as_meant, account.otherwise, account.hostile_silence)
        parts = [part.total() for part in told]
        numbers = f"{account.hostile.total():,} = {parts[0]:,} + {parts[1]:,} + {parts[2]:,}"
        if account.hostile_accepted:  # a report that is sent once more is meant to be accepted
            numbers += f" ({account.hostile_accepted:,} accepted)"
        yield Check(
            "hostile = answered as meant + otherwise + not answered", numbers, account.hostile.total() == sum(parts)
        )


def _at_edge(account: Account, edge: AtEdge, others: bool) -> Iterator[Check]:
    if edge.restarted:
        yield Check("the edge counted all the while", "a worker began anew, and its count with it", holds=False)
        return
    least = account.accepted + account.hostile_accepted
    most = least + account.unanswered + account.hostile_unanswered
    yield Check(
        "the edge accepted what was answered 202, and at most what got no answer besides",
        f"{least:,} <= {edge.accepted:,}" + ("" if others else f" <= {most:,}"),
        least <= edge.accepted and (others or edge.accepted <= most),
        edge.accepted > most,
    )


def _at_centre(account: Account, edge: AtEdge | None, centre: AtCentre, others: bool) -> Iterator[Check]:
    numbers = f"{centre.segments:,} segments and {centre.units:,} units wait, {centre.set_aside:,} set aside"
    yield Check("nothing is left on the way", numbers, not (centre.segments or centre.units or centre.set_aside))
    if edge and not edge.restarted and not others:
        yield Check(
            "accepted at the edge = counted by the loader + repeats",
            f"{edge.accepted:,} = {centre.records:,} + {centre.repeats:,}",
            edge.accepted == centre.records + centre.repeats,
        )
    most = account.counted + account.doubtful
    yield Check(
        "each accepted report is counted, and once",
        f"{account.counted:,} <= {centre.records:,}" + ("" if others else f" <= {most:,}"),
        account.counted <= centre.records and (others or centre.records <= most),
        centre.records > most,
    )
    yield Check(
        "counted = stored in the warehouse",
        f"{centre.records:,} = {centre.stored:,}",
        centre.records == centre.stored,
    )

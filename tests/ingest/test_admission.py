"""Who and what is admitted, from the socket: keys, Customers, consent, catalogs, and each reason to drop a tally."""

from __future__ import annotations

import asyncio

import pytest
from headcount_ingest.answers import AcceptedAnswer, PolicyAnswer, RegionAnswer
from headcount_wire import limits
from headcount_wire.problems import Dropped, Problem
from headcount_wire.report import Report, ReportDay, Tally
from headcount_wire.segment import Stream

from tests.ingest import world
from tests.ingest.conftest import TODAY, Worker
from tests.ingest.exchange import PATIENCE_SECONDS, ask, request
from tests.ingest.world import sound

SHARED = Tally(world.SHARED, 0, 2, 0, 1)
DROPPED: dict[Dropped, tuple[str, Tally, dict[str, object]]] = {
    Dropped.UNKNOWN_MEASURE: (world.ACTIVE, Tally(limits.CODE_MAX, 0, 1, 0, 1), {}),
    Dropped.UNKNOWN_LABEL: (world.ACTIVE, Tally(world.JOINED, 4, 1, 0, 1), {}),
    Dropped.WRONG_FACT: (world.ACTIVE, Tally(world.SHARED, 0, 4, 1, 1), {}),
    Dropped.OUT_OF_BOUNDS: (world.ACTIVE, Tally(world.JOINED, 2, 1, 1, 1), {}),
    Dropped.OVER_CAP: (world.ACTIVE, Tally(world.JOINED, 2, 1, 0, 6), {}),
    Dropped.TWICE: (world.ACTIVE, SHARED, {}),
    Dropped.EXPIRED: (world.ACTIVE, Tally(world.EXPIRED, 0, 2, 0, 1), {}),
    Dropped.NOT_GRANTED: (world.ACTIVE, Tally(world.JOIN_TIME, 0, 8, 1, 1), {}),
    Dropped.POLICY: (
        world.ACTIVE,
        Tally(world.JOIN_TIME, 0, 8, 1, 1),
        {"purposes": {"usage": 4, "diagnostics": 4}},
    ),
    Dropped.CONSENT_OLD: (
        world.STRICT,
        Tally(world.JOIN_TIME, 0, 8, 1, 1),
        {"purposes": {"usage": 9, "diagnostics": 6}},
    ),
    Dropped.DAY_TOO_OLD: (world.ACTIVE, SHARED, {"other_day": TODAY - limits.TALLY_PAST_DAYS - 1}),
    Dropped.DAY_AHEAD: (world.ACTIVE, SHARED, {"other_day": TODAY + limits.TALLY_FUTURE_DAYS + 1}),
}
"""For each reason: whose key, the tally that is dropped beside one that is not, and what else the report says."""


def with_dropped(tally: Tally, **changes: object) -> Report:
    """A report of one tally that is admitted, and another one, on the same day or another."""
    other_day = changes.pop("other_day", TODAY)
    assert isinstance(other_day, int)
    lines = {TODAY: (SHARED,)}
    lines[other_day] = (*lines.get(other_day, ()), tally)
    return sound(**{"days": tuple(ReportDay(day, lines[day]) for day in sorted(lines)), **changes})


@pytest.mark.parametrize("reason", Dropped, ids=str)
async def test_each_reason_is_counted_and_told(served_world: Worker, reason: Dropped) -> None:
    """The tally is dropped and no other; its measure stands in the answer; it counts by Customer, measure, reason."""
    key, tally, changes = DROPPED[reason]
    answer = await ask(served_world.settings.port, request(with_dropped(tally, **changes), key=key))
    assert answer.shape == AcceptedAnswer(admitted=1, dropped=1, refused=[tally.measure], v=1)
    ((_, record),) = served_world.spooled()
    assert record.tallies == ((TODAY, *SHARED),)
    measure = "undeclared" if reason is Dropped.UNKNOWN_MEASURE else str(tally.measure)
    label = f'customer="{record.customer}",measure="{measure}",reason="{reason}"'
    found = await served_world.metrics()
    counted = {name: n for name, n in found.items() if name.startswith("headcount_edge_tallies_dropped_total")}
    assert counted == {f"headcount_edge_tallies_dropped_total{{{label}}}": 1.0}
    assert found["headcount_edge_tallies_admitted_total"] == 1.0


ADMITTED = {
    world.ACTIVE: (world.ACME, Stream.LIVE),
    world.SECOND: (world.ACME, Stream.LIVE),
    world.ROTATING: (world.ACME, Stream.LIVE),
    world.DEBUG: (world.ACME, Stream.DEBUG),
    world.UNDECLARED_DEBUG: (world.ACME, Stream.DEBUG),
}


@pytest.mark.parametrize("key", ADMITTED, ids=lambda key: key.rstrip("x"))
async def test_a_key_of_each_state_that_may_report_does(served_world: Worker, key: str) -> None:
    """Two active keys, a rotating one and developers' are admitted, each into its stream, for its Customer."""
    answer = await ask(served_world.settings.port, request(sound(), key=key))
    assert answer.status == 202
    ((_, record),) = served_world.spooled()
    assert ((record.customer, record.stream), record.partner, record.app) == (ADMITTED[key], world.NORTH, 3)


FOREIGN = {world.FAR: ("us", "https://us.example"), world.LOST: ("moon", "")}


@pytest.mark.parametrize("key", FOREIGN, ids=lambda key: key.rstrip("x"))
@pytest.mark.parametrize("asks", ["report", "policy"])
async def test_a_customer_of_another_region_is_told_where(served_world: Worker, key: str, asks: str) -> None:
    """Its region and address are told, of an undeclared region the name alone; nothing of a report is stored."""
    policy = request(method=b"GET", path=b"/v1/policy", key=key)
    answer = await ask(served_world.settings.port, request(sound(), key=key) if asks == "report" else policy)
    assert isinstance(answer.shape, RegionAnswer)
    assert (answer.shape.region, answer.shape.address) == FOREIGN[key]
    assert list(served_world.settings.spool.rglob("*.open")) == []
    assert served_world.spooled() == []


@pytest.mark.parametrize("version", [version for version in world.CATALOGS if version >= world.OLDEST_ADMITTED])
async def test_the_newest_catalog_and_the_two_before_it_are_admitted(served_world: Worker, version: int) -> None:
    """A report of catalog N, N-1 or N-2 is admitted, and its record says which."""
    assert (await ask(served_world.settings.port, request(sound(catalog=version)))).status == 202
    ((_, record),) = served_world.spooled()
    assert record.catalog == version


@pytest.mark.parametrize("version", [world.OLDEST_ADMITTED - 1, world.CATALOGS[0] + 1])
async def test_other_catalogs_are_not(served_world: Worker, version: int) -> None:
    """An older catalog, though it is declared, and one that is not known yet are refused, and each tally counted."""
    answer = await ask(served_world.settings.port, request(sound(catalog=version)))
    assert answer.problem is Problem.NOTHING_ADMISSIBLE
    assert await served_world.outcomes() == {"nothing-admissible": 1}
    line = 'headcount_edge_tallies_dropped_total{customer="11",measure="undeclared",reason="unknown_measure"}'
    assert (await served_world.metrics())[line] == 1.0


CONSENTS = [
    (world.ACTIVE, {"usage": 2}, 202, None),
    (world.ACTIVE, {"usage": 1}, 409, Problem.POLICY_OLD),
    (world.ACTIVE, {"usage": 5}, 409, Problem.POLICY_OLD),
    (world.ACTIVE, {}, 422, Problem.NOTHING_ADMISSIBLE),
    (world.ACTIVE, {"context": 4}, 422, Problem.NOTHING_ADMISSIBLE),
    (world.STRICT, {"usage": 9}, 202, None),
    (world.STRICT, {"usage": 8}, 409, Problem.POLICY_OLD),
    (world.OTHER_CUSTOMER, {"usage": 4}, 422, Problem.NOTHING_ADMISSIBLE),
    (world.HALTED, {"usage": 4}, 409, Problem.PAUSED),
]


@pytest.mark.parametrize(("key", "purposes", "status", "problem"), CONSENTS)
async def test_consent_is_held_to_each_customers_policy(
    served_world: Worker, key: str, purposes: dict[str, int], status: int, problem: Problem | None
) -> None:
    """The same report is admitted for one Customer and refused for another, as their policies and the consent say."""
    answer = await ask(served_world.settings.port, request(sound(purposes=purposes), key=key))
    assert (answer.status, answer.problem) == (status, problem)
    assert len(served_world.spooled()) == (status == 202)


FIELDS = {"os": "ios", "language": "de", "app_version": "3.1"}


@pytest.mark.parametrize(
    ("purposes", "kept"),
    [
        ({"usage": 4, "context": 2}, ("ios", "unknown", "unknown", "unknown", "3.1", "unknown")),
        ({"usage": 4, "context": 1}, ("unknown",) * 6),
        ({"usage": 4}, ("unknown",) * 6),
    ],
    ids=["granted", "under_an_old_version", "not_granted"],
)
async def test_a_context_field_needs_its_purpose_and_the_policy(
    served_world: Worker, purposes: dict[str, int], kept: tuple[str, ...]
) -> None:
    """A field is kept where its purpose is granted and the Customer's policy allows it; else it is unknown."""
    sent = sound(purposes=purposes, context=FIELDS, origin={**FIELDS, "os": "android"})
    assert (await ask(served_world.settings.port, request(sent))).status == 202
    ((_, record),) = served_world.spooled()
    assert record.context == kept
    assert record.origin == ("android" if kept[0] == "ios" else "unknown", *kept[1:])


async def test_the_policy_of_each_customer_is_its_own(served_world: Worker) -> None:
    """What a key is told is its Customer's policy, also that it is paused."""
    told = {}
    for key in (world.ACTIVE, world.STRICT, world.HALTED):
        answer = await ask(
            served_world.settings.port, request(method=b"GET", path=b"/v1/policy", key=key, framed=False)
        )
        assert isinstance(answer.shape, PolicyAnswer)
        told[key] = answer.shape
    assert told[world.ACTIVE].context == ["app_version", "os"]
    assert told[world.STRICT].consent_since == {"usage": 9, "diagnostics": 7}
    assert [told[key].paused for key in told] == [False, False, True]


async def test_a_key_that_is_revoked_reports_no_more(served_world: Worker) -> None:
    """Seconds after the file says so, what was admitted is refused, and what was refused admitted."""
    port, file = served_world.settings.port, served_world.settings.organisation
    assert (await ask(port, request(sound(), key=world.ROTATING))).status == 202
    text = file.read_text()
    file.write_text(
        text.replace('"rotating"', '"later"').replace('"revoked"', '"active"').replace('"later"', '"revoked"')
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await ask(port, request(sound(), key=world.REVOKED))).problem is Problem.KEY_REVOKED:
            pass
    assert (await ask(port, request(sound(), key=world.ROTATING))).problem is Problem.KEY_REVOKED

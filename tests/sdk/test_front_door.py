"""The verbs of the client beside track and consent, and that no misuse of them reaches the app."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from headcount_sdk import Headcount, Outgoing, Severity, Surprise
from headcount_sdk.client import EARLY_CALLS_KEPT
from headcount_sdk.health import Health
from headcount_sdk.testing import ManualClock, MemoryTransport
from headcount_sdk.transport import Answer
from headcount_wire.buckets import bucket_of
from headcount_wire.facts import Fact
from headcount_wire.problems import Problem

from tests.sdk.conftest import DAY, FULL, FULL_TEXT, CountingFacts, MakeFull, sums
from tests.sdk.test_uploader import refusal

D = 20_000
SCREEN, PROBLEM, ROOMS, JOIN_TIME = 5, 9, 10, 4


def test_screens_and_the_ways_between_them(full: MakeFull, clock: ManualClock, network: MemoryTransport) -> None:
    """Each screen is counted with the one before it in the session; a new session begins from nowhere."""
    client = full("usage")
    client.screen("home")
    client.screen("lobby")
    client.screen("cellar")
    clock.advance(3600)
    client.screen("home")
    client.flush()
    moves = {key[2:]: n for key, n in sums(network).items() if key[1] == SCREEN and key[3] == Fact.MOVE}
    assert moves == {(2, 10, 0): 2, (3, 10, 2): 1, (1, 10, 3): 1}
    assert sums(network)[D, SCREEN, 2, Fact.COUNT, 0] == 2
    assert client.health.counts[Surprise.UNKNOWN_LABEL] == 1


def test_a_problem_counts_only_when_the_user_sends_it(full: MakeFull, network: MemoryTransport) -> None:
    """The preview says what would be counted; unsent it leaves nothing, sent twice it counts once."""
    client = full("diagnostics", "context")
    client.report_problem("video")
    preview = client.report_problem("audio", Severity.BLOCKING, screen="meeting")
    assert (preview.category, preview.screen, dict(preview.context)) == (
        "audio",
        "meeting",
        {"os": "ios", "app_version": "3.1"},
    )
    assert preview.send()
    assert not preview.send()
    client.flush()
    found = {key[2:]: n for key, n in sums(network).items() if key[1] == PROBLEM}
    assert found == {
        (2, Fact.COUNT, 0): 1,
        (2, Fact.SEVERITY, 3): 1,
        (2, Fact.SCREEN, 4): 1,
        (2, Fact.DEVICES, 0): 1,
        (0, Fact.DEVICES, 0): 1,
    }


def test_without_consent_a_problem_is_not_counted(full: MakeFull, facts: CountingFacts) -> None:
    """A preview without the purpose reads nothing of the device."""
    client = full("context")
    preview = client.report_problem("audio")
    preview.send()
    assert (dict(preview.context), facts.read) == ({}, [])
    assert client.export()["waiting"] == {}


def test_a_quantity_is_the_last_value_of_the_day(full: MakeFull, clock: ManualClock, network: MemoryTransport) -> None:
    """The open day's value waits; when the day is over its last one goes, of a zero only that there was a device."""
    client = full("usage")
    client.quantity("rooms", 7)
    client.quantity("rooms", 5)
    client.flush()
    clock.advance(DAY)
    client.quantity("rooms", 3)
    client.quantity("rooms", 0)
    client.flush()
    clock.advance(DAY)
    client.quantity("rooms", 2_000)
    clock.advance(DAY)
    client.flush()
    rooms = {(key[0], key[3]): n for key, n in sums(network).items() if key[1] == ROOMS}
    assert rooms == {
        (D, Fact.DEVICES): 1,
        (D, Fact.VALUE): 5,
        (D + 1, Fact.DEVICES): 1,
        (D + 2, Fact.DEVICES): 1,
        (D + 2, Fact.VALUE): 1_000,
    }


def test_context_can_be_given_instead_of_read(full: MakeFull, network: MemoryTransport, facts: CountingFacts) -> None:
    """What the app states is canonical or other, declared fields only, and only while their purpose is granted."""
    client = full("usage")
    client.set_context(os="windows", app_version="9.9", device_class="tablet")
    client.track("share.used")
    client.consent.grant("context")
    client.track("meeting.joined", entry="link")
    client.set_context(os="")
    client.track("meeting.joined", entry="link")
    client.flush()
    assert [dict(report.context) for report in network.reports] == [
        {},
        {"os": "windows", "app_version": "9.9"},
        {"os": "ios", "app_version": "9.9"},
    ]
    assert "app_version" not in facts.read
    assert client.health.counts[Surprise.UNKNOWN_FIELD] == 1


def test_before_send_can_only_remove(full: MakeFull, clock: ManualClock, network: MemoryTransport) -> None:
    """A hook sees each tally in words; what it refuses or raises on stays here, and its marker does not move."""
    client = full("usage")
    seen: list[Outgoing] = []

    @client.before_send
    def hook(item: Outgoing) -> bool:
        seen.append(item)
        if item.measure == "share.used":
            raise RuntimeError("the app's own fault")
        return item.measure != "active"

    client.track("meeting.joined", entry="room")
    client.track("share.used")
    client.flush()
    assert Outgoing(D, "meeting.joined", "room", "count", 0, 1) in seen
    assert {key[1] for key in sums(network)} == {2}
    assert client.export()["last_sent_day"] == {"meeting.joined": "2024-10-04"}
    assert client.health.counts[Surprise.CALLBACK] == 1
    client.track("share.used")
    clock.advance(DAY)
    client.track("share.used")
    client.flush()
    assert {key[1] for key in sums(network)} == {2, 7}  # the session of the first day


def test_calls_before_start_are_kept_in_bounds_and_count_only_with_consent(
    full: MakeFull, network: MemoryTransport, tmp_path: Path
) -> None:
    """What is recorded before start counts at start, if it is granted; beyond the bound it is dropped and counted."""
    early = full(start=False)
    early.track("share.used")
    early.start(thread=False)
    assert not (tmp_path / "state").exists()
    early.consent.grant("usage")
    early.shutdown()
    client = full(start=False)
    for _ in range(EARLY_CALLS_KEPT + 3):
        client.screen("home")
    client.start(thread=False)
    client.start(thread=False)
    client.flush()
    assert sums(network)[D, SCREEN, 2, Fact.COUNT, 0] == 50  # the cap of the day
    assert client.health.counts[Surprise.EARLY_CALLS] == 3
    assert not [key for key in sums(network) if key[1] == 3]


def test_time_in_the_background_is_not_measured(full: MakeFull, clock: ManualClock, network: MemoryTransport) -> None:
    """A timer stands still while the app is away, however often; a cancelled one counts nothing."""
    client = full("diagnostics")
    timer = client.timer("join.time").start()
    cancelled = client.timer("join.time").start()
    clock.advance(2)
    client.on_background()
    clock.advance(100)
    client.on_foreground()
    clock.advance(3)
    client.on_background()
    clock.advance(50)
    timer.stop()
    timer.stop()
    cancelled.cancel()
    client.on_foreground()
    client.flush()
    assert {key[4]: n for key, n in sums(network).items() if key[1] == JOIN_TIME and key[3] == Fact.BUCKET} == {
        bucket_of(5000): 1
    }


@pytest.mark.parametrize(
    ("changes", "surprise"),
    [
        ({"catalog": "no such file.toml"}, Surprise.BAD_CATALOG),
        ({"catalog": "[catalog]\nname = 3\n"}, Surprise.BAD_CATALOG),
        ({"catalog": None}, Surprise.BAD_CATALOG),
        ({"host": "http://edge.example"}, Surprise.BAD_ADDRESS),
        ({"host": "edge.example"}, Surprise.BAD_ADDRESS),
        ({"host": None}, Surprise.BAD_ADDRESS),
        ({"hosts": ["ftp://x.example"]}, Surprise.BAD_ADDRESS),
        ({"app_key": ""}, Surprise.BAD_ARGUMENT),
        ({"app_key": None}, Surprise.BAD_ARGUMENT),
        ({"directory": None}, Surprise.BAD_ARGUMENT),
    ],
)
def test_what_an_app_hands_over_wrongly_turns_the_client_off(
    full: MakeFull, changes: dict[str, Any], surprise: Surprise, network: MemoryTransport, tmp_path: Path
) -> None:
    """A catalog or an address that cannot be used never raises: the client is off, and says why."""
    found = {"catalog": FULL, "app_key": "hc_live_" + "k" * 43, "directory": tmp_path / "state", **changes}
    client = Headcount(
        found.pop("app_key"),
        found.pop("host", "https://edge.example"),
        found.pop("catalog"),
        transport=network,
        **found,
    )
    client.start(thread=False)
    client.consent.grant("usage")
    client.track("share.used")
    client.flush()
    client.shutdown()
    assert client.health.counts[surprise] == 1
    assert network.requests == []


WEIRD: list[Any] = [
    None,
    3,
    b"x",
    "",
    "x" * 10_000,
    "\ud800",
    ["a"],
    {},
    float("nan"),
    float("inf"),
    -1,
    10**400,
    object(),
]


@pytest.mark.parametrize("value", WEIRD, ids=lambda value: type(value).__name__)
def test_no_argument_reaches_the_app_as_an_exception(full: MakeFull, value: Any) -> None:
    """Whatever is passed to any verb, the app goes on, and its other numbers are right."""
    client = full("usage", "diagnostics", "context")
    client.track(value)
    client.track("meeting.joined", entry=value)
    client.measure(value, 3)
    client.measure("join.time", value)
    client.quantity(value, 1)
    client.quantity("rooms", value)
    client.screen(value)
    client.report_problem(value, value, value).send()
    client.set_context(os=value)
    client.consent.grant(value)
    client.consent.switch(value, False)
    client.timer(value).start().stop()
    client.before_send(value)
    client.track("share.used")
    client.flush()
    client.export()
    assert client._guard.usable


def test_debug_mode_raises_what_is_misused(full: MakeFull) -> None:
    """A developer who asks for it gets an exception that says what was wrong, with its name."""
    client = full("usage", debug=True)
    with pytest.raises(ValueError, match=r"no measure of this name.*meeting\.jioned"):
        client.track("meeting.jioned")
    with pytest.raises(ValueError, match=r"another kind.*share\.used"):
        client.measure("share.used", 3)


def test_a_log_line_names_what_was_misused_once_each(full: MakeFull, caplog: pytest.LogCaptureFixture) -> None:
    """Every wrong name is logged once, with its name; a flood of names is not."""
    client = full("usage")
    for name in ("a.b", "a.b", "c.d", *(f"n{n}.x" for n in range(500))):
        client.track(name)
    assert sum("a.b" in record.getMessage() for record in caplog.records) == 1
    assert sum("c.d" in record.getMessage() for record in caplog.records) == 1
    assert len(caplog.records) <= Health.NAMES_LOGGED
    assert client.health.counts[Surprise.UNKNOWN_MEASURE] == 503


def test_a_customer_in_another_region_is_followed_to_listed_hosts_only(
    full: MakeFull, network: MemoryTransport, tmp_path: Path
) -> None:
    """The edge names the region's address: a host the app lists is used from now on, another one never."""

    def moved(address: str) -> Any:
        def answer(request: Any) -> Answer | None:
            if request.method == "POST" and request.url.startswith("https://edge.example/"):
                return refusal(Problem.REGION, address=address)
            return None if request.method == "GET" else accepted_answer()

        return answer

    network.answer = moved("https://evil.example")
    client = full("usage", hosts=["https://us.example"])
    client.track("share.used")
    client.flush()
    assert all(request.url.startswith("https://edge.example/") for request in network.requests)
    network.answer = moved("https://us.example/")
    client.flush()
    assert network.requests[-1].url.startswith("https://us.example/")
    assert client.export()["report_under_way"] is None
    client.shutdown()
    network.requests.clear()
    again = full(hosts=["https://us.example"])
    again.track("meeting.joined", entry="link")
    again.flush()
    assert {request.url.split("/")[2] for request in network.requests} == {"us.example"}


def accepted_answer() -> Answer:
    from headcount_sdk.testing import accepted

    return accepted()


def test_uploads_wait_for_a_good_moment(full: MakeFull, clock: ManualClock, network: MemoryTransport) -> None:
    """The app can hold uploads back for a better network or a charger; flush is the app's own will."""
    good = False
    client = full("usage", may_upload=lambda: good)
    client.track("share.used")
    clock.advance(2 * DAY)
    client.pump()
    clock.advance(5 * 3600)
    client.pump()
    assert network.requests == []
    good = True
    client.pump()
    assert network.reports


def test_an_hourly_catalog_sends_the_open_day_at_most_once_an_hour(
    full: MakeFull, clock: ManualClock, network: MemoryTransport
) -> None:
    """When the app goes to the background the open day goes out, at most once an hour."""
    client = full("usage", catalog=FULL_TEXT.replace("version = 1", 'version = 1\ncadence = "hourly"', 1))
    sent = []
    for _ in range(4):
        client.track("meeting.joined", entry="link")
        client.on_background()
        client.pump()
        clock.advance(20 * 60)
        client.on_foreground()
        sent.append(len(network.reports))
    assert sent == [1, 1, 1, 2]


def test_the_same_client_on_an_event_loop(full: MakeFull, network: MemoryTransport) -> None:
    """Everything that may block has its awaitable; the client underneath is the same."""
    client = full(start=False)

    async def app() -> None:
        await client.on_loop.start()
        assert await client.on_loop.grant("usage")
        client.track("share.used")
        assert [outcome.fate.name for outcome in await client.on_loop.flush()] == ["ACCEPTED"]
        await client.on_loop.withdraw("usage")
        await client.on_loop.erase()
        await client.on_loop.shutdown()

    asyncio.run(app())
    assert len(network.reports) == 1


def test_state_is_private_to_the_app(full: MakeFull, network: MemoryTransport, tmp_path: Path) -> None:
    """Every file is the user's alone."""
    client = full("usage")
    client.track("share.used")
    client.flush()
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()}
    assert set(modes) == {"state", "journal", "lock", "sent"}
    assert set(modes.values()) == {0o600}


def test_reports_can_be_messagepack(full: MakeFull, network: MemoryTransport, clock: ManualClock) -> None:
    """With the extra a report goes as MessagePack and says the same; a retry after a restart is unchanged."""
    client = full("usage", "context", msgpack=True)
    client.track("meeting.joined", entry="link")
    network.answer = lambda _: None
    client.flush()
    client.shutdown()
    network.answer = None
    client = full()
    client.flush()
    first, second, *_ = (request for request in network.requests if request.method == "POST")
    assert first.headers["Content-Type"] == "application/msgpack"
    assert (first.url, first.body, dict(first.headers)) == (second.url, second.body, dict(second.headers))
    assert sums(network)[D, 2, 2, Fact.COUNT, 0] == 2  # the same report twice
    assert client.export()["sent"][0]["report"]["context"] == {"app_version": "3.1", "os": "ios"}

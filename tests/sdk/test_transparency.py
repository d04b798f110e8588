"""The screen "what we collect, and what was sent": it says what the SDK does, and asks nobody."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

from headcount_sdk.facts import DeviceFacts
from headcount_sdk.testing import ManualClock, MemoryTransport, accepted
from headcount_sdk.transparency import _WORDS, Collected, Why, what_is_collected
from headcount_sdk.transport import Answer, Request
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.policy import Policy, encode_policy

from tests.sdk.conftest import CATALOG_TEXT, DAY, CountingFacts, MakeClient


def reasons(shown: Collected) -> dict[str, str]:
    """Why each purpose, measure and field is not counted or sent; empty where it is."""
    lines: list[Any] = [*shown["purposes"], *shown["measures"], *shown["context"]]
    return {line["name"]: line["why_not"] for line in lines}


def test_before_a_yes_everything_is_shown_and_nothing_is_read(
    make: MakeClient, facts: CountingFacts, network: MemoryTransport, tmp_path: Path
) -> None:
    """The screen can come first: all that could be collected is listed, nothing is read, stored or sent for it."""
    shown = what_is_collected(make(start=False), "de-CH")
    assert set(reasons(shown).values()) == {Why.NOT_GRANTED}
    usage = shown["purposes"][0]
    assert (usage["name"], usage["sentence"], usage["status"]) == ("usage", "Funktionen zählen.", "not_decided")
    joined = next(measure for measure in shown["measures"] if measure["name"] == "meeting.joined")
    assert (joined["description"], joined["values"], joined["at_most_a_day"]) == (
        "Joined.",
        ["link", "room", "other"],
        5,
    )
    assert joined["why_not_said"] == "Dem haben Sie nicht zugestimmt."
    assert [field["value"] for field in shown["context"]] == ["", ""]
    assert shown["sent"] == []
    assert facts.read == []
    assert network.requests == []
    assert not (tmp_path / "state").exists()


def test_what_would_be_sent_now(make: MakeClient) -> None:
    """A field shows the value that a report would carry; one that the device does not tell says so."""
    client = make(facts=CountingFacts())
    client.consent.grant("usage", "context")
    assert {field["name"]: field["value"] for field in what_is_collected(client)["context"]} == {
        "os": "ios",
        "app_version": "3.1",
    }
    client.consent.switch("os", False)
    client.set_context(app_version="not a version")
    shown = what_is_collected(client)
    assert {field["name"]: (field["value"], field["why_not"]) for field in shown["context"]} == {
        "os": ("", Why.SWITCHED_OFF),
        "app_version": ("other", Why.NONE),
    }


def test_each_reason_is_told(make: MakeClient, clock: ManualClock) -> None:
    """Denied, refused from outside, counted only from tomorrow, expired and not known each have their reason."""
    text = CATALOG_TEXT.replace('description = "Shared."', 'description = "Shared."\nexpires = 2020-01-01')

    class Silent(DeviceFacts):
        def os(self) -> str | None:
            return None

    client = make(catalog=parse_catalog(text), facts=Silent("3.1"))
    client.consent.grant("usage", "context")
    client.consent.withdraw("diagnostics")
    found = reasons(what_is_collected(client))
    assert (found["usage"], found["meeting.joined"], found["share.used"]) == ("", "", Why.EXPIRED)
    assert (found["diagnostics"], found["join.time"]) == (Why.NOT_GRANTED, Why.NOT_GRANTED)
    assert (found["os"], found["app_version"]) == (Why.NOT_KNOWN, "")
    client.consent.withdraw("usage")
    client.consent.grant("usage")
    assert reasons(what_is_collected(client))["meeting.joined"] == Why.FROM_TOMORROW
    clock.advance(DAY)
    assert reasons(what_is_collected(client))["meeting.joined"] == ""
    client.consent.restrict(True)
    assert reasons(what_is_collected(client))["usage"] == Why.REFUSED


def test_what_the_organisation_does_not_allow(make: MakeClient, network: MemoryTransport) -> None:
    """A purpose and a field that the Customer's policy leaves out are said not to be allowed."""
    policy = encode_policy(Policy(4, {"usage": 1, "context": 1}, frozenset({"os"})))

    def edge(request: Request) -> Answer:
        return Answer(200, {}, policy) if request.method == "GET" else accepted()

    network.answer = edge
    client = make()
    client.consent.grant("usage", "diagnostics", "context")
    client.track("share.used")
    client.flush()
    found = reasons(what_is_collected(client))
    assert (found["diagnostics"], found["join.time"], found["app_version"]) == (Why.NOT_ALLOWED,) * 3
    assert (found["usage"], found["os"]) == ("", "")


def test_what_was_sent_is_shown_byte_for_byte(make: MakeClient, network: MemoryTransport) -> None:
    """Each report is there as it left: the same bytes, readable, with its time and what came of it."""
    client = make()
    client.consent.grant("usage")
    client.track("meeting.joined", entry="link")
    client.flush()
    (one,) = what_is_collected(client)["sent"]
    (body,) = [request.body for request in network.requests if request.method == "POST"]
    assert base64.b64decode(one["body_base64"]) == body
    assert one["readable"] == json.loads(gzip.decompress(body))
    assert (one["size"], one["outcome"], one["to"]) == (len(body), "accepted", "https://edge.example")
    assert one["at"] == "2024-10-04T12:00:00+00:00"
    client.consent.withdraw("usage")
    assert what_is_collected(client)["sent"] == []


def test_it_is_plain_data(make: MakeClient) -> None:
    """All of it can be written as JSON, whatever language is asked for; retention names the days that hold."""
    client = make()
    client.consent.grant("usage", "context")
    for language in ("en", "de", "de_AT", "xx", ""):
        shown = what_is_collected(client, language)
        assert json.loads(json.dumps(shown)) == shown
        assert "34" in shown["retention"]
        assert "20" in shown["retention"]
    assert what_is_collected(client, "de")["retention"] != what_is_collected(client, "xx")["retention"]


def test_a_client_that_is_off_collects_nothing(make: MakeClient, tmp_path: Path) -> None:
    """Where the client cannot work the lists are empty, and nothing is raised."""
    assert what_is_collected(make(host="ftp://edge.example"))["measures"] == []
    over = make()
    over.shutdown()
    assert what_is_collected(over)["sent"] == []


def test_every_reason_has_its_words() -> None:
    """Each reason is said in each language that the SDK has words in."""
    for words in _WORDS.values():
        assert set(words) == {*Why, "retention"}
        assert all(words[why] for why in Why if why is not Why.NONE)

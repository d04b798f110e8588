"""A device's state over versions of the SDK: what an older one left goes on, what a newer one left is set aside."""

from __future__ import annotations

import json
from pathlib import Path

from headcount_sdk import Status, Surprise
from headcount_sdk.state import VERSION
from headcount_sdk.testing import ManualClock, MemoryTransport
from headcount_wire.facts import Fact

from tests.sdk.conftest import DAY, MakeClient, sums

FROZEN = Path(__file__).with_name("states")
D = 20_000


def test_what_the_first_version_left_goes_on(
    make: MakeClient, tmp_path: Path, clock: ManualClock, network: MemoryTransport
) -> None:
    """A state and a journal as version 1 wrote them: decisions, markers, sums, caps and journal are all taken over."""
    left = json.loads((FROZEN / "version-1.json").read_text("utf-8"))
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    (folder / "state").write_text(left["state"], "utf-8")
    (folder / "journal").write_bytes(bytes.fromhex(left["journal_hex"]).ljust(left["journal_bytes"], b"\0"))
    clock.advance(DAY)
    client = make()
    assert set(client.consent.status().values()) == {Status.GRANTED}
    assert client.export()["last_sent_day"] == {"active": "2024-10-04"}
    for _ in range(3):
        client.track("meeting.joined", entry="link")  # four of at most five were counted by the older SDK
    clock.advance(DAY)
    client.flush()
    found = sums(network)
    assert found[D + 1, 2, 2, Fact.COUNT, 0] == 4
    assert found[D + 1, 2, 3, Fact.COUNT, 0] == 1
    assert found[D + 1, 2, 0, Fact.CLIPPED, 0] == 1
    assert {key[4]: n for key, n in found.items() if key[1:4] == (4, 0, Fact.BUCKET)} == {7: 1, 9: 1, 11: 1}
    assert found[D + 1, 3, 0, Fact.DEVICES, 0] == 1
    assert found[D + 1, 1, 0, Fact.GAP, 1] == 1
    assert found[D + 1, 1, 0, Fact.AGE, 1] == 1
    assert client.health.counts[Surprise.STATE_CORRUPT] == 0


def test_what_a_newer_version_left_is_set_aside(make: MakeClient, tmp_path: Path) -> None:
    """After a downgrade nothing is guessed: the newer state is kept beside, nothing is granted, and it is counted."""
    client = make()
    client.consent.grant("usage")
    client.shutdown()
    path = tmp_path / "state/state"
    head, _, body = path.read_bytes().partition(b"\n")
    path.write_bytes(head.replace(f" {VERSION} ".encode(), f" {VERSION + 1} ".encode()) + b"\n" + body)
    newer = path.read_bytes()
    client = make()
    assert client.health.counts[Surprise.STATE_NEWER] == 1
    assert client.consent.status()["usage"] is Status.NOT_DECIDED
    assert path.with_name("state.bad").read_bytes() == newer

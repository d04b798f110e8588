"""A device and a fleet: each report goes to the node that counts it, the same bytes, and waits for no other."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from headcount_sdk.health import Surprise
from headcount_sdk.opening import below, fleet
from headcount_sdk.testing import ManualClock, MemoryTransport, accepted
from headcount_sdk.transport import Answer, NoAnswer, Request
from headcount_wire.problems import Problem

from tests.sdk.conftest import DAY, MakeFull
from tests.sdk.test_uploader import refusal

A, B = "https://edge.example", "https://b.edge.example"


def nodes(owner: Callable[[str], str], down: set[str]) -> Callable[[Request], Answer | None]:
    """A fleet whose nodes own ids, but for those that are down."""

    def answer(request: Request) -> Answer | None:
        parts = urlsplit(request.url)
        asked = f"https://{parts.netloc}"
        if asked in down:
            raise NoAnswer
        if request.method == "GET":
            return None
        belongs = owner(parts.path.rpartition("/")[2])
        return accepted() if belongs == asked else refusal(Problem.NOT_OWNER, address=belongs)

    return answer


def posts(network: MemoryTransport) -> list[tuple[str, str, bytes]]:
    """Where each report went, its id and its bytes."""
    split = [(urlsplit(one.url), one) for one in network.requests if one.method == "POST"]
    return [(f"https://{url.netloc}", url.path.rpartition("/")[2], one.body) for url, one in split]


def test_each_report_of_a_pump_finds_its_owner(full: MakeFull, network: MemoryTransport) -> None:
    """Several reports, all another node's: each goes there by itself, as it is, and the next begins at home."""
    network.answer = nodes(lambda _: B, set())
    client = full("usage", nodes=["https://*.edge.example"])
    for _ in range(3):
        client.track("meeting.joined", entry="link")
        client.flush()
    found = posts(network)
    assert [where for where, *_ in found] == [A, B] * 3
    assert all(found[at][1:] == found[at + 1][1:] for at in (0, 2, 4))
    assert len({report_id for _, report_id, _ in found}) == 3


def test_a_node_that_is_down_holds_up_its_own_share_only(
    full: MakeFull, network: MemoryTransport, clock: ManualClock
) -> None:
    """Without an answer the next node is asked: what it counts it takes, what it does not waits for its owner."""
    down = {A}
    owner = {"is": B}
    network.answer = nodes(lambda _: owner["is"], down)
    client = full("usage", nodes=[B])
    client.track("meeting.joined", entry="link")
    client.flush()
    client.flush()
    assert client.export()["report_under_way"] is None, "the node that is up has its report"
    owner["is"] = A
    client.track("meeting.joined", entry="link")
    for _ in range(4):
        client.flush()
    (_, last, _) = posts(network)[-1]
    assert [where for where, report_id, _ in posts(network) if report_id == last] == [A, B, A, A, A]
    down.clear()
    clock.set_now(clock.now() + DAY)
    client.flush()
    assert client.export()["report_under_way"] is None
    assert len({body for _, report_id, body in posts(network) if report_id == last}) == 1


def test_nodes_that_disagree_and_unlisted_ones_leave_it_with_a_short_pause(
    full: MakeFull, network: MemoryTransport, clock: ManualClock
) -> None:
    """Sent back and forth, or to an address nobody listed, a report is kept and soon tried again."""
    network.answer = lambda request: (
        None if request.method == "GET" else refusal(Problem.NOT_OWNER, address=A if B in request.url else B)
    )
    client = full("usage", nodes=[B])
    client.track("meeting.joined", entry="link")
    client.flush()
    assert [where for where, *_ in posts(network)] == [A, B]
    network.answer = nodes(lambda _: "https://evil.example", set())
    client.flush()
    assert "https://evil.example" not in {where for where, *_ in posts(network)}
    network.answer = nodes(lambda _: A, set())
    clock.advance(5 * 3600.0)
    client.pump()
    assert client.export()["report_under_way"] is None


@pytest.mark.parametrize(
    ("address", "listed"),
    [
        ("https://b.edge.example", True),
        ("https://b-2.edge.example", True),
        ("http://b.edge.example", False),
        ("https://edge.example", False),
        ("https://a.b.edge.example", False),
        ("https://evil.example/.edge.example", False),
        ("https://evil.example#.edge.example", False),
        ("https://user@b.edge.example", False),
        ("https://b.edge.example:444", False),
        ("https://bedge.example", False),
    ],
)
def test_a_pattern_stands_for_names_right_below_its_domain(address: str, listed: bool) -> None:
    """One label, https, no port, path or user."""
    assert below(address, "https://*.edge.example") == listed


def test_a_faulty_node_is_a_faulty_address(full: MakeFull) -> None:
    """Nodes are held to the rules of hosts; a star stands at the front of an https:// name, and nowhere else."""
    for node in ("ftp://b.edge.example", "http://*.edge.example", "https://b.*.example", "https://*.*.example"):
        assert fleet(node) is None
    assert fleet(B, "https://*.edge.example/") == (B, "https://*.edge.example")
    assert full(nodes=["http://b.edge.example"]).health.counts[Surprise.BAD_ADDRESS] == 1

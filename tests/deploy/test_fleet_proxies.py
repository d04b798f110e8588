"""The sample configurations for a fleet: an id goes to the node that counts it, and a node's name to that node."""

from __future__ import annotations

import difflib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from headcount_sdk.uploader import Fate, judge
from headcount_wire import codec
from headcount_wire.problems import Problem

from tests.deploy.proxies import NAMES, ROOT, proxied
from tests.deploy.test_proxies import asking, ids, made, post, trusted
from tests.ingest.conftest import KEY, ORGANISATION, TODAY, Worker, report, running, settings_in
from tests.ingest.test_fleet import declared

__all__ = ["trusted"]
MAPS = (TODAY - 90, "aaab"), (TODAY, "ab")
"""What the sample files route by is the second: since today, a has the first half of the ids."""


async def node(folder: Path, name: str) -> Worker:
    settings = settings_in(made(folder))
    settings.organisation.write_text(declared(*MAPS) + ORGANISATION)
    return await running(replace(settings, node=name, trusted_proxies=("127.0.0.1/32",)))


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[list[Worker]]:
    found = [await node(tmp_path / name, name) for name in ("a", "b")]
    yield found
    for edge in found:
        await edge.close()
        await edge.session.close()


@pytest.mark.parametrize("name", NAMES)
async def test_an_id_meets_its_owner_and_waits_for_it(name: str, tmp_path: Path, nodes: list[Worker]) -> None:
    """Each id is accepted where it belongs at the first try; while that node is down it gets no answer, others do."""
    sent = [f"{first:02x}" + "5a" * 15 for first in (0x00, 0x42, 0x7F, 0x80, 0xA7, 0xFF)]
    with proxied(name, tmp_path, [edge.settings.port for edge in nodes], fleet=True) as proxy:
        async with asking() as session:
            for report_id in sent:
                assert judge(await post(session, proxy, report_id)).fate is Fate.ACCEPTED
            assert [sorted({*ids(edge)}) for edge in nodes] == [sent[:3], sent[3:]]
            await nodes[1].close()
            for report_id in sent:
                answer = await post(session, proxy, report_id)
                assert answer.status in ((202,) if report_id in sent[:3] else (502, 503))
            for _ in range(4):  # a policy is asked of whoever is there
                headers = {"Authorization": f"Bearer {KEY}"}
                async with session.get(f"{proxy.url}/v1/policy", headers=headers) as policy:
                    assert policy.status == 200


@pytest.mark.parametrize("name", NAMES)
async def test_a_node_s_name_goes_before_the_id(name: str, tmp_path: Path, nodes: list[Worker]) -> None:
    """A report of before the resize is told its owner, and reaches it through the same balancer by that one's name."""
    moved = "90" + "5a" * 15
    before = codec.encode_json(report(created=TODAY - 1))
    with proxied(name, tmp_path, [edge.settings.port for edge in nodes], fleet=True) as proxy:
        async with asking() as session:
            told = judge(await post(session, proxy, moved, before))
            assert (told.problem, told.elsewhere) == (Problem.NOT_OWNER, "https://a.edge.example")
            there = {"Host": "A.edge.example"}
            assert judge(await post(session, proxy, moved, before, headers=there)).fate is Fate.ACCEPTED
    assert [ids(edge) for edge in nodes] == [[moved], []]


@pytest.mark.parametrize("name", NAMES)
def test_only_the_routing_differs(name: str) -> None:
    """A fleet's sample file is the other one, but for the routing: what one of them learns the other has."""
    ending = "conf" if name == "nginx" else "cfg"
    one, fleet = ((ROOT / f"deploy/{name}/{file}.{ending}").read_text("utf-8") for file in ("headcount", "fleet"))
    begin, _, rest = fleet.partition("    # Routing.")
    _, _, end = rest.partition("# End of the routing.\n")
    added = [line for line in difflib.ndiff(one.splitlines(), (begin + end).splitlines()) if line.startswith("+ ")]
    added = [line for line in added if not line.startswith("+ #")]
    assert 1 <= len(added) <= 4, added
    assert all(any(word in line for word in ("proxy_", "txn.name", "check inter")) for line in added), added

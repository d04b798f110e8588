"""A node of a fleet: it takes its share, says whose the rest is, and never changes its mind about a day."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from headcount_ingest.fleet import FleetFault, FleetShare
from headcount_wire import days
from headcount_wire.fleet import PARTITIONS, Fleet, FleetMap, Node

from tests.ingest.conftest import KEY, ORGANISATION, TODAY, Worker, report, running, settings_in

MINE, OTHER, LATER = "10" + "0" * 30, "f0" + "0" * 30, "20" + "0" * 30


def fleet(*maps: tuple[int, str]) -> Fleet:
    """Maps of sixteen parts: ``(from, one letter for each part's owner)``."""
    return tuple(
        FleetMap(
            since,
            tuple(owners[at * len(owners) // PARTITIONS] for at in range(PARTITIONS)),
            {name: Node(name, f"https://{name}.edge.example") for name in sorted({*owners})},
        )
        for since, owners in maps
    )


def declared(*maps: tuple[int, str]) -> str:
    """The same as the organisation file says it; each owner's parts lie side by side."""
    text = ""
    for one in fleet(*maps):
        text += f"[[fleet]]\nfrom = {days.text(one.since)}\n[fleet.nodes]\n"
        for name, node in one.nodes.items():
            mine = [at for at, owner in enumerate(one.owners) if owner == name]
            text += f'{name} = {{ owns = "{mine[0]:02x}-{mine[-1]:02x}", address = "{node.address}" }}\n'
    return text


async def node(folder: Path, *maps: tuple[int, str], name: str = "a") -> Worker:
    settings = settings_in(folder)
    settings.organisation.write_text(declared(*maps) + ORGANISATION)
    return await running(replace(settings, node=name))


async def warnings(worker: Worker) -> list[str]:
    async with worker.session.get(f"{worker.admin}/readyz") as answer:
        return [one["reason"] for one in (await answer.json())["warnings"]]


async def test_what_another_node_counts_is_refused_and_not_kept(tmp_path: Path) -> None:
    """421 with the owner's address for another's share, 202 for this node's; only the latter is on the disk."""
    worker = await node(tmp_path, (TODAY - 90, "ab"))
    status, answered, _ = await worker.post(report(), report_id=OTHER)
    assert (status, answered["type"]) == (421, "urn:headcount:problem:not-owner")
    assert answered["address"] == "https://b.edge.example"
    assert (await worker.post(report(), report_id=MINE))[0] == 202
    await worker.close()
    assert [found.hex() for found, _ in worker.spooled()] == [MINE]
    await worker.session.close()


async def test_the_id_alone_is_enough_while_one_map_is_in_force(tmp_path: Path) -> None:
    """Another's report is refused before its body is there, unless its creation day decides."""
    head = f"POST /v1/reports/{OTHER} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n".encode()
    head += b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    worker = await node(tmp_path, (TODAY - 90, "ab"))
    reader, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
    writer.write(head)
    assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 421 Misdirected Request")
    writer.close()
    await worker.close()
    await worker.session.close()


async def test_a_new_map_holds_for_what_is_created_from_its_day_on(tmp_path: Path) -> None:
    """A report created before stays with the owner it had, however often it is tried after."""
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    maps = (TODAY - 90, "aabb"), (TODAY, "acbb")
    old, new = await node(tmp_path / "old", *maps), await node(tmp_path / "new", *maps, name="c")
    moved = "50" + "0" * 30
    before, after = report(created=TODAY - 1), report(created=TODAY)
    assert [(await worker.post(before, report_id=moved))[0] for worker in (old, new)] == [202, 421]
    assert [(await worker.post(after, report_id=moved))[0] for worker in (old, new)] == [421, 202]
    for worker in (old, new):
        await worker.close()
        await worker.session.close()


async def test_a_map_that_comes_too_late_is_refused_while_running(tmp_path: Path) -> None:
    """A change of days that were taken already is not in force, and said so; one that lies ahead is taken."""
    worker = await node(tmp_path, (TODAY - 90, "ab"))
    assert (await worker.post(report(), report_id=LATER))[0] == 202
    for since, refused in ((TODAY + 1, True), (TODAY + 2, False)):
        worker.settings.organisation.write_text(declared((TODAY - 90, "ab"), (since, "ba")) + ORGANISATION)
        async with asyncio.timeout(20):
            while ("fleet_refused" in await warnings(worker)) != refused:
                pass
        assert (await worker.post(report(created=TODAY + 1), report_id=LATER))[0] == 202
    await worker.close()
    await worker.session.close()


def test_days_that_were_taken_keep_their_map(tmp_path: Path) -> None:
    """From two days ahead on a map may change; a day sooner, the maps before stay in force wholly."""
    old, new = fleet((0, "ab")), fleet((0, "ab"), (TODAY + 2, "ba"))
    share = FleetShare(tmp_path, "a", old, TODAY)
    share.declare(fleet((0, "ab"), (TODAY + 1, "ba")), TODAY)
    assert "let it begin later" in share.refused
    share.declare(new, TODAY)
    assert not share.refused
    mine = bytes.fromhex(MINE)
    assert share.elsewhere(mine, TODAY + 1, TODAY) is None
    assert share.elsewhere(mine, TODAY + 2, TODAY + 1) == "https://b.edge.example"
    share.declare(fleet((0, "ab"), (TODAY + 9, "ba")), TODAY + 1)
    assert share.refused, "a report created two days ahead may have come by a clock that is a day ahead"
    share.declare(fleet((0, "ab"), (TODAY + 2, "ba")), TODAY + 20)
    assert not share.refused
    share.declare(fleet((0, "ba")), TODAY + 20)
    assert not share.refused, "no report of a day with the old map can come any more"


def test_a_node_remembers_through_a_restart(tmp_path: Path) -> None:
    """A node that was stopped knows which maps its days had; without being asked it takes no other name either."""
    FleetShare(tmp_path, "a", fleet((0, "ab")), TODAY)
    again = FleetShare(tmp_path, "a", fleet((0, "ba")), TODAY)
    assert again.refused
    assert again.elsewhere(bytes.fromhex(MINE), TODAY, TODAY) is None
    renamed = FleetShare(tmp_path, "b", fleet((0, "ab")), TODAY)
    assert renamed.refused
    assert renamed.elsewhere(bytes.fromhex(MINE), TODAY, TODAY) is None
    slept = FleetShare(tmp_path, "a", fleet((0, "ab"), (TODAY + 2, "ba")), TODAY + 5)
    assert not slept.refused, "it was down when the map began, and has taken nothing of those days"


def test_the_workers_of_a_node_agree(tmp_path: Path) -> None:
    """What one worker has let in binds the others, whichever of them sees the new map first."""
    quick, slow = (FleetShare(tmp_path, "a", fleet((0, "ab")), TODAY) for _ in range(2))
    new, mine = fleet((0, "ab"), (TODAY + 2, "ba")), bytes.fromhex(MINE)
    assert quick.elsewhere(mine, TODAY + 2, TODAY + 1) is None  # before it has seen the new map
    slow.declare(new, TODAY)
    assert slow.refused
    later = fleet((0, "ab"), (TODAY + 5, "ba"))
    slow.declare(later, TODAY + 1)
    assert not slow.refused
    assert quick.elsewhere(mine, TODAY + 5, TODAY + 5) == "https://b.edge.example"


def test_a_house_of_one_becomes_a_fleet(tmp_path: Path) -> None:
    """A node that was alone owns what it had: the first map has to say so, the next may divide it."""
    (tmp_path / "worker-0").mkdir()
    share = FleetShare(tmp_path, "a", fleet((0, "ab")), TODAY)
    assert share.refused
    assert share.elsewhere(bytes.fromhex(OTHER), TODAY, TODAY) is None
    share.declare(fleet((0, "a"), (TODAY + 2, "ab")), TODAY)
    assert not share.refused
    assert share.elsewhere(bytes.fromhex(OTHER), TODAY + 1, TODAY) is None
    assert share.elsewhere(bytes.fromhex(OTHER), TODAY + 2, TODAY + 2) == "https://b.edge.example"


@pytest.mark.parametrize(
    ("name", "maps", "why"),
    [
        ("", ((0, "ab"),), "set node in its settings"),
        ("a", (), r"declares no \[\[fleet\]\]"),
        ("z", ((0, "ab"),), "no .* names this node .z.; there are: a, b"),
    ],
)
def test_a_node_that_is_none_of_the_fleet_does_not_begin(
    tmp_path: Path, name: str, maps: tuple[tuple[int, str], ...], why: str
) -> None:
    """A name without a fleet, a fleet without a name, and a wrong name are told in a sentence."""
    with pytest.raises(FleetFault, match=why):
        FleetShare(tmp_path, name, fleet(*maps), TODAY)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "fleet.json").write_text("{}")
    with pytest.raises(FleetFault, match="is damaged"):
        FleetShare(damaged, "a", fleet((0, "ab")), TODAY)

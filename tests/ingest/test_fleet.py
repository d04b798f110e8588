"""A node of a fleet: it takes its share, says whose the rest is, and never changes its mind about a day."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from headcount_ingest.fleet import AHEAD_SECONDS, FleetFault, FleetShare
from headcount_wire import days
from headcount_wire.clock import ManualClock
from headcount_wire.fleet import PARTITIONS, Fleet, FleetMap, Node
from headcount_wire.problems import Problem

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
    assert share.elsewhere(mine, TODAY + 1) is None
    assert share.elsewhere(mine, TODAY + 2) == "https://b.edge.example"
    share.declare(new, TODAY + 1)
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
    assert again.elsewhere(bytes.fromhex(MINE), TODAY) is None
    renamed = FleetShare(tmp_path, "b", fleet((0, "ab")), TODAY)
    assert renamed.refused
    assert renamed.elsewhere(bytes.fromhex(MINE), TODAY) is None
    slept = FleetShare(tmp_path, "a", fleet((0, "ab"), (TODAY + 2, "ba")), TODAY + 5)
    assert not slept.refused, "it was down when the map began, and has taken nothing of those days"


def test_the_workers_of_a_node_agree(tmp_path: Path) -> None:
    """What one worker has let in binds the others, whichever of them sees the new map first."""
    quick, slow = (FleetShare(tmp_path, "a", fleet((0, "ab")), TODAY) for _ in range(2))
    new, mine = fleet((0, "ab"), (TODAY + 2, "ba")), bytes.fromhex(MINE)
    assert quick.noted(TODAY + 1)  # before it has seen the new map
    slow.declare(new, TODAY)
    assert slow.refused
    later = fleet((0, "ab"), (TODAY + 5, "ba"))
    slow.declare(later, TODAY + 1)
    assert not slow.refused
    quick.declare(fleet((0, "ab")), TODAY + 5)
    assert quick.elsewhere(mine, TODAY + 5) == "https://b.edge.example"


def memory_of(spool: Path) -> tuple[int, int]:
    """The last day that is remembered, and which file says so: each write makes a new one."""
    file = spool / "fleet.json"
    return json.loads(file.read_bytes())["reached"], file.stat().st_ino


def test_a_day_that_the_clock_jumped_to_is_noted_once_by_one_worker(tmp_path: Path) -> None:
    """Whichever worker is asked first writes it; the others find it there, and no request after those looks."""
    first, second = (FleetShare(tmp_path, "a", fleet((0, "ab")), TODAY) for _ in range(2))
    assert memory_of(tmp_path)[0] == TODAY + 1
    assert first.noted(TODAY + 1)
    noted = memory_of(tmp_path)
    assert noted[0] == TODAY + 2
    assert second.noted(TODAY + 1)
    assert memory_of(tmp_path) == noted, "the second worker has only read"
    (tmp_path / "fleet.json").unlink()
    assert first.noted(TODAY + 1)
    assert second.noted(TODAY + 1)
    assert not (tmp_path / "fleet.json").exists(), "neither has looked again"


NOBODY = 65_534


@contextmanager
def in_the_way(spool: Path, what: str) -> Iterator[None]:
    """Something that keeps a day from being noted; then it is gone."""
    if what == "read-only":
        spool.chmod(0o500)
        user = os.geteuid()
        if user == 0:  # to whom nothing is read-only
            os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(user)
            spool.chmod(0o700)
        return
    path = spool / what
    path.unlink(missing_ok=True)
    path.mkdir()
    yield
    path.rmdir()


@pytest.mark.parametrize("what", ["fleet.json.new", "fleet.lock", "read-only"])
def test_what_could_not_be_noted_is_not_tried_by_each_request(tmp_path: Path, what: str) -> None:
    """One request tries; after it nothing is taken and nothing is written until the look of each second succeeds."""
    maps = fleet((0, "ab"))
    first, second = (FleetShare(tmp_path, "a", maps, TODAY) for _ in range(2))
    before = memory_of(tmp_path)
    with in_the_way(tmp_path, what):
        assert not first.noted(TODAY + 1)
        first.declare(maps, TODAY + 1)
        assert not first.noted(TODAY + 1)
    assert first.noted(TODAY), "a day that was noted before goes on"
    assert not any(first.noted(TODAY + 1) for _ in range(100))
    assert memory_of(tmp_path) == before, "no request has written"
    assert second.noted(TODAY + 1), "who was not asked while it failed tries now"
    assert not first.noted(TODAY + 1)
    noted = memory_of(tmp_path)
    first.declare(maps, TODAY + 1)
    assert first.noted(TODAY + 1)
    assert memory_of(tmp_path) == noted
    assert first.noted(TODAY + 2), "the next jump is tried anew"


def test_a_house_of_one_becomes_a_fleet(tmp_path: Path) -> None:
    """A node that was alone owns what it had: the first map has to say so, the next may divide it."""
    (tmp_path / "worker-0").mkdir()
    share = FleetShare(tmp_path, "a", fleet((0, "ab")), TODAY)
    assert share.refused
    assert share.elsewhere(bytes.fromhex(OTHER), TODAY) is None
    share.declare(fleet((0, "a"), (TODAY + 2, "ab")), TODAY)
    assert not share.refused
    assert share.elsewhere(bytes.fromhex(OTHER), TODAY + 1) is None
    assert share.elsewhere(bytes.fromhex(OTHER), TODAY + 2) == "https://b.edge.example"


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


HALF_A_DAY = 43_200.0


async def ready(worker: Worker) -> set[str]:
    """Why a worker is not ready, besides what only warns."""
    async with worker.session.get(f"{worker.admin}/readyz") as answer:
        found = {one["reason"] for one in (await answer.json())["reasons"]}
        assert (answer.status == 200) is not bool(found)
        return found


@pytest.mark.parametrize("name", ["", "a"], ids=["house_of_one", "fleet"])
async def test_a_day_that_cannot_be_noted_is_507_until_it_can(tmp_path: Path, name: str) -> None:
    """At midnight with a disk that takes no file, a worker lives on and answers 507; then 202 without a restart."""
    clock = ManualClock(TODAY * 86_400.0 + HALF_A_DAY)
    settings = replace(settings_in(tmp_path), node=name)
    settings.organisation.write_text((declared((TODAY - 90, "ab")) if name else "") + ORGANISATION)
    worker = await running(settings, clock=clock)
    assert (await worker.post(report(), report_id=MINE))[0] == 202
    in_the_way = settings.spool / "fleet.json.new"
    in_the_way.mkdir()
    clock.advance(HALF_A_DAY + 1)
    status, body, answer = await worker.post(report(), report_id=LATER)
    assert (status, body["type"]) == (507, Problem.STORAGE.uri)
    assert int(answer.headers["Retry-After"]) > 0
    assert await ready(worker) == {"fleet_not_noted"}
    reloads = (await worker.metrics())["process_cpu_seconds_total"]
    async with asyncio.timeout(20):  # its tries go on, and none of them ends it
        while (await worker.metrics())["process_cpu_seconds_total"] < reloads + 0.2:
            assert not worker.task.done()
        in_the_way.rmdir()
        while await ready(worker):
            pass
    assert (await worker.post(report(), report_id=LATER))[0] == 202
    assert await worker.close() == 0
    await worker.session.close()


async def test_a_day_is_noted_before_it_begins(tmp_path: Path) -> None:
    """An hour before midnight the next day is noted: the first report of it waits for no file, and none is written."""
    clock = ManualClock(TODAY * 86_400.0 + HALF_A_DAY)
    worker = await running(settings_in(tmp_path), clock=clock)
    file = worker.settings.spool / "fleet.json"
    assert json.loads(file.read_bytes())["reached"] == TODAY + 1
    clock.advance(HALF_A_DAY - AHEAD_SECONDS + 1)
    async with asyncio.timeout(20):
        while json.loads(file.read_bytes())["reached"] != TODAY + 2:
            await worker.metrics()
    (worker.settings.spool / "fleet.json.new").mkdir()
    clock.advance(AHEAD_SECONDS)
    assert (await worker.post(report()))[0] == 202
    await worker.close()
    await worker.session.close()


DAMAGE = {
    "infinite": '{"node": "", "maps": [], "reached": Infinity}',
    "far": '{"node": "", "maps": [], "reached": 1000000000000}',
    "deep": "[" * 100_000,
    "cut": '{"node": ""',
    "folder": "",
}


@pytest.mark.parametrize("name", DAMAGE)
async def test_a_damaged_memory_ends_no_worker(tmp_path: Path, name: str) -> None:
    """Whatever becomes of fleet.json while a worker runs, it answers 507 when a new day needs it, and ends drained."""
    clock = ManualClock(TODAY * 86_400.0 + HALF_A_DAY)
    worker = await running(settings_in(tmp_path), clock=clock)
    assert (await worker.post(report(), report_id=MINE))[0] == 202
    file = worker.settings.spool / "fleet.json"
    whole = file.read_bytes()
    file.unlink()
    file.write_text(DAMAGE[name]) if DAMAGE[name] else file.mkdir()
    clock.advance(86_400)
    assert (await worker.post(report(), report_id=LATER))[0] == 507
    # A change of what is declared has to read it as well.
    worker.settings.organisation.write_text(declared((TODAY - 90, "ab")) + ORGANISATION)
    async with asyncio.timeout(20):
        while not (await worker.metrics()).get('headcount_edge_reloads_total{result="taken"}'):
            pass
        assert (await worker.post(report(), report_id=LATER))[0] == 507
        file.unlink() if DAMAGE[name] else file.rmdir()
        file.write_bytes(whole)
        while await ready(worker):
            pass
    assert (await worker.post(report(created=TODAY + 1), report_id=LATER))[0] == 202
    assert await worker.close() == 0
    await worker.session.close()

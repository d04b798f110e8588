"""Exactly once holds for a fleet: wrong nodes, a killed one, one that is cut off, a resize in the middle."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from headcount.file_clock import FileClock
from headcount_aggregator.cell_reader import WarehouseCells
from headcount_aggregator.cells import CellQuery
from headcount_sdk.client import Headcount
from headcount_sdk.transport import HttpTransport, NoAnswer, Request
from headcount_sdk.uploader import Fate, Outcome, judge
from headcount_wire import codec, days, segment
from headcount_wire.clock import ManualClock
from headcount_wire.facts import Fact
from headcount_wire.problems import Problem
from headcount_wire.report import Tally

from tests.fleet.node_program import COUNTS_EVERYTHING
from tests.fleet.nodes import Node, loaders_of, nodes_of, started
from tests.ingest.conftest import KEY, ORGANISATION, TODAY, report
from tests.sdk.conftest import CATALOG_TEXT

RESIZED = TODAY + 2
REPORTS = 40
DEVICES = 4
TRIES = 400
AT_A_STOPPED_NODE = 12
QUICK_SECONDS, PATIENT_SECONDS = 0.3, 20.0
BEFORE, AFTER = {"a": "00-7f", "b": "80-ff"}, {"a": "00-3f", "c": "40-9f", "b": "a0-ff"}


@dataclass
class Sent:
    """One report of a made-up device: it is sent until it is acknowledged, always the same bytes."""

    report_id: str
    created: int
    joined: int
    body: bytes
    done: bool = False


@dataclass
class Run:
    """What devices sent, and where."""

    nodes: dict[str, Node]
    draw: random.Random
    sent: list[Sent] = field(default_factory=list)
    patience: float = PATIENT_SECONDS
    moved: int = 0

    def make(self, created: int) -> None:
        """New reports of a day, none sent yet."""
        for _ in range(REPORTS):
            joined = self.draw.randint(1, 5)
            tallies = Tally(1, 0, 4, 31, 1), Tally(2, 2, 1, 0, joined), Tally(2, 0, 2, 0, 1)
            body = codec.encode_json(report(*tallies, day=created, created=created))
            self.sent.append(Sent(self.draw.randbytes(16).hex(), created, joined, body))

    def send(self, one: Sent) -> bool:
        """Try at a node that any balancer may have chosen, and where that one says; whether it is acknowledged.

        Of some answers the device learns nothing: it will come again, perhaps to another node.
        """
        url = self.draw.choice(list(self.nodes.values())).url
        outcome = self.post(url, one, self.patience)
        if outcome.problem is Problem.NOT_OWNER:
            self.moved += 1
            outcome = self.post(outcome.elsewhere, one, self.patience)
        one.done = one.done or (outcome.fate is Fate.ACCEPTED and self.draw.random() > 0.25)
        return one.done

    def send_all(self, rounds: int) -> None:
        """Everything that is not acknowledged, so many times at most, and some that is."""
        for _ in range(rounds):
            waiting = [one for one in self.sent if not one.done]
            again = self.draw.sample(self.sent, len(self.sent) // 20)
            for one in (*waiting, *again):
                self.send(one)

    def post(self, url: str, one: Sent, patience: float) -> Outcome:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        try:
            request = Request("POST", f"{url}/v1/reports/{one.report_id}", headers, one.body)
            return judge(HttpTransport().send(request, patience))
        except NoAnswer:
            return Outcome(Fate.NO_ANSWER)


def declare(file: Path, nodes: dict[str, Node], *maps: tuple[int, dict[str, str]]) -> None:
    text = ""
    for since, owned in maps:
        text += f"[[fleet]]\nfrom = {days.text(since)}\n[fleet.nodes]\n"
        text += "".join(
            f'{name} = {{ owns = "{owns}", address = "{nodes[name].url}" }}\n' for name, owns in owned.items()
        )
    file.with_suffix(".new").write_text(text + ORGANISATION)
    file.with_suffix(".new").rename(file)


def await_maps(nodes: dict[str, Node], number: int) -> None:
    deadline = time.monotonic() + PATIENT_SECONDS
    for node in nodes.values():
        node.signal(signal.SIGHUP)
        while node.maps() != number:
            assert time.monotonic() < deadline


def owner_of(report_id: str, created: int) -> str:
    """Who has to count a report, said once more and otherwise than the code says it."""
    for name, owns in (AFTER if created >= RESIZED else BEFORE).items():
        first, last = owns.split("-")
        if first <= report_id[:2] <= last:
            return name
    raise AssertionError("nobody owns it")


def others_go_on(run: Run, up: str) -> None:
    """While a node does not answer, what another one counts is taken, and what it counts itself waits."""
    run.make(TODAY)
    waiting = run.sent[-AT_A_STOPPED_NODE:]
    for one in waiting:
        run.send(one)
        if owner_of(one.report_id, one.created) == up:
            outcome = run.post(run.nodes[up].url, one, PATIENT_SECONDS)
            assert outcome.fate is Fate.ACCEPTED, outcome
    assert any(owner_of(one.report_id, one.created) != up for one in waiting)


def kept_elsewhere(nodes: dict[str, Node]) -> int:
    """Records in the spools of nodes that do not own them."""
    return sum(
        owner_of(report_id.hex(), record.created) != node.name
        for node in nodes.values()
        for path in node.spool.glob("*/*.seg")
        for report_id, record in segment.records(path.read_bytes())
    )


def devices(folder: Path, nodes: dict[str, Node], clock: ManualClock) -> list[Headcount]:
    """Real SDKs that begin at different nodes and list them all."""
    urls = [node.url for node in nodes.values()]
    found = []
    for number in range(DEVICES):
        host, *others = urls[number % len(urls) :] + urls[: number % len(urls)]
        client = Headcount(
            KEY, host, CATALOG_TEXT, directory=folder / str(number), nodes=others, policy=4, clock=clock, debug=True
        )
        client.start(thread=False)
        client.consent.grant("usage")
        found.append(client)
    return found


def use(clients: list[Headcount]) -> None:
    for client in clients:
        client.track("share.used")
        for _ in range(3):
            client.flush()


def play(folder: Path, bug: str = "") -> tuple[Run, Counter[tuple[int, int, int, int]], int]:
    """The whole story.

    Returns what was sent, what was counted by ``(day, measure, label, fact)``, and how many records lie on wrong nodes.
    """
    folder.mkdir()
    (folder / "catalog.toml").write_text(CATALOG_TEXT)
    organisation, clock_file = folder / "organisation.toml", folder / "clock"
    clock = FileClock.create(clock_file, TODAY * 86_400.0 + 43_200.0)
    nodes = nodes_of(folder, ("a", "b", "c"), organisation, clock_file, bug)
    run, old = Run(nodes, random.Random(7)), (0, BEFORE)
    # c is named by a map that begins far ahead: it runs, and owns nothing yet.
    declare(organisation, nodes, old, (TODAY + 60, AFTER))
    device_clock = ManualClock(clock.now())
    with (
        started(list(nodes.values())),
        loaders_of(list(nodes.values()), folder / "warehouse", clock) as (loaders, shared),
    ):
        clients = devices(folder / "devices", nodes, device_clock)
        use(clients)
        run.make(TODAY)
        run.send_all(1)
        nodes["a"].kill()
        others_go_on(run, "b")
        nodes["a"].start()
        nodes["a"].await_ready()
        nodes["b"].signal(signal.SIGSTOP)
        run.patience = QUICK_SECONDS
        others_go_on(run, "a")
        run.patience = PATIENT_SECONDS
        nodes["b"].signal(signal.SIGCONT)
        loaders["a"].load_once()

        declare(organisation, nodes, old, (RESIZED, AFTER))
        await_maps(nodes, 2)
        run.make(TODAY + 1)
        run.send_all(1)
        clock.set_now(RESIZED * 86_400.0 + 43_200.0)
        device_clock.set_now(clock.now())
        for node in nodes.values():
            node.await_ready()  # a day that a clock jumped to has to be noted first
        run.make(RESIZED)
        use(clients)
        for _ in range(TRIES):  # those of the days before are tried on, by the map of their day
            if all(one.done for one in run.sent):
                break
            run.send_all(1)
        assert all(one.done for one in run.sent)
        for client in clients:
            assert client.export()["waiting"] == {}
            assert client.export()["report_under_way"] is None
            client.shutdown()
        for node in nodes.values():
            node.stop()
        wrong = kept_elsewhere(nodes)
        for loader in loaders.values():
            loader.load_once()
            loader.flush_all()
        rows = WarehouseCells(shared).sums(CellQuery(0, 65_000, ("day", "measure", "label", "fact")))
        found = Counter({(row.day, row.measure, row.label, row.fact): row.n for row in rows})
    return run, found, wrong


def model(run: Run) -> Counter[tuple[int, int, int, int]]:
    """What has to be counted: each report once, each device's day once."""
    counted: Counter[tuple[int, int, int, int]] = Counter()
    for one in run.sent:
        counted[one.created, 2, 2, Fact.COUNT] += one.joined
        counted[one.created, 2, 0, Fact.DEVICES] += 1
    for day in (TODAY, RESIZED):
        counted[day, 3, 0, Fact.DEVICES] += DEVICES
    return counted


def of_model(found: Counter[tuple[int, int, int, int]]) -> Counter[tuple[int, int, int, int]]:
    return Counter({key: n for key, n in found.items() if key[1] != 1})


def test_every_report_of_a_fleet_counts_once(tmp_path: Path) -> None:
    """Whichever node is asked, killed or cut off, and through a resize: none lost, none doubled, none misplaced."""
    run, found, wrong = play(tmp_path / "fleet")
    assert of_model(found) == model(run)
    assert wrong == 0
    assert run.moved > REPORTS, "the devices did meet wrong nodes"


def test_a_node_of_no_fleet_says_so_and_ends(tmp_path: Path) -> None:
    """A worker whose name is none of the fleet's ends with a sentence, and has made no spool of its own."""
    (tmp_path / "catalog.toml").write_text(CATALOG_TEXT)
    clock_file = tmp_path / "clock"
    FileClock.create(clock_file, TODAY * 86_400.0).close()
    (node,) = nodes_of(tmp_path, ("z",), tmp_path / "organisation.toml", clock_file).values()
    node.settings = node.settings.model_copy(update={"workers": 1})
    declare(node.settings.organisation, {"a": node, "b": node}, (0, BEFORE))
    node.start()
    assert node.processes[0].wait(60) == 2
    assert "no [[fleet]] names this node (z); there are: a, b" in (tmp_path / "z.log").read_text()
    assert not list(node.spool.glob("*/"))


def test_without_owners_the_same_story_counts_twice(tmp_path: Path) -> None:
    """A build that counts whatever it gets is caught: reports stand on several nodes, and the sums are too large."""
    run, found, wrong = play(tmp_path / "fleet", COUNTS_EVERYTHING)
    assert wrong > 0
    assert of_model(found).total() > model(run).total()

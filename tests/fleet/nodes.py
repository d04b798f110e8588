"""Nodes of a fleet on loopback addresses of their own: real workers, each node's own spool, each node's own loader."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from headcount.settings import Settings
from headcount.stack import free_port
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.warehouse.embedded import Embedded, open_embedded
from headcount_wire.clock import Clock
from headcount_wire.organisation import load_organisation

READY_SECONDS = 60.0


@dataclass
class Node:
    """One node: ``host`` is its address; its workers are processes."""

    name: str
    settings: Settings
    clock_file: Path
    bug: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.settings.edge_host}:{self.settings.edge_port}"

    @property
    def spool(self) -> Path:
        return self.settings.data / "spool"

    def start(self) -> None:
        program = [sys.executable, "-m", "tests.fleet.node_program", "edge", *([self.bug] if self.bug else [])]
        given = ["--settings", self.settings.model_dump_json(), "--clock-file", str(self.clock_file)]
        with (self.settings.data.parent / f"{self.name}.log").open("ab") as log:
            self.processes = [
                subprocess.Popen([*program, "--worker", str(number), *given], stdout=log, stderr=log)
                for number in range(self.settings.workers)
            ]

    def await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        for number, process in enumerate(self.processes):
            while (status := self._ready(number)) != 200:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.02)
                    raise AssertionError(f"{self.name} ended: {process.returncode}")
                assert time.monotonic() < deadline, f"{self.name} answers {status}"

    def signal(self, number: signal.Signals) -> None:
        for process in self.processes:
            process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL to every worker."""
        self.signal(signal.SIGKILL)
        for process in self.processes:
            process.wait(30)

    def stop(self) -> None:
        """SIGTERM, as an operator stops it; it goes on first if it was stopped in its tracks."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(60)

    def maps(self) -> int:
        """How many maps the node remembers."""
        return len(json.loads((self.spool / "fleet.json").read_bytes())["maps"])

    def _ready(self, number: int) -> int:
        connection = http.client.HTTPConnection(self.settings.admin_host, self.settings.admin_port + number, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()


def nodes_of(
    folder: Path, names: Sequence[str], organisation: Path, clock_file: Path, bug: str = ""
) -> dict[str, Node]:
    """Nodes at 127.0.0.2, 127.0.0.3 and so on, not yet started; the first has two workers."""
    port = free_port()
    found: dict[str, Node] = {}
    for number, name in enumerate(names, 2):
        (folder / name).mkdir()
        settings = Settings(
            organisation=organisation,
            data=folder / name,
            node=name,
            workers=2 if number == 2 else 1,
            edge_host=f"127.0.0.{number}",
            edge_port=port,
            admin_host=f"127.0.0.{number}",
            admin_port=free_port(host=f"127.0.0.{number}"),
            disk_floor_bytes=0,
            seal_seconds=0.05,
        )
        found[name] = Node(name, settings, clock_file, bug)
    return found


@contextmanager
def started(nodes: Sequence[Node]) -> Iterator[None]:
    """Nodes that run; with the block they end, by their ids."""
    with ExitStack() as ends:
        for node in nodes:
            ends.callback(node.stop)
            node.start()
        for node in nodes:
            node.await_ready()
        yield


@contextmanager
def loaders_of(nodes: Sequence[Node], warehouse: Path, clock: Clock) -> Iterator[tuple[dict[str, Loader], Embedded]]:
    """Each node's own loader, all of them into one warehouse."""
    shared = open_embedded(warehouse)
    with ExitStack() as ends:
        ends.callback(shared.close)
        found: dict[str, Loader] = {}
        for node in nodes:
            organisation = load_organisation(node.settings.organisation)
            found[node.name] = Loader(node.spool, node.settings.data / "units", organisation, shared, clock)
            ends.callback(found[node.name].close)
        yield found, shared

"""``python -m benchmarks.replay LOG.csv``: exit code 0 only if every number is the truth's."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from headcount.file_clock import FileClock
from headcount.settings import Settings
from headcount.stack import Stack, free_port
from headcount_aggregator.cell_reader import WarehouseCells
from headcount_aggregator.sealed_reader import parse_release, verify
from headcount_aggregator.warehouse.opening import open_warehouse
from headcount_wire import days
from headcount_wire.app_key import fingerprint, new_key
from headcount_wire.catalog_file import parse_catalog
from rich.console import Console
from rich.progress import track

from benchmarks.replay.compare import expected_release, expected_window, from_cells, released_totals, sums_of
from benchmarks.replay.drive import CANARY, DAY, Replay
from benchmarks.replay.log import LogDevice, read_log
from benchmarks.replay.over import Over
from benchmarks.replay.truth import Truth
from tests.homes.clickhouse import ClickHouse
from tests.homes.cluster import ClusterProcesses
from tests.homes.fresh import HOMES
from tests.homes.processes import started

PLANTED = (CANARY.encode(), b"hc_live_")
PATIENCE_SECONDS = 600.0
"""How long a day's numbers are waited for; a cluster on a busy machine needs more than one try."""

SERVERS = "servers"
SEARCH_EVERY_DAYS = 15
"""Files are searched for what was planted so often, after each kill, and at the end."""

CATALOG = """\
[catalog]
name = "shop"
version = 1
[purposes.usage]
sentence.en = "Count how often the shop is used."
[purposes.context]
sentence.en = "Tell system, language and time zone."
[context]
os = "context"
language = "context"
time_zone = "context"
[measures."active"]
code = 1
kind = "active"
purpose = "usage"
description = "The shop was used."
owner = "shop@shop.example"
breakdowns = ["os", "language"]
[measures."purchase.made"]
code = 2
kind = "counter"
purpose = "usage"
description = "Something was bought."
owner = "shop@shop.example"
cap = 20
breakdowns = ["os", "language", "time_zone"]
"""


def main() -> int:
    """Replay, then compare; prints how many numbers were compared and how many differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay")
    parser.add_argument("log", nargs="?", type=Path, default=os.environ.get("HEADCOUNT_LOG"), help="a CSV file")
    parser.add_argument("--devices", type=int, default=10**9, help="only the first so many customers")
    parser.add_argument("--days", type=int, default=10**9, help="only the first so many days of the log")
    parser.add_argument("--kills", type=int, default=0, help="SIGKILL a worker or the store so many times")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--home",
        choices=HOMES,
        default="embedded",
        help="the warehouse: chDB, or a ClickHouse server or cluster that is started for the replay on free ports",
    )
    arguments = parser.parse_args()
    if arguments.log is None:
        parser.error("name a log: a CSV file with the columns customer and date (or set HEADCOUNT_LOG)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started for the replay ends with it
    out = Console()
    with tempfile.TemporaryDirectory(prefix="headcount-replay-") as name, _warehouse(arguments.home, Path(name)) as at:
        devices = read_log(Path(arguments.log), arguments.seed, arguments.days)[: arguments.devices]
        return _replay(devices, arguments.kills, arguments.seed, Path(name), at, out)


@contextmanager
def _warehouse(home: str, folder: Path) -> Iterator[str]:
    """The address of a warehouse; its servers, if it has any, keep their files in ``SERVERS``."""
    servers = folder / SERVERS
    servers.mkdir()
    if home == "embedded":
        yield home
    elif home == "server":
        with started(lambda: ClickHouse(Path(tempfile.mkdtemp(dir=servers)) / "server")) as server:
            yield server.address()
    else:
        with started(lambda: ClusterProcesses(Path(tempfile.mkdtemp(dir=servers)))) as cluster:
            yield cluster.address()


def _replay(devices: list[LogDevice], kills: int, seed: int, folder: Path, warehouse: str, out: Console) -> int:
    key = new_key("live")
    (folder / "catalog.toml").write_text(CATALOG)
    (folder / "organisation.toml").write_text(
        '[operator]\nname = "Replay"\n[customers.shop]\ncode = 1\n'
        'policy = { version = 1, purposes = ["usage", "context"] }\n'
        '[apps.shop]\ncode = 1\ncatalogs = ["catalog.toml"]\n'
        f'[[keys]]\nfingerprint = "{fingerprint(key)}"\ncustomer = "shop"\napp = "shop"\n'
    )
    first = min(min(device.activity) for device in devices)
    clock = FileClock.create(folder / "clock", first * DAY)
    settings = Settings(
        organisation=folder / "organisation.toml",
        data=folder / "data",
        warehouse=warehouse,
        workers=2,
        edge_port=free_port(),
        admin_port=_two_free_ports(),
        dashboard_port=free_port(),
        seal_seconds=0.02,
        unit_seconds=0.02 if warehouse == "embedded" else 0.1,
    )
    began = time.monotonic()
    with Stack(settings, clock_file=folder / "clock", log=folder / "log") as stack:
        stack.await_ready()
        replay = Replay(devices, parse_catalog(CATALOG), key, stack.edge, folder / "devices", clock, seed)
        span = max(max(device.activity) for device in devices) + 60 - first
        draw = random.Random(seed)
        deadly = sorted(draw.sample(range(span), kills)) if kills else []
        planted: set[Path] = set()
        over = Over(settings, folder, first)
        for day in track(replay.run(), "virtual days", total=span, console=out):
            if day - first in deadly:
                stack.supervisor.kill(draw.choice(["edge-0", "edge-1", "store"]))
                planted |= _planted(folder)
                stack.await_ready()
            if (day - first) % SEARCH_EVERY_DAYS == 0:
                planted |= _planted(folder)
            stack.await_settled(clock.now(), PATIENCE_SECONDS)
            over.look(day)
    seconds = time.monotonic() - began
    ledger = replay.ledger
    out.print(
        f"{len(devices)} devices, {ledger.requests} reports, {ledger.doubled} of them sent twice, {seconds:.0f} s"
    )
    bytes_without_consent = sum(
        replay.folders[d.number].exists() for d in devices if not d.consents and d.withdraws is None
    )
    missing = [
        d
        for d in devices
        if d.consents and d.withdraws is None and any((d.number, day) not in ledger.acknowledged for day in d.activity)
    ]
    truth = Truth(list(ledger.acknowledged))
    expected = dict(truth.numbers())
    with closing(open_warehouse(settings.warehouse, settings.data / "warehouse")) as home:
        sums = sums_of(WarehouseCells(home), truth.first, truth.last)
    sums, left = over.put_back(sums, truth.first, truth.last, days.utc_day(clock.now()))
    found = from_cells(sums, truth.first, truth.last)
    differing = {name for name in expected.keys() | found.keys() if expected.get(name, 0) != found.get(name, 0)}
    out.print(f"cells: {len(expected.keys() | found.keys())} numbers compared, {len(differing)} differ")
    out.print(f"cells of months that were over, and left by retention: {left}")
    wrong, compared = _released(settings.data / "releases/1-1", ledger.acknowledged)
    out.print(f"releases: {compared} numbers compared with the rule applied to the truth, {wrong} differ")
    out.print(
        f"devices without consent that left a byte: {bytes_without_consent}; days never acknowledged: {len(missing)}"
    )
    planted |= _planted(folder)
    out.print(
        f"files of spool, units, warehouse, releases and log that held a planted header, the key or an address, "
        f"during the replay or after it: {len(planted)}"
    )
    return 1 if differing or left or wrong or bytes_without_consent or missing or planted else 0


def _planted(folder: Path) -> set[Path]:
    """Files in which a planted header, an app key or (in data) the peer's address is found, byte for byte.

    A server's own files name the addresses it listens on; the headers and the key have no business there either.
    """
    found: set[Path] = set()
    # os.walk, unlike rglob, goes on when a folder is merged away under it.
    of_house, servers = (
        {Path(name) / file for name, _, files in os.walk(folder / part) for file in files} for part in ("data", SERVERS)
    )
    for path in [*of_house, *servers, folder / "log"]:
        needles = PLANTED if path in servers or path.name == "log" else (*PLANTED, b"127.0.0.1")
        try:
            data = path.read_bytes()
        except FileNotFoundError:  # folded, merged or sealed meanwhile
            continue
        if any(needle in data for needle in needles):
            found.add(path)
    return found


def _released(folder: Path, acknowledged: dict[tuple[int, int], int]) -> tuple[int, int]:
    """Every released total of active and new people against the rule applied to what came on time."""
    verify(folder)
    on_time = Truth([(device, day) for (device, day), came in acknowledged.items() if came < day + 4])
    everyone = dict(on_time.numbers())
    ages = Truth(list(acknowledged)).frame
    ages = ages[ages["age"] == 0]
    new = {(int(d), int(day)) for d, day in zip(ages["device"], ages["day"], strict=True)}
    on_day = Counter(day for (_, day), came in acknowledged.items() if came < day + 4)
    wrong = compared = 0
    for path in sorted(folder.glob("*.json")):
        _, numbers = parse_release(path.read_bytes())
        for name, value in released_totals(numbers):
            if not on_time.first + 30 <= name[1] <= on_time.last:
                continue
            if name[0] == "new":
                base = everyone.get(("window", name[1], 1), 0)
                count = sum(acknowledged[pair] < name[1] + 4 for pair in new if pair[1] == name[1])
                wanted = expected_release(count, base)
            elif name[2] == 1:
                wanted = expected_release(on_day[name[1]], None)
            else:
                each = [on_day[day] for day in range(name[1] - name[2] + 1, name[1] + 1)]
                wanted = expected_window(_window(acknowledged, name[1], name[2]), each)
            compared += 1
            wrong += wanted != value
    return wrong, compared


def _window(acknowledged: dict[tuple[int, int], int], last: int, width: int) -> int:
    """Devices whose first day in the window came on time, by the window's own rule of counting each once."""
    first = last - width + 1
    earliest: dict[int, int] = {}
    for device, day in acknowledged:
        if first <= day <= last:
            earliest[device] = min(day, earliest.get(device, day))
    return sum(acknowledged[device, day] < day + 4 for device, day in earliest.items())


def _two_free_ports() -> int:
    """A port whose neighbour is free too: two workers' admin ports."""
    while True:
        port = free_port()
        if free_port(preferred=port + 1) == port + 1:
            return port


if __name__ == "__main__":
    sys.exit(main())

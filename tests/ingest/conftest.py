"""A real worker on a real loopback socket, with a spool and an organisation in a temporary folder."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest
from headcount.stack import free_port
from headcount_ingest.disk import Disk
from headcount_ingest.settings import EdgeSettings
from headcount_ingest.worker import quiet, serve
from headcount_wire import codec, segment
from headcount_wire.app_key import fingerprint, new_key
from headcount_wire.clock import ManualClock
from headcount_wire.report import Report, ReportDay, Tally, new_report_id
from headcount_wire.segment import Record

from tests.sdk.conftest import CATALOG_TEXT

TODAY = 20_000
KEY, DEBUG_KEY, REVOKED, ELSEWHERE = new_key("live"), new_key("debug"), new_key("live"), new_key("live")
ORGANISATION = f"""\
[operator]
name = "Example Video"
region = "eu"
[operator.regions]
us = "https://us.example"
[partners.north]
code = 5
[customers.acme]
code = 11
partner = "north"
[customers.acme.policy]
version = 4
consent_since = 2
purposes = ["usage", "context"]
context = ["os"]
[customers.far]
code = 12
region = "us"
policy = {{ version = 1, purposes = ["usage"] }}
[apps.meet]
code = 3
catalogs = ["catalog.toml"]
[[keys]]
fingerprint = "{fingerprint(KEY)}"
customer = "acme"
app = "meet"
[[keys]]
fingerprint = "{fingerprint(DEBUG_KEY)}"
customer = "acme"
app = "meet"
debug = true
[[keys]]
fingerprint = "{fingerprint(REVOKED)}"
customer = "acme"
app = "meet"
state = "revoked"
[[keys]]
fingerprint = "{fingerprint(ELSEWHERE)}"
customer = "far"
app = "meet"
"""


def settings_in(folder: Path) -> EdgeSettings:
    (folder / "catalog.toml").write_text(CATALOG_TEXT)
    (folder / "organisation.toml").write_text(ORGANISATION)
    return EdgeSettings(
        organisation=folder / "organisation.toml",
        spool=folder / "spool",
        worker="w0",
        port=free_port(),
        admin_port=free_port(),
        seal_seconds=0.02,
        disk_floor_bytes=0,
        reload_seconds=0.05,
    )


def report(*tallies: Tally, day: int = TODAY, created: int = TODAY, **changes: object) -> Report:
    plain = Report(
        sdk="python/0.1.0",
        catalog=1,
        policy=4,
        created=created,
        purposes={"usage": 4, "context": 2},
        days=(ReportDay(day, tallies or (Tally(1, 0, 4, 31, 1), Tally(2, 2, 1, 0, 3))),),
        context={"os": "ios"},
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # a test names the fields it changes


@dataclass
class Worker:
    """A running worker: where it listens, and what it spooled."""

    settings: EdgeSettings
    session: aiohttp.ClientSession
    stop: asyncio.Event
    task: asyncio.Task[int]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    @property
    def admin(self) -> str:
        return f"http://127.0.0.1:{self.settings.admin_port}"

    async def post(
        self,
        body: bytes | Report,
        *,
        report_id: str | None = None,
        key: str | None = KEY,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, object], aiohttp.ClientResponse]:
        data = codec.encode_json(body) if isinstance(body, Report) else body
        sent = {"Content-Type": "application/json", **(headers or {})}
        if key:
            sent.setdefault("Authorization", f"Bearer {key}")
        url = f"{self.url}/v1/reports/{report_id or new_report_id()}"
        sending = io.BytesIO(data) if len(data) > 2**20 else data
        async with self.session.post(url, data=sending, headers=sent, skip_auto_headers=("User-Agent",)) as answer:
            return answer.status, await answer.json(content_type=None), answer

    async def metrics(self) -> dict[str, float]:
        """Every sample of the worker's metrics, by its name and labels."""
        async with self.session.get(f"{self.admin}/metrics") as answer:
            lines = [line for line in (await answer.text()).splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    async def outcomes(self) -> dict[str, int]:
        """How often each outcome was counted that was."""
        found = await self.metrics()
        start = 'headcount_edge_requests_total{outcome="'
        return {name[len(start) : -2]: int(value) for name, value in found.items() if name.startswith(start) and value}

    async def raw(self, data: bytes) -> bytes:
        """What the worker answers to bytes on a connection of their own, until it closes it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.settings.port)
        writer.write(data)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
        return answer

    async def close(self) -> int:
        self.stop.set()
        return await self.task

    def spooled(self) -> list[tuple[bytes, Record]]:
        return [
            found
            for path in sorted(self.settings.spool.glob("*/*"))
            if path.suffix in (".seg", ".open")
            for found in segment.records(path.read_bytes())
        ]


async def running(settings: EdgeSettings, disk: Disk | None = None, clock: ManualClock | None = None) -> Worker:
    quiet()
    stop = asyncio.Event()
    clock = clock or ManualClock(TODAY * 86_400.0 + 43_200.0)
    task = asyncio.create_task(serve(settings, clock, disk=disk, stop=stop))
    session = aiohttp.ClientSession()
    worker = Worker(settings, session, stop, task)
    while True:
        try:
            async with session.get(f"{worker.admin}/livez"):
                return worker
        except aiohttp.ClientConnectionError:
            if task.done():
                task.result()
            await asyncio.sleep(0)


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Worker]:
    found = await running(settings_in(tmp_path))
    yield found
    await found.close()
    await found.session.close()


@pytest.fixture
async def served_world(tmp_path: Path) -> AsyncIterator[Worker]:
    """A worker of the organisation in ``world.py``."""
    from tests.ingest.world import served  # it builds on this file

    async with served(tmp_path) as found:
        yield found

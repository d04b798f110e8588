"""The usual way: a collector that writes one raw event row for each interaction.

``python -m benchmarks.peers.usual --port P --clickhouse P``: aiohttp takes batches of events as gzipped JSON, orjson
reads them, clickhouse-driver writes them column by column, in blocks of up to 100,000 rows or each second, as
ClickHouse's documents advise. It answers before anything is written: what it holds is lost with it, as is usual.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import orjson
from aiohttp import web
from clickhouse_driver import Client

BLOCK_ROWS = 100_000
BLOCK_SECONDS = 1.0
COLUMNS = ("customer", "device", "time", "event", "label", "value")
CONTEXT = ("os", "os_version", "language", "time_zone", "app_version", "device_class")
TABLE = """\
CREATE TABLE IF NOT EXISTS events (
    customer UInt32, device UUID, time DateTime, event LowCardinality(String), label LowCardinality(String),
    value Float32, os LowCardinality(String), os_version LowCardinality(String), language LowCardinality(String),
    time_zone LowCardinality(String), app_version LowCardinality(String), device_class LowCardinality(String)
) ENGINE = MergeTree PARTITION BY toYYYYMM(time) ORDER BY (customer, event, toDate(time), device)
"""


class Collector:
    """Holds rows as columns until a block is full or a second is over."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._insert = f"INSERT INTO events ({', '.join((*COLUMNS, *CONTEXT))}) VALUES"
        self._columns: list[list[Any]] = [[] for _ in (*COLUMNS, *CONTEXT)]
        self._pool = ThreadPoolExecutor(1)  # a client is one connection
        self.taken = self.written = 0

    async def take(self, request: web.Request) -> web.Response:
        """One batch."""
        columns = self._columns
        customer, device, moment, event, label, value, *context = (column.append for column in columns)
        batch = orjson.loads(await request.read())
        for one in batch:
            properties = one["properties"]
            customer(one["customer"])
            device(UUID(one["device"]))
            moment(one["time"])
            event(one["event"])
            label(properties["label"])
            value(properties.get("value", 0))
            for name, add in zip(CONTEXT, context, strict=True):
                add(properties[name])
        self.taken += len(batch)
        if len(columns[0]) >= BLOCK_ROWS:
            await self.flush()
        return web.Response(status=200, body=b'{"status":1}', content_type="application/json")

    async def flush(self) -> None:
        """Write what is held."""
        columns, self._columns = self._columns, [[] for _ in self._columns]
        if columns[0]:
            rows = len(columns[0])
            await asyncio.get_running_loop().run_in_executor(self._pool, self._write, columns)
            self.written += rows

    def _write(self, columns: list[list[Any]]) -> None:
        self._client.execute(self._insert, columns, columnar=True)


def application(collector: Collector) -> web.Application:
    """Its addresses: one for events, one that tells how far it is."""

    async def state(_: web.Request) -> web.Response:
        return web.json_response({"taken": collector.taken, "written": collector.written})

    async def each_second(_: web.Application) -> None:
        while True:
            await asyncio.sleep(BLOCK_SECONDS)
            await collector.flush()

    async def begin(app: web.Application) -> None:
        app[TASK] = asyncio.create_task(each_second(app))

    app = web.Application(client_max_size=1024**2)
    app.router.add_post("/events", collector.take)
    app.router.add_get("/state", state)
    app.on_startup.append(begin)
    return app


TASK: web.AppKey[asyncio.Task[None]] = web.AppKey("task")


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="benchmarks.peers.usual")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clickhouse", type=int, required=True)
    given = parser.parse_args()
    client = Client("127.0.0.1", given.clickhouse, compression=False)
    for _ in range(100):
        try:
            client.execute(TABLE)
            break
        except (OSError, EOFError):
            time.sleep(0.1)
    import uvloop

    app = application(Collector(client))
    web.run_app(app, host="127.0.0.1", port=given.port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main()

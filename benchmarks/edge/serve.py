"""``python -m benchmarks.edge.serve``: one server process, pinned to its cores: a worker of the edge, or the yardstick.

A worker is the one that ``headcount up`` runs. Two things can be asked of it here: time that passes faster than on the
wall, and a disk that is slow to sync.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web
from headcount_ingest.disk import Disk
from headcount_ingest.settings import EdgeSettings
from headcount_ingest.worker import quiet, serve, tune
from headcount_wire.clock import Clock, SystemClock


class FastClock:
    """The system's clock, so many times as fast since it was made."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began, self._monotonic = time.time(), time.monotonic()

    def now(self) -> float:
        return self._began + self.monotonic()

    def monotonic(self) -> float:
        return (time.monotonic() - self._monotonic) * self._speed


class SlowDisk(Disk):
    """Takes so many seconds longer to sync."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def sync(self, fd: int) -> None:
        super().sync(fd)
        time.sleep(self._seconds)


def serve_bare(port: int, *, uvloop: bool) -> None:
    """The yardstick: an application with a router that reads the body and answers 202."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=202, body=b'{"admitted":1}', content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/reports/{report_id}", take)
    loop = None
    if uvloop:
        import uvloop as fast

        loop = fast.new_event_loop()
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=loop)


def serve_edge(plain: dict[str, Any], clock: Clock, disk: Disk | None) -> int:
    """A worker, as ``headcount_ingest.worker.run`` runs it; returns the process's exit code."""
    folders = {name: Path(plain[name]) for name in ("organisation", "spool")}
    settings = EdgeSettings(**{**plain, **folders})
    quiet()
    tune()
    return asyncio.run(serve(settings, clock, disk=disk))


def main() -> None:
    """Become the server that the arguments name."""
    parser = argparse.ArgumentParser(prog="benchmarks.edge.serve")
    parser.add_argument("what", choices=("bare", "bare-uvloop", "edge"))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--settings", default="{}", help="the worker's settings as JSON")
    parser.add_argument("--speed", type=float, default=1.0, help="how many times as fast its clock is")
    parser.add_argument("--sync-seconds", type=float, default=0.0, help="how much longer a sync takes")
    parser.add_argument("--cores", default="", help="the cores it may use, joined by commas")
    given = parser.parse_args()
    if given.cores:
        os.sched_setaffinity(0, {int(core) for core in given.cores.split(",")})
    if given.what != "edge":
        serve_bare(given.port, uvloop=given.what == "bare-uvloop")
        return
    clock: Clock = SystemClock() if given.speed == 1.0 else FastClock(given.speed)
    disk = SlowDisk(given.sync_seconds) if given.sync_seconds else None
    sys.exit(serve_edge(json.loads(given.settings), clock, disk))


if __name__ == "__main__":
    main()

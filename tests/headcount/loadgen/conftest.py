"""A house to load, and edges that do wrong."""

from __future__ import annotations

import asyncio
import contextlib
import io
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from headcount.loadgen.account import Account
from headcount.loadgen.house import House, house
from headcount.loadgen.run import Options, run_load
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.clock import SystemClock
from rich.console import Console

ROOT = Path(__file__).parents[3]
CATALOG_FILE = ROOT / "benchmarks/edge/catalog.toml"
ACCEPTED = b'{"admitted":1,"dropped":0,"refused":[],"v":1}'
ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(ACCEPTED),
    ACCEPTED,
)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return parse_catalog(CATALOG_FILE.read_text("utf-8"), str(CATALOG_FILE))


@pytest.fixture(scope="module")
def own_house(catalog: Catalog) -> Iterator[House]:
    with house(catalog, CATALOG_FILE.read_text("utf-8"), customers=3, workers=2) as own:
        yield own


def loaded(options: Options) -> tuple[int, str]:
    """Run a load; its exit code, and all that it printed."""
    printed = io.StringIO()
    console = Console(file=printed, width=200)
    return run_load(options, SystemClock(), console, console), printed.getvalue()


Reply = Callable[[int], bytes | None]
"""What to answer to the request of a number, from 0; ``None`` for silence."""


async def _requests(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            at = head.find(b"Content-Length: ") + 16
            yield head + await reader.readexactly(int(head[at : head.find(b"\r", at)]))


@asynccontextmanager
async def thief(edge_port: int, takes: Callable[[int], bool]) -> AsyncIterator[int]:
    """Stands before an edge; some requests it keeps, and answers them 202 itself. Yields its port."""
    number = -1

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal number
        behind, ahead = await asyncio.open_connection("127.0.0.1", edge_port)
        async for request in _requests(reader):
            number += 1
            if takes(number):
                writer.write(ANSWER)
                continue
            ahead.write(request)
            head = await behind.readuntil(b"\r\n\r\n")
            at = head.lower().find(b"content-length: ") + 16
            writer.write(head + await behind.readexactly(int(head[at : head.find(b"\r", at)])))
        ahead.close()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@contextlib.contextmanager
def beside(make: Callable[[], contextlib.AbstractAsyncContextManager[int]]) -> Iterator[int]:
    """Run a server on a loop of its own thread; yields its port."""
    ready, port = threading.Event(), 0
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        nonlocal port
        async with make() as port:
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


@asynccontextmanager
async def answering(reply: Reply, stalls: tuple[float, float] = (0.0, 0.0)) -> AsyncIterator[int]:
    """Answers every request by ``reply``; between two moments after the first request it waits for the later.

    Yields its port.
    """
    number = -1
    began: float | None = None
    loop = asyncio.get_running_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal number, began
        async for _ in _requests(reader):
            number += 1
            began = began if began is not None else loop.time()
            if stalls[0] <= loop.time() - began < stalls[1]:
                awake = asyncio.Event()
                loop.call_at(began + stalls[1], awake.set)
                await awake.wait()
            answer = reply(number)
            if answer is None:
                break
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def sound() -> Account:
    """An account that adds up."""
    account = Account(made=100, counted=96, refused_for_good=3, waiting=1, sent=110, accepted=98, again=2)
    account.refused.update({"too-late": 3, "overloaded": 5})
    account.failed.update({"connection lost": 4})
    account.unanswered, account.doubtful = 4, 1
    return account

"""How many lines a second the log tap counts on one core, in plain Python.

``python -m benchmarks.bench_logtap``. Lines are drawn once: 25 route classes, ids in most paths, queries with
tokens, three kinds of referrer, real user agents, request times. *reader* is the parsing and counting alone; *tap*
is all of it, from the file on the disk to the state on the disk, as a run with ``--once`` does it, uploads left out.
The rate is lines per second of this process's own CPU time, which a neighbour disturbs least: the median of turns.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from headcount.logtap.coding import catalog_text, coding_of
from headcount.logtap.combined import Combined
from headcount.logtap.declaration import parse
from headcount.logtap.follow import Followed
from headcount.logtap.json_lines import JsonLines
from headcount.logtap.ledger import Ledger
from headcount.logtap.outcomes import LineOutcome, Troubles
from headcount.logtap.reading import Reader
from headcount.logtap.routes import RouteClass, Routes
from headcount.logtap.sources import CHUNK_BYTES
from headcount.logtap.tap import Tap
from headcount_sdk.storage import Storage
from headcount_wire import days
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.clock import ManualClock

TODAY = days.parse("2026-10-08")
AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "okhttp/4.12.0",
)
REFERRERS = ("-", "https://app.example.org/", "https://app.example.org/rooms?invite=q8Zk2")
AREAS = ("users", "meetings", "rooms", "files", "calls", "teams")
ACTIONS = ("", "/avatar", "/join", "/members")
DECLARED = [
    RouteClass(f"{area}{action.replace('/', '_')}", (f"/api/v2/{area}/*{action}",))
    for area in AREAS
    for action in ACTIONS
] + [RouteClass("static", ("/static/**", "/*.js"))]


def drawn(draw: random.Random) -> tuple[str, ...]:
    """The parts of one line: address, time, method, target, status, bytes, referrer, agent, seconds."""
    target = f"/api/v2/{draw.choice(AREAS)}/{draw.randrange(10**6)}{draw.choice(ACTIONS)}"
    target = draw.choice((target, target, f"{target}?token={draw.randbytes(12).hex()}", "/static/app.js", "/healthz"))
    return (
        ".".join(str(draw.randrange(256)) for _ in range(4)),
        f"{draw.randrange(24):02}:{draw.randrange(60):02}:{draw.randrange(60):02}",
        draw.choices(("GET", "POST", "PUT"), (8, 3, 1))[0],
        target,
        str(draw.choices((200, 204, 304, 404, 500), (80, 5, 8, 5, 2))[0]),
        str(draw.randrange(100_000)),
        draw.choice(REFERRERS),
        draw.choice(AGENTS),
        f"{draw.expovariate(12):.3f}",
    )


def combined_line(parts: tuple[str, ...]) -> str:
    """The line as nginx writes it, with ``$request_time`` after the user agent."""
    address, clock, method, target, status, size, referrer, agent, seconds = parts
    request = f'"{method} {target} HTTP/1.1" {status} {size} "{referrer}" "{agent}" {seconds}'
    return f"{address} - - [08/Oct/2026:{clock} +0200] {request}\n"


def json_line(parts: tuple[str, ...]) -> str:
    """The line as a JSON ``log_format`` writes it."""
    address, clock, method, target, status, size, referrer, agent, seconds = parts
    return (
        f'{{"time":"2026-10-08T{clock}+02:00","remote_addr":"{address}","method":"{method}","uri":"{target}",'
        f'"status":{status},"bytes":{size},"referer":"{referrer}","agent":"{agent}","request_time":{seconds}}}\n'
    )


def pieces(data: bytes) -> list[bytes]:
    """The lines in pieces as the tap reads them."""
    found, begin = [], 0
    while begin < len(data):
        end = data.rfind(b"\n", begin, begin + CHUNK_BYTES) + 1
        found.append(data[begin:end])
        begin = end
    return found


def count_all(reader: Reader, data: bytes) -> int:
    """How many lines a reader counts."""
    return sum(sum(reader.count(piece).lines.values()) for piece in pieces(data))


def whole_tap(folder: Path, data: bytes) -> Callable[[], int]:
    """A run of the whole tap over a file, with a state that is written and synced."""
    routes = "\n".join(f'[[routes]]\nclass = "{one.name}"\npatterns = {list(one.patterns)}' for one in DECLARED)
    head = 'name = "bench"\nedge = "https://edge.example"\nstate = "state"\ncatalog = "catalog.toml"\nowner = "bench"'
    text = f'[logtap]\n{head}\n[log]\nfile = "access.log"\nafter = ["request_time"]\n{routes}\n'
    declaration = parse(text, folder / "logtap.toml")
    coding = coding_of(declaration, parse_catalog(catalog_text(declaration)))
    (folder / "access.log").write_bytes(data)

    def run() -> int:
        clock, stop, troubles = ManualClock(TODAY * 86_400.0), threading.Event(), Troubles(print)
        with tempfile.TemporaryDirectory(dir=folder) as state:
            ledger = Ledger(Storage(state), coding, declaration.purpose, 1, troubles)
            ledger.open()
            source = Followed(folder / "access.log", None, troubles, clock.monotonic, stop, once=True)
            Tap(source, declaration.reader(), ledger, None, clock).run(stop, once=True)
            ledger.close()
            return ledger.state.lines[LineOutcome.COUNTED]

    return run


def rate(run: Callable[[], int], lines: int, turns: int) -> float:
    """Lines per second of CPU time, the median of some turns."""
    found = []
    for _ in range(turns):
        begin = time.process_time()
        assert run() == lines, "every line counts"
        found.append(lines / (time.process_time() - begin))
    return statistics.median(found)


def main() -> None:
    """Draw the lines, count them again and again, and print the rates."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--lines", type=int, default=200_000)
    arguments.add_argument("--turns", type=int, default=5)
    asked = arguments.parse_args()
    draw = random.Random(1)
    parts = [drawn(draw) for _ in range(asked.lines)]
    combined = "".join(map(combined_line, parts)).encode()
    as_json = "".join(map(json_line, parts)).encode()
    routes = Routes(DECLARED)
    names = {name: name for name in ("time", "method", "status")} | {"path": "uri", "latency": "request_time"}
    by_combined, by_json = Combined(routes, ("request_time",), "request_time"), JsonLines(routes, names)
    print(f"{asked.lines:,} lines of {len(combined) / asked.lines:.0f} bytes, {len(DECLARED)} route classes, one core")
    with tempfile.TemporaryDirectory() as folder:
        for name, run in (
            ("combined, reader", lambda: count_all(by_combined, combined)),
            ("combined, tap", whole_tap(Path(folder), combined)),
            ("JSON, reader", lambda: count_all(by_json, as_json)),
        ):
            print(f"{name:18} {rate(run, asked.lines, asked.turns):12,.0f} lines/s")


if __name__ == "__main__":
    main()

"""A small world for the log tap: one declaration, lines as nginx writes them, and what they should come to."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from headcount.logtap.coding import Coding, catalog_text, coding_of
from headcount.logtap.declaration import Declaration, parse
from headcount.logtap.labels import ANSWER, METHODS
from headcount.logtap.ledger import Ledger
from headcount.logtap.outcomes import Troubles
from headcount_sdk.storage import Storage
from headcount_wire import days
from headcount_wire.buckets import bucket_of
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.facts import Fact
from headcount_wire.report import Report

DAY = days.parse("2026-10-08")
NOON = DAY * 86_400.0 + 43_200.0
KEY = "hc_live_" + "k" * 43
DECLARED = """\
[logtap]
name = "meet_logs"
edge = "{edge}"
state = "state"
catalog = "meet-logs.toml"
owner = "operations@meet.example"
[log]
file = "access.log"
after = ["request_time"]
[[routes]]
class = "avatar"
patterns = ["/api/users/*/avatar"]
[[routes]]
class = "api"
patterns = ["/api/**"]
[[routes]]
class = "home"
patterns = ["/"]
"""
PATHS = {"/api/users/7/avatar": "avatar", "/api/rooms/9": "api", "/": "home", "/robots.txt": "other"}

Expected = Counter[tuple[int, str, str, int, int]]
"""By day, measure, label value, fact and slot."""


def declaration(folder: Path, edge: str = "https://edge.example", text: str = DECLARED) -> Declaration:
    """The declaration, read as if its file stood in a folder."""
    return parse(text.replace("{edge}", edge), folder / "logtap.toml")


def coding(declared: Declaration) -> Coding:
    """The codes of a catalog written for it."""
    return coding_of(declared, parse_catalog(catalog_text(declared)))


@dataclass
class Log:
    """Lines drawn by seed, and what they should come to."""

    draw: random.Random
    day: int = DAY
    expected: Expected = field(default_factory=Counter)
    requests: int = 0

    def line(self, *, counted: bool = True) -> bytes:
        """One line as nginx writes it; what it should come to is remembered if it is ``counted``."""
        path, status = self.draw.choice(list(PATHS)), self.draw.choice((200, 204, 301, 404, 502))
        method, milliseconds = self.draw.choice(("GET", "POST", "PROPFIND")), self.draw.randrange(3000)
        if counted:
            self.expect(path, method, status, milliseconds)
        return line(path, method, status, milliseconds, self.day, self.draw)

    def expect(self, path: str, method: str, status: int, milliseconds: int) -> None:
        """Remember that a line of this kind was written."""
        name = method.lower() if method.lower() in METHODS else "other"
        label, route = f"{name}_{status // 100}xx", PATHS[path]
        self.expected[self.day, f"requests.{route}", label, Fact.COUNT, 0] += 1
        self.expected[self.day, f"latency.{route}", label, Fact.BUCKET, bucket_of(milliseconds)] += 1
        self.requests += 1

    def lines(self, most: int) -> bytes:
        """Some lines."""
        return b"".join(self.line() for _ in range(self.draw.randint(1, most)))


def line(path: str, method: str, status: int, milliseconds: int, day: int, draw: random.Random) -> bytes:
    """A line of nginx's combined format, with the request time after it."""
    address = ".".join(str(draw.randrange(256)) for _ in range(4))
    date = f"{days.to_date(day):%d/%b/%Y}:{draw.randrange(24):02}:{draw.randrange(60):02}:{draw.randrange(60):02} +0200"
    agent = f"agent/{draw.randrange(10 ** draw.randrange(1, 12))}"
    request = f'"{method} {path}?q={draw.randrange(99)} HTTP/1.1" {status} {draw.randrange(9999)}'
    return f'{address} - - [{date}] {request} "-" "{agent}" {milliseconds / 1000:.3f}\n'.encode()


def sums_of(tallies: dict[tuple[int, int, int, int, int], int], codes: Coding) -> Expected:
    """Sums by code as sums by name, without the facts that go once a day."""
    found: Expected = Counter()
    for (day, measure, label, fact, slot), n in tallies.items():
        if fact in (Fact.COUNT, Fact.BUCKET):
            found[day, codes.by_code[measure].name, ANSWER.value_of(label) or "", fact, slot] += n
    return found


def reported(reports: list[Report], codes: Coding) -> Expected:
    """What some reports say, added up."""
    found: Expected = Counter()
    for report in reports:
        for day in report.days:
            found += sums_of({(day.day, *tally[:4]): tally.n for tally in day.tallies}, codes)
    return found


def once_facts(reports: list[Report]) -> Counter[tuple[int, int, int]]:
    """How often each measure and label said that this instance contributed, by day."""
    return Counter(
        (day.day, tally.measure, tally.label)
        for report in reports
        for day in report.days
        for tally in day.tallies
        if tally.fact == Fact.DEVICES
    )


def ledger(folder: Path, storage: Storage | None = None, kind: type[Ledger] = Ledger) -> Ledger:
    """A ledger in a folder, opened."""
    declared = declaration(folder)
    storage = storage or Storage(str(declared.state))
    found = kind(storage, coding(declared), declared.purpose, declared.policy, Troubles(print))
    found.open()
    return found


def never() -> threading.Event:
    """A stop that nobody asks for."""
    return threading.Event()

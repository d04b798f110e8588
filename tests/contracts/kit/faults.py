"""What a network can do to a report, and what must have arrived when it is over: everything, once."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from headcount_wire.facts import Fact
from headcount_wire.problems import Problem

from tests.contracts.kit.behaviour import expect, opened_with, sums_of
from tests.contracts.kit.driver import Driver
from tests.contracts.kit.edge import PORTAL, Edge, Handler, Server

START = 20_000 * 86_400.0 + 12 * 3600.0
DAY = 86_400
FLAG = 3
Do = Callable[[Handler], None]


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    ``first``: what the edge does to the first attempts. ``arrives``: whether the report is there in the end.
    ``same``: whether the next attempt is the same report, byte for byte. ``waits``: whether a pump right after it
    must not try again.
    """

    name: str
    sentence: str
    first: tuple[Do, ...]
    arrives: bool = True
    same: bool = True
    waits: bool = True
    days: int = field(default=1)


def lost(handler: Handler) -> None:
    """Taken, and the answer lost on its way."""
    assert handler.latest is not None
    handler.edge.take(handler.latest)
    handler.reset()


def half(handler: Handler) -> None:
    """Taken, and half an answer comes back."""
    assert handler.latest is not None
    handler.edge.take(handler.latest)
    handler.wfile.write(b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n{"admi')
    handler.wfile.flush()
    handler.reset()


def slow(handler: Handler) -> None:
    """Nothing comes back until the device has hung up, or ten seconds later."""
    handler.connection.settimeout(10)
    with suppress(OSError):
        handler.connection.recv(1)
    handler.reset()


def drip(handler: Handler) -> None:
    """A byte of an answer now and then, until the device has hung up."""
    pause = threading.Event()
    with suppress(OSError):
        for byte in b"HTTP/1.1 202 Accepted\r\n" * 20:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            if pause.wait(0.1):
                break
    handler.reset()


def says(status: int, media: str, body: bytes, **headers: str) -> Do:
    """An answer of somebody else's."""
    return lambda handler: handler.answer(status, media, body, **headers)


def refuses(problem: Problem, **extra: str) -> Do:
    """A listed problem."""
    return lambda handler: handler.problem(problem, **extra)


def too_large(handler: Handler) -> None:
    """413 for whatever has more than one day."""
    assert handler.latest is not None
    if len(handler.latest.report.days) > 1:
        handler.problem(Problem.TOO_LARGE)
    else:
        handler.accept()


FAULTS = [
    Fault(
        "429",
        "429 with Retry-After: kept, and not tried before.",
        (refuses(Problem.RATE, retry_after="600"),),
        same=False,
    ),
    Fault(
        "503", "503: kept, and tried again after a pause.", (refuses(Problem.OVERLOADED, retry_after="60"),), same=False
    ),
    Fault(
        "507", "507: kept, and tried again after a pause.", (refuses(Problem.STORAGE, retry_after="60"),), same=False
    ),
    Fault(
        "507-failed", "A disk that failed: the same report again.", (refuses(Problem.STORAGE_FAILED, retry_after="60"),)
    ),
    Fault(
        "507-for-long",
        "507 for longer than a report may be old: made anew, and counted.",
        (refuses(Problem.STORAGE, retry_after="60"),) * 24,
        same=False,
    ),
    Fault("500", "500: the same report again.", (refuses(Problem.FAILED, retry_after="60"),)),
    Fault("401", "A key that is not known: kept for a day.", (refuses(Problem.KEY_UNKNOWN),), same=False),
    Fault("reset", "The connection is reset: kept.", (lambda handler: handler.reset(),), waits=False),
    Fault("lost-answer", "Taken, and the answer lost: the same bytes again, counted once.", (lost,), waits=False),
    Fault("half-answer", "Taken, and half an answer: the same bytes again, counted once.", (half,), waits=False),
    Fault("slow", "No answer in time: kept.", (slow,), waits=False),
    Fault("drip", "An answer a byte at a time: ended as a whole, and kept.", (drip,), waits=False),
    Fault("portal", "A captive portal's page is no answer.", (says(200, "text/html", PORTAL),), waits=False),
    Fault(
        "portal-202", "Nor is a 202 that is not ours.", (says(202, "application/json", b'{"ok":true}'),), waits=False
    ),
    Fault(
        "redirect",
        "A redirect is no answer, and nobody follows it.",
        (says(307, "text/html", b"", Location="/elsewhere"),),
        waits=False,
    ),
    Fault("proxy-404", "A proxy's 404 is no answer.", (says(404, "text/html", b"no such page"),), waits=False),
    Fault("proxy-413", "A proxy's 413 is no answer.", (says(413, "text/html", b"too large"),), waits=False),
    Fault("400", "A refusal for good: dropped, markers stay.", (refuses(Problem.MALFORMED),), arrives=False),
    Fault("413", "Too large: divided, each part under a new id.", (too_large,) * 8, same=False, days=4),
    Fault("many", "Fault after fault: still counted once.", (lost, half, refuses(Problem.FAILED), lost), waits=False),
]


def play_fault(command: str, fault: Fault, folder: Path) -> None:
    """Hold a driver to one fault; raises ``NotHeldError``."""
    clock = [START]
    edge = Edge(lambda: clock[0], faults=list(fault.first))
    with Server(edge) as server, Driver(command, opened_with(folder, server.url, START)) as driver:

        def advance(seconds: float) -> None:
            clock[0] += seconds
            driver.ask("advance", seconds=seconds)

        driver.ask("grant", purposes=["usage"])
        for _ in range(fault.days):
            driver.ask("track", name="share.used", labels={})
            advance(DAY)
        driver.ask("flush")
        attempts = len(edge.got)
        if fault.waits and edge.faults == [] and fault.days == 1:
            driver.ask("pump")
            expect(len(edge.got) == attempts, "tried again at once, though it was told to wait")
        for _ in range(len(fault.first) + 1):
            advance(DAY + 3600)
            driver.ask("pump")
            advance(5 * 3600)
            driver.ask("pump")
        if not fault.arrives:
            driver.ask("track", name="meeting.joined", labels={"entry": "link"})
            driver.ask("flush")
            gaps = {key[1]: key[4] for key in sums_of(edge) if key[3] == Fact.GAP}
            expect(gaps == {1: 31, 2: 31}, f"after a refusal the gaps are {gaps}: a marker moved")
    expect(not edge.wrong, "; ".join(edge.wrong))
    expected = range(20_000, 20_000 + fault.days) if fault.arrives else range(0)
    found = {key[0]: n for key, n in sums_of(edge).items() if key[1:4] == (FLAG, 0, Fact.DEVICES)}
    expect(found == dict.fromkeys(expected, 1), f"of days {list(expected)} arrived {found}")
    first, *others = edge.got
    if fault.same and others and fault.arrives:
        expect(others[0].body == first.body and others[0].path == first.path, "the next attempt was another report")


def own_certificate() -> ssl.SSLContext:
    """TLS with a certificate of an authority that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    return context


def play_wrong_certificate(command: str, folder: Path) -> None:
    """A server that cannot prove who it is gets no byte of a report and no key."""
    edge = Edge(lambda: START)
    with Server(edge, own_certificate()) as server, Driver(command, opened_with(folder, server.url, START)) as driver:
        driver.ask("grant", purposes=["usage"])
        driver.ask("track", name="share.used", labels={})
        driver.ask("flush")
    expect(edge.requests == 0, f"{edge.requests} requests reached a server with a wrong certificate")


def play_region(command: str, folder: Path, *, listed: bool) -> None:
    """A Customer of another region: followed to a host that the app lists, and to no other."""
    here, there = Edge(lambda: START), Edge(lambda: START)
    with Server(here) as first, Server(there) as second:
        here.faults = [refuses(Problem.REGION, region="us", address=second.url)] * 9
        hosts = [second.url] if listed else []
        with Driver(command, opened_with(folder, first.url, START, hosts=hosts)) as driver:
            driver.ask("grant", purposes=["usage"])
            driver.ask("track", name="share.used", labels={})
            driver.ask("flush")
            driver.ask("flush")
    expect(not here.accepted, "the first region took it")
    expect(bool(there.accepted) == listed, "the listed host has no report" if listed else "an unlisted host was asked")
    expect(listed or there.requests == 0, "an unlisted host was asked")


def play_not_owner(command: str, folder: Path, *, listed: bool) -> None:
    """A node that does not count the report: the same bytes to the one that does, and the next report as before."""
    clock = [START]
    here, there = Edge(lambda: clock[0]), Edge(lambda: clock[0])
    with Server(here) as first, Server(there) as second:
        here.faults = [refuses(Problem.NOT_OWNER, address=second.url)]
        hosts = [second.url] if listed else []
        with Driver(command, opened_with(folder, first.url, START, hosts=hosts)) as driver:
            driver.ask("grant", purposes=["usage"])
            for _ in range(2):
                driver.ask("track", name="share.used", labels={})
                driver.ask("flush")
                clock[0] += DAY
                driver.ask("advance", seconds=DAY)
    expect(len({(got.report_id, got.body) for got in (*here.got[:1], *there.got)}) == 1, "it was not the same report")
    expect(len(there.accepted) == listed, "the owner has no report" if listed else "an unlisted host was asked")
    expect(bool(here.accepted), "what came after, or was kept, did not go to the first host")


def play_kills(command: str, folder: Path) -> None:
    """Killed between every two commands, with an edge that loses every other answer: everything counts once."""
    clock = [START]
    edge = Edge(lambda: clock[0], faults=[lost, lambda handler: handler.accept()] * 40)
    with Server(edge) as server, Driver(command, opened_with(folder, server.url, START)) as driver:
        driver.ask("grant", purposes=["usage"])
        for _ in range(10):
            for name, labels in (("share.used", {}), ("meeting.joined", {"entry": "link"})):
                driver.ask("track", name=name, labels=labels)
                driver.kill()
                driver.now_is(clock[0])
                driver.open()
            clock[0] += DAY
            driver.ask("advance", seconds=DAY)
            driver.ask("flush")
            driver.kill()
            driver.now_is(clock[0])
            driver.open()
        clock[0] += DAY
        driver.ask("advance", seconds=DAY)
        driver.ask("flush")
        driver.ask("flush")
    expect(not edge.wrong, "; ".join(edge.wrong))
    found = sums_of(edge)
    for day in range(20_000, 20_010):
        expect(
            found[day, FLAG, 0, int(Fact.DEVICES), 0] == 1, f"day {day}: {found[day, FLAG, 0, int(Fact.DEVICES), 0]}"
        )
        expect(found[day, 2, 2, int(Fact.COUNT), 0] == 1, f"day {day}: a count is missing or doubled")

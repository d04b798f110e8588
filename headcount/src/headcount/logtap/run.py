"""What ``headcount logtap`` does: opens everything in order, and says in a sentence what is in the way."""

from __future__ import annotations

import os
import random
import resource
import signal
import stat
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import IntEnum
from pathlib import Path

from headcount_sdk.storage import DirectoryBusy, Storage
from headcount_sdk.transport import HttpTransport, Transport
from headcount_wire.app_key import is_key
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.clock import Clock, SystemClock
from headcount_wire.errors import CatalogError, DeclarationError
from headcount_wire.organisation import read_text
from rich.console import Console

from headcount.logtap import show
from headcount.logtap import state as states
from headcount.logtap.coding import CatalogRefused, catalog_text, coding_of
from headcount.logtap.declaration import Declaration, load
from headcount.logtap.follow import Followed
from headcount.logtap.ledger import Ledger
from headcount.logtap.outcomes import Delivery, LineOutcome, Trouble, Troubles
from headcount.logtap.sending import Edge, Sender
from headcount.logtap.stream import Stream
from headcount.logtap.tap import Tap

KEY_VARIABLE = "HEADCOUNT_LOGTAP_KEY"

Say = Callable[[str], None]


class Exit(IntEnum):
    """How the command ends, as its exit code."""

    DONE = 0
    WAITS = 1
    MISDECLARED = 2
    UNREADABLE = 3
    FAILED = 4
    DENIED = 5

    @property
    def sentence(self) -> str:
        """What it means."""
        return _EXITS[self]


_EXITS = {
    Exit.DONE: "It was told to stop, or all lines are read and all that they count is handed over.",
    Exit.WAITS: "Not all that the lines count was handed over: run it again. Of catalog --check: it is stale.",
    Exit.MISDECLARED: "The tap's file, its catalog, its key, its folder or its log cannot be used; each fault is said.",
    Exit.UNREADABLE: "Lines were read, and not one of them was of the declared format.",
    Exit.FAILED: "Something inside failed; a new start goes on from the last checkpoint.",
    Exit.DENIED: "The Customer's policy does not allow the purpose: lines were not counted, or counts erased.",
}


class Obstacle(Exception):
    """Something keeps the tap from starting; the text says what and what to do, in a sentence each."""


def until_told() -> threading.Event:
    """Set by SIGTERM and SIGINT."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    return asked


def run(
    config: Path,
    out: Console,
    say: Say,
    stop: threading.Event,
    *,
    once: bool,
    from_start: bool,
    as_json: bool,
    clock: Clock | None = None,
    transport: Transport | None = None,
) -> Exit:
    """Count lines until told to stop or until they end, and print the account."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # memory holds lines; a core would put them on a disk
    clock, troubles = clock or SystemClock(), Troubles(say)
    with ExitStack() as held:
        try:
            with _obstacles():
                declaration = load(config)
                coding = coding_of(declaration, _catalog(declaration.catalog))
                edge = Edge(declaration.edge, _key(declaration), declaration.report_minutes * 60.0)
                storage = Storage(str(declaration.state))
                ledger = Ledger(storage, coding, declaration.purpose, declaration.policy, troubles)
                saved_ns = ledger.open()
                held.callback(ledger.close)
                source = _source(declaration, ledger, troubles, clock, stop, saved_ns, once=once, from_start=from_start)
        except Obstacle as obstacle:
            say(str(obstacle))
            return Exit.MISDECLARED
        before, erased = ledger.state.lines.copy(), ledger.state.requests[Delivery.ERASED]
        draw = random.Random()  # noqa: S311  # spreads uploads; nothing secret hangs on it
        sender = Sender(ledger, edge, clock, transport or HttpTransport(), draw, troubles)
        try:
            Tap(source, declaration.reader(), ledger, sender, clock).run(stop, once=once)
        except Exception as error:  # an error's text can hold a line; its kind does not
            troubles.note(Trouble.INTERNAL, type(error).__name__)
            return Exit.FAILED
        found = show.account(ledger.state, troubles.counts)
        show.print_account(found, out, as_json=as_json)
        if source.ended and source.unfinished:
            say("The last line has no end yet, and waits for it.")
        read = ledger.state.lines - before
        if source.ended or once:
            if not ledger.allowed and not ledger.state.lines.total():
                say("Nothing was read: once the policy allows the purpose, run it again.")
            if not ledger.allowed or read[LineOutcome.NOT_ALLOWED] or ledger.state.requests[Delivery.ERASED] > erased:
                return Exit.DENIED
        waits = source.ended and bool(found["requests"]["waiting"] or troubles.counts[Trouble.TALLIES_DROPPED])
        return _exit_of(read, waits=waits)


def look(config: Path, out: Console, say: Say, *, as_json: bool, clock: Clock | None = None) -> Exit:
    """Show what would be counted of a log, from its start; nothing is kept and nothing sent."""
    clock, troubles, stop = clock or SystemClock(), Troubles(say), threading.Event()
    try:
        with _obstacles():
            declaration = load(config)
            # The codes are nobody else's here, so that the catalog need not be written yet.
            coding = coding_of(declaration, parse_catalog(catalog_text(declaration)))
            ledger = Ledger(None, coding, declaration.purpose, declaration.policy, troubles)
            source = _source(declaration, ledger, troubles, clock, stop, 0, once=True, from_start=True)
    except Obstacle as obstacle:
        say(str(obstacle))
        return Exit.MISDECLARED
    Tap(source, declaration.reader(), ledger, None, clock).run(stop, once=True)
    found = show.account(ledger.state, troubles.counts)
    if not as_json:
        show.print_routes(ledger.state.waiting, coding, declaration.class_names, out)
    show.print_account(found, out, as_json=as_json)
    return _exit_of(ledger.state.lines, waits=False)


def write_catalog(config: Path, out: Console, say: Say, *, check: bool) -> Exit:
    """Write the catalog that a declaration needs; with ``check`` only say whether it is that."""
    try:
        with _obstacles():
            declaration = load(config)
            file = declaration.catalog
            before = _catalog(file) if file.exists() else None
            text = catalog_text(declaration, before)
            version = parse_catalog(text).version
            if before is not None and before.version == version:
                out.print(f"{file}: version {version}, as the routes need it.", highlight=False, soft_wrap=True)
                return Exit.DONE
            if check:
                say(f"{file} is not what the routes need now. Run: headcount logtap catalog")
                return Exit.WAITS
            file.write_text(text, "utf-8")
    except Obstacle as obstacle:
        say(str(obstacle))
        return Exit.MISDECLARED
    said = f"{file}: version {version}. Give it to the edge first, then start the tap."
    out.print(said, highlight=False, soft_wrap=True)
    return Exit.DONE


def tell(config: Path, out: Console, say: Say, *, as_json: bool) -> Exit:
    """Print the account of the last checkpoint, also while a tap runs."""
    try:
        with _obstacles():
            declaration = load(config)
            coding = coding_of(declaration, _catalog(declaration.catalog))
            state = states.decode((declaration.state / states.FILE).read_bytes(), coding.by_code)
    except Obstacle as obstacle:
        say(str(obstacle))
        return Exit.MISDECLARED
    show.print_account(show.account(state), out, as_json=as_json)
    return Exit.DONE


@contextmanager
def _obstacles() -> Iterator[None]:
    """What keeps the tap from starting, as one kind of exception with a text for people."""
    try:
        yield
    except (CatalogRefused, DeclarationError) as error:
        raise Obstacle(str(error)) from None
    except states.StateDamaged:
        raise Obstacle("The state is damaged; a start sets it aside.") from None
    except DirectoryBusy:
        raise Obstacle("Another tap has this state folder; give each its own.") from None
    except OSError as error:
        raise Obstacle(f"{error.filename}: cannot be used ({error.strerror}).") from None


def _catalog(file: Path) -> Catalog:
    try:
        return parse_catalog(read_text(file, CatalogError), str(file))
    except FileNotFoundError:
        raise Obstacle(f"{file} is not there. Run: headcount logtap catalog") from None


def _key(declaration: Declaration) -> str:
    place, key = KEY_VARIABLE, os.environ.get(KEY_VARIABLE, "")
    if declaration.key_file is not None and not key:
        place, key = str(declaration.key_file), declaration.key_file.read_text("utf-8", errors="replace")
    if not is_key(key.strip()):
        raise Obstacle(f"{place}: holds no app key. headcount keys new live makes one.")
    return key.strip()


def _source(
    declaration: Declaration,
    ledger: Ledger,
    troubles: Troubles,
    clock: Clock,
    stop: threading.Event,
    saved_ns: int,
    *,
    once: bool,
    from_start: bool,
) -> Followed | Stream:
    log = declaration.log
    if log is None:
        return Stream(sys.stdin.fileno())
    try:
        with log.open("rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise Obstacle(f"{log}: is no file; have its lines written to standard input.")
    except FileNotFoundError:
        if once:
            raise
    position = ledger.state.position
    monotonic = clock.monotonic
    return Followed(log, position, troubles, monotonic, stop, saved_ns=saved_ns, from_start=from_start, once=once)


def _exit_of(lines: Counter[LineOutcome], *, waits: bool) -> Exit:
    if lines.total() and lines[LineOutcome.UNREADABLE] == lines.total():
        return Exit.UNREADABLE
    return Exit.WAITS if waits else Exit.DONE

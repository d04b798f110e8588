"""What a team keeps beside its numbers: notes on days, saved views, and where summaries are sent to.

Declared in one TOML file of its own, which only the web process reads: it says nothing that edges or the store
would act on, and may hold secrets (a webhook's address is one). ``docs/dashboard-file.md`` explains the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import structlog
from headcount_wire.declared import Declared, read_toml
from headcount_wire.errors import DeclarationError
from headcount_wire.organisation import read_text

from headcount_aggregator.web.access import Subject

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.web")

TEXT_MOST = 200
_NAME = r"[a-z][a-z0-9_-]{0,63}"
LANGUAGES = ("en", "de", "es", "fr")


class DeskError(DeclarationError):
    """The dashboard's file cannot be used."""


class Sends(StrEnum):
    """What a webhook is told."""

    WEEKLY = "weekly"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Place:
    """Whose something is: every Customer's and app's where a name is empty."""

    customer: str = ""
    app: str = ""

    def holds(self, subject: Subject) -> bool:
        """Whether it belongs to a Customer's app."""
        return self.customer in ("", subject.customer.name) and self.app in ("", subject.app.name)


@dataclass(frozen=True, slots=True)
class Note:
    """What happened on a day."""

    day: int
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class SavedView:
    """A page with its state, under a name. ``state`` is what stands behind the question mark of its address."""

    name: str
    page: str
    state: str
    place: Place


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where to send what a reader may see. Its address and its secret are shown nowhere."""

    name: str
    reader: str
    place: Place
    sends: tuple[Sends, ...]
    language: str
    url: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Desk:
    """All that one file declares. ``address`` is where the dashboard is reached, for the links in messages."""

    address: str = ""
    notes: tuple[Note, ...] = ()
    views: tuple[SavedView, ...] = ()
    webhooks: tuple[Webhook, ...] = ()

    def notes_of(self, subject: Subject, first: int, last: int) -> list[Note]:
        """The notes on the days of a span, by day."""
        return sorted((n for n in self.notes if first <= n.day <= last and n.place.holds(subject)), key=lambda n: n.day)

    def views_of(self, subject: Subject) -> list[SavedView]:
        """The saved views of a Customer's app, in the order of the file."""
        return [view for view in self.views if view.place.holds(subject)]


class DeskFile:
    """The desk in force. A file that cannot be used leaves the one before in force; without a file it is empty."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._desk = Desk()

    @property
    def desk(self) -> Desk:
        """The desk as its file says now."""
        if self._path is None:
            return self._desk
        try:
            stat = self._path.stat()
            stamp = stat.st_mtime_ns, stat.st_size, stat.st_ino
            if stamp != self._stamp:
                self._stamp = stamp
                self._desk = parse_desk(read_text(self._path, DeskError), str(self._path))
        except DeskError as error:
            faults = [str(finding) for finding in error.findings]
            log.error("dashboard_file_faulty", faults=faults, advice="correct it; what was before stays in force")
        except OSError:
            if self._stamp is not None:
                log.error("dashboard_file_gone", advice="put it back; what it said stays in force")
            self._stamp = None
        return self._desk


T = TypeVar("T")


def parse_desk(text: str, file: str = "dashboard.toml") -> Desk:
    """The desk in a TOML text. Raises ``DeskError`` with every fault and its line."""
    root = read_toml(text, file, DeskError)
    address = root.text(
        "address", "", pattern=r"(https?://[^\s?#]+)?", form="an address such as https://numbers.example"
    )
    desk = Desk(
        address.rstrip("/"),
        _whole(_note(table) for table in root.items("notes")),
        _whole(_view(table) for table in root.items("views")),
        _whole(_webhook(table) for table in root.items("webhooks")),
    )
    names = [hook.name for hook in desk.webhooks]
    for name in {name for name in names if names.count(name) > 1}:
        root.fault(f"two are called {name}", "webhooks")
    root.close()
    if root.faults.findings:
        raise DeskError(file, sorted(root.faults.findings, key=lambda finding: finding.line))
    return desk


def _whole(found: Iterable[T | None]) -> tuple[T, ...]:
    return tuple(one for one in found if one is not None)


def _place(table: Declared) -> Place:
    return Place(table.text("customer", ""), table.text("app", ""))


def _short(table: Declared, key: str) -> str:
    text = table.text(key)
    if len(text) > TEXT_MOST or not text.isprintable():
        table.fault(f"must be one line of at most {TEXT_MOST} letters", key)
    return text


def _note(table: Declared) -> Note | None:
    day = table.day("day")
    if "day" not in table:
        table.fault("day is missing")
    note = Note(day or 0, _short(table, "text"), _place(table))
    table.close()
    return note


def _view(table: Declared) -> SavedView:
    page = table.text("page", pattern=_NAME, form="the last part of a page's address, such as explore")
    state = table.text("state", "", pattern=r"[^\s?#]*", form="what stands behind the question mark of the address")
    view = SavedView(_short(table, "name"), page, state, _place(table))
    table.close()
    return view


def _webhook(table: Declared) -> Webhook | None:
    sends = table.texts("send", tuple(Sends))
    if not set(sends) <= set(Sends):
        table.fault(f"must be a list of: {', '.join(Sends)}", "send")
        sends = ()
    language = table.text("language", "en")
    if language not in LANGUAGES:
        table.fault(f"must be one of: {', '.join(LANGUAGES)}", "language")
    url = table.text("url")
    if not _may_be_sent_to(url):
        table.fault("must be an https address, or an http address of this machine", "url")
    hook = Webhook(
        name=table.text("name", pattern=_NAME, form="a lower-case word of letters, digits, - and _"),
        reader=table.text("reader"),
        place=_place(table),
        sends=tuple(Sends(one) for one in sends),
        language=language,
        url=url,
        secret=table.text("secret", ""),
    )
    table.close()
    return hook


def _may_be_sent_to(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return bool(parts.hostname) and port != 0 and (parts.scheme == "https" or (parts.scheme == "http" and here))

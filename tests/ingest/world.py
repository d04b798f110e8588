"""An organisation in which an edge has every reason to accept, to drop and to refuse, and reports for each.

Catalogs 3, 4 and 5 are admitted (N-2, N-1, N), 2 is one too old. The frozen good vectors are reports of catalog 3.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from headcount_ingest.disk import Disk
from headcount_wire import days, limits
from headcount_wire.app_key import fingerprint
from headcount_wire.clock import ManualClock
from headcount_wire.report import Report, Tally

from tests.ingest.conftest import TODAY, Worker, report, running, settings_in

CATALOGS = (5, 4, 3, 2)
OLDEST_ADMITTED = 3


def _key(kind: str, name: str) -> str:
    return f"hc_{kind}_{name:x<43}"


ACTIVE, SECOND, ROTATING, REVOKED = (_key("live", name) for name in ("active", "second", "rotating", "revoked"))
DEBUG, MISDECLARED, UNDECLARED_DEBUG = _key("debug", "debug"), _key("live", "mis"), _key("debug", "undeclared")
UNKNOWN = _key("live", "unknown")
FAR, LOST, HALTED = (_key("live", name) for name in ("far", "lost", "halted"))
STRICT, OTHER_CUSTOMER, MODERN = (_key("live", name) for name in ("strict", "other", "modern"))

ACME, NORTH = 11, 5
_CUSTOMERS = """\
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
policy = { version = 4, consent_since = 2, purposes = ["usage", "context"], context = ["os", "app_version"] }
[customers.far]
code = 12
region = "us"
policy = { version = 4, consent_since = 2, purposes = ["usage"] }
[customers.lost]
code = 13
region = "moon"
policy = { version = 4, consent_since = 2, purposes = ["usage"] }
[customers.halted]
code = 14
policy = { version = 4, consent_since = 2, purposes = ["usage"], paused = true }
[customers.strict]
code = 15
policy = { version = 9, consent_since = 7, purposes = ["usage", "diagnostics"], renewed = { usage = 9 } }
[customers.other]
code = 16
policy = { version = 4, purposes = ["diagnostics"] }
[customers.modern]
code = 17
policy = { version = 4, purposes = ["usage"], minimum_sdk = "9.0" }
[apps.meet]
code = 3
"""
_KEYS = (
    (ACTIVE, "acme", ""),
    (SECOND, "acme", ""),
    (ROTATING, "acme", 'state = "rotating"'),
    (REVOKED, "acme", 'state = "revoked"'),
    (DEBUG, "acme", "debug = true"),
    (MISDECLARED, "acme", "debug = true"),
    (UNDECLARED_DEBUG, "acme", ""),
    (FAR, "far", ""),
    (LOST, "lost", ""),
    (HALTED, "halted", ""),
    (STRICT, "strict", ""),
    (OTHER_CUSTOMER, "other", ""),
    (MODERN, "modern", ""),
)

_HEAD = """\
[catalog]
name = "meet"
version = {version}
[purposes.usage]
sentence.en = "Count features."
[purposes.diagnostics]
sentence.en = "Measure speed."
[purposes.context]
sentence.en = "Tell the system."
[context]
os = "context"
os_version = "context"
language = "context"
time_zone = "context"
app_version = "context"
device_class = "context"
"""
ACTIVE_USE, JOINED, SHARED, JOIN_TIME, ENDED, EXPIRED, ROOMS, SETUP, WIDE, WAITED = range(1, 11)
WIDE_CAP = limits.CAP_MAX
_MEASURES = {
    "active": 'kind = "active"',
    "meeting.joined": 'kind = "counter"\ncap = 5\nreach = true\nlabel = { key = "entry", values = ["link", "room"] }',
    "share.used": 'kind = "flag"',
    "join.time": 'kind = "timing"\ncap = 10',
    "session.end": 'kind = "crash_free"\ncap = 20',
    "old.feature": f'kind = "flag"\nexpires = {days.text(TODAY - 10)}',
    "rooms": 'kind = "quantity"\ncap = 10000\nunit = "rooms"',
    "meeting.setup": 'kind = "funnel"\nsteps = ["meeting.joined=room", "share.used"]\nwindow_minutes = 30',
    "wide": (
        f'kind = "counter"\ncap = {WIDE_CAP}\n'
        f'label = {{ key = "kind", values = [{", ".join(f"{chr(34)}v{n}{chr(34)}" for n in range(64))}] }}'
    ),
    "wait.time": 'kind = "timing"\ncap = 10',
}
_DIAGNOSTICS = {"join.time"}


def measure_names() -> tuple[str, ...]:
    """The measures of each catalog, in the order of their codes from 1."""
    return tuple(_MEASURES)


def catalog_text(version: int) -> str:
    tables = [
        f'[measures."{name}"]\ncode = {code}\npurpose = "{"diagnostics" if name in _DIAGNOSTICS else "usage"}"\n'
        f'description = "Something."\nowner = "p@x.example"\n{text}\n'
        for code, (name, text) in enumerate(_MEASURES.items(), 1)
    ]
    return _HEAD.format(version=version) + "".join(tables)


def write_organisation(folder: Path, *, fleet: str = "") -> Path:
    """Write the organisation, of a fleet if one is declared, and its catalogs; the path of the organisation file."""
    for version in CATALOGS:
        (folder / f"catalog-{version}.toml").write_text(catalog_text(version))
    files = ", ".join(f'"catalog-{version}.toml"' for version in CATALOGS)
    keys = [
        f'[[keys]]\nfingerprint = "{fingerprint(key)}"\ncustomer = "{customer}"\napp = "meet"\n{more}\n'
        for key, customer, more in _KEYS
    ]
    path = folder / "organisation.toml"
    path.write_text(fleet + _CUSTOMERS + f"catalogs = [{files}]\n" + "".join(keys))
    return path


def sound(*tallies: Tally, **changes: object) -> Report:
    """A report that Acme's edge admits whole, but for what is changed."""
    return report(*(tallies or (Tally(SHARED, 0, 2, 0, 1),)), **{"catalog": 5, **changes})  # type: ignore[arg-type]


@asynccontextmanager
async def served(
    folder: Path, *, disk: Disk | None = None, clock: ManualClock | None = None, fleet: str = "", **changes: Any
) -> AsyncIterator[Worker]:
    """A worker of this organisation in this process, on loopback, with some settings changed."""
    settings = replace(settings_in(folder), organisation=write_organisation(folder, fleet=fleet), **changes)
    worker = await running(settings, disk, clock)
    try:
        yield worker
    finally:
        await worker.close()
        await worker.session.close()

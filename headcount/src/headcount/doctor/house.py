"""Checks of the house itself: its ports, its workers where it runs, its store."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
from typing import Any

from headcount_wire.clock import Clock

from headcount.doctor.checks import Check, Result, Verdict, worst
from headcount.preflight import port_obstacles
from headcount.settings import Settings
from headcount.stack import store_health

BEHIND_SECONDS = 900.0
NAME_DIGITS = 20


def runs(settings: Settings) -> bool:
    """Whether a house runs on this data folder now: it holds the folder's lock.

    Whoever may not read the lock asks the port, which another house may answer.
    """
    try:
        lock = os.open(settings.data / "lock", os.O_RDONLY)
    except PermissionError:
        return ask(settings.admin_host, settings.admin_port, "/livez") is not None
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def ports(settings: Settings, *, running: bool) -> Result:
    """Whether each port is free, or, where the house runs, answered."""
    if not running:
        return worst(Check.PORTS, [(Verdict.FAIL, fault) for fault in port_obstacles(settings)], "free")
    asked = [(settings.dashboard_host, settings.dashboard_port)]
    asked += [(settings.admin_host, settings.admin_port + worker) for worker in range(settings.workers)]
    silent = [f"{host}, port {port} does not answer" for host, port in asked if ask(host, port, "/livez") is None]
    return worst(Check.PORTS, [(Verdict.FAIL, text) for text in silent], "this house answers")


def readiness(settings: Settings, *, running: bool) -> Result:
    """What the workers say of themselves, where they run."""
    if not running:
        return Result(Check.READINESS, Verdict.OK, "the house does not run")
    faults: list[tuple[Verdict, str]] = []
    for worker in range(settings.workers):
        said = ask(settings.admin_host, settings.admin_port + worker, "/readyz")
        if said is None:
            faults.append((Verdict.FAIL, f"worker {worker} does not answer"))
            continue
        for list_, verdict in (("reasons", Verdict.FAIL), ("warnings", Verdict.WARN)):
            faults += [(verdict, f"worker {worker}: {found['reason']}") for found in said.get(list_, ())]
    return worst(Check.READINESS, faults, f"{settings.workers} workers are ready")


def store(settings: Settings, clock: Clock) -> Result:
    """What the store says of itself, and what lies in the spool."""
    health = store_health(settings.data) or {}
    faults: list[tuple[Verdict, str]] = [(Verdict.FAIL, str(reason)) for reason in health.get("reasons", ())]
    since = health.get("since_start", {})
    if lost := since.get("records_lost", 0):
        faults.append((Verdict.WARN, f"{lost} records or more were lost since it started"))
    spool = settings.data / "spool"
    if aside := len(list(spool.glob("*/*.bad"))):
        faults.append((Verdict.WARN, f"{aside} files are set aside in {spool}"))
    oldest = min((path.name for path in spool.glob("*/*.seg")), default="")[:NAME_DIGITS]
    waits = clock.now() - int(oldest) / 1e9 if oldest.isdecimal() else 0.0
    if waits > BEHIND_SECONDS:
        faults.append((Verdict.WARN, f"the oldest segment has waited {waits / 60:.0f} minutes for the loader"))
    return worst(Check.STORE, faults, "nothing waits long, nothing is set aside")


def ask(host: str, port: int, path: str) -> dict[str, Any] | None:
    """What a port of the house says; ``None`` when nobody does, or not as the house would."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path)
        found = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return found if isinstance(found, dict) else None

"""A whole house under every profile of ``headcount load``: does the account of every report balance?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headcount.loadgen.profiles import Profile

from benchmarks.bench.chapter import Chapter, Figure, Plot, Sheet, lines
from benchmarks.edge.population import CATALOG_FILE

COMMAND = [sys.executable, "-c", "from headcount.command import main; main()", "load"]


@dataclass(frozen=True)
class Given:
    """How large each load is."""

    devices: int
    rate: float
    seconds: float


def accounts(folder: Path, report: Path, given: Given) -> Chapter:
    """Every profile against a house of its own; each leaves a page of its own beside the report."""
    found = {profile: _loaded(profile, folder, report, given) for profile in Profile}
    chapter = Chapter(
        "accounts",
        "The account of every report, in every profile",
        f"headcount load against a house of its own: {given.devices:,} devices, {given.rate:g} reports a second at the "
        f"height, {given.seconds:g} s, from the device to stored units.",
    )
    for profile, plain in found.items():
        claims = [check["claim"] for check in plain["checks"] if not check["holds"]]
        told = "balances" if plain["balances"] else "; ".join(claims)
        chapter.figures.append(Figure(profile.value, told, "balances", bool(plain["balances"])))
        chapter.notes.append(f"{profile.value}: {profile.sentence}")
    columns = ("profile", "reports", "attempts", "accepted", "refused", "failed", "counted once", "p50 ms", "p99 ms")
    chapter.sheets.append(Sheet("Accounts", columns, [_row(profile, plain) for profile, plain in found.items()]))
    outage = _outage(found[Profile.OUTAGE])
    chapter.plots.append(
        Plot(
            "outage",
            lambda axes: lines(axes, outage, "An outage and its end", "second", "reports a second"),
        )
    )
    chapter.notes.append("Each profile's page: " + ", ".join(f"load-{profile.value}.html" for profile in Profile) + ".")
    chapter.data = {profile.value: _without_series(plain) for profile, plain in found.items()}
    return chapter


def _loaded(profile: Profile, folder: Path, report: Path, given: Given) -> dict[str, Any]:
    file = folder / f"{profile.value}.json"
    options = {
        "--profile": profile.value,
        "--devices": given.devices,
        "--rate": given.rate,
        "--duration": given.seconds,
        "--catalog": CATALOG_FILE,
        "--json": file,
        "--html": report / f"load-{profile.value}.html",
    }
    told = [str(word) for pair in options.items() for word in pair]
    done = subprocess.run([*COMMAND, *told], capture_output=True, text=True, timeout=600, check=False)
    if not file.exists():
        raise SystemExit(f"headcount load, {profile.value}: {done.stdout}{done.stderr}")
    plain: dict[str, Any] = json.loads(file.read_bytes())
    return plain


def _row(profile: Profile, plain: dict[str, Any]) -> tuple[str, ...]:
    account, took = plain["account"], plain["latency_ms"]["intended"]
    numbers = [account["made"], account["sent"], account["accepted"]]
    numbers += [sum(account[name].values()) for name in ("refused", "failed")]
    numbers.append(plain["centre"]["records"])
    return (profile.value, *(f"{number:,}" for number in numbers), f"{took['p50']:.1f}", f"{took['p99']:.1f}")


def _outage(plain: dict[str, Any]) -> dict[str, Sequence[tuple[float, float]]]:
    return {name: [(one["at"], one[name]) for one in plain["seconds"]] for name in ("meant", "accepted", "failed")}


def _without_series(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in plain.items() if name not in ("seconds", "histograms")}

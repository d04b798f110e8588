"""Vectors of behaviour: given this catalog and these calls at these clock times, expect these reports."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from headcount_wire.buckets import bucket_of
from headcount_wire.facts import Fact

from tests.contracts.kit.driver import Driver
from tests.contracts.kit.edge import Edge, Server

FOLDER = Path(__file__).resolve().parents[1] / "vectors/behaviour"
CATALOG = FOLDER / "catalog.toml"
KEY = "hc_live_" + "k" * 43
FACTS = {"os": "ios", "app_version": "3.1"}


class NotHeldError(Exception):
    """What the SDK did is not what the vector says."""


def vectors() -> list[Path]:
    """Every vector of behaviour."""
    return sorted(FOLDER.glob("*.json"))


def opened_with(folder: Path, host: str, now: float, **changes: Any) -> dict[str, Any]:
    """What a device is opened with."""
    return {
        "directory": str(folder / "device"),
        "host": host,
        "hosts": [],
        "app_key": KEY,
        "catalog": str(CATALOG),
        "now": now,
        "offset_hours": 0,
        "facts": dict(FACTS),
        **changes,
    }


class Run:
    """One vector, played by one driver against one edge."""

    def __init__(self, command: str, vector: dict[str, Any], folder: Path) -> None:
        self._vector = vector
        self._now = float(vector["starts"])
        self._true = self._now
        self.edge = Edge(lambda: self._true)
        self._folder = folder
        self._command = command

    def play(self) -> None:
        """Do every step, then compare; raises ``NotHeldError``."""
        with Server(self.edge) as server:
            given = opened_with(self._folder, server.url, self._now, offset_hours=self._vector["offset_hours"])
            with Driver(self._command, given) as self.driver:
                for step in self._vector["steps"]:
                    self._step(*step)
        self._compare()

    def _step(self, do: str, *arguments: Any) -> None:
        driver = self.driver
        match do, arguments:
            case "kill", ():
                driver.kill()
                driver.now_is(self._now)
                driver.open()
            case "advance", (seconds,):
                self._now += seconds
                self._true += seconds
                driver.ask("advance", seconds=seconds)
            case "set_clock", (seconds,):
                self._now += seconds
                driver.ask("set_clock", seconds=seconds)
            case "policy", (policy,):
                self.edge.policy = policy
            case "expect_reports_at_most", (most,):
                expect(len(self.edge.reports) <= most, f"{len(self.edge.reports)} reports, {most} expected at most")
            case "expect_requests_at_most", (most,):
                expect(self.edge.requests <= most, f"{self.edge.requests} requests, {most} expected at most")
            case "expect_status", (status,):
                found = driver.ask("status")["status"]
                expect(all(found[name] == said for name, said in status.items()), f"consent is {found}")
            case (("grant" | "withdraw"), purposes):
                driver.ask(do, purposes=list(purposes))
            case "track", (name, *rest):
                driver.ask("track", name=name, labels=rest[0] if rest else {})
            case (("measure" | "quantity"), (name, value)):
                driver.ask(do, name=name, value=value)
            case "problem", (category, severity, screen, send):
                driver.ask("problem", category=category, severity=severity, screen=screen, send=send)
            case "screen", (name,):
                driver.ask("screen", name=name)
            case "switch", (name, on):
                driver.ask("switch", field=name, on=on)
            case "facts", (facts,):
                driver.ask("facts", facts=facts)
            case "offset", (hours,):
                driver.ask("offset", hours=hours)
            case (("pump" | "flush" | "background" | "foreground"), ()):
                driver.ask(do)
            case _:
                raise NotHeldError(f"the vector has a step that the kit does not know: {do} {arguments}")

    def _compare(self) -> None:
        vector, edge = self._vector, self.edge
        expect(not edge.wrong, "; ".join(edge.wrong))
        expected = Counter({tuple(line[:5]): line[5] for line in vector["sums"]})
        for day, measure, value, n in vector.get("bucket_of", []):
            expected[day, measure, 0, int(Fact.BUCKET), bucket_of(value)] += n
        only, ignored = vector.get("only_measures"), vector.get("ignore_measures", [])
        found = Counter(
            {
                key: n
                for key, n in sums_of(edge).items()
                if (key[1] in only if only else key[1] not in {*ignored, *SIDE_MEASURES})
            }
        )
        expect(found == expected, f"missing {dict(expected - found)}, not expected {dict(found - expected)}")
        if "reports" in vector:
            expect(len(edge.reports) == vector["reports"], f"{len(edge.reports)} reports")
        for report in edge.reports:
            expect("purposes" not in vector or dict(report.purposes) == vector["purposes"], f"{report.purposes}")
        if "contexts" in vector:
            contexts = [dict(report.context) for report in edge.reports]
            expect(contexts == vector["contexts"], f"contexts {contexts}")


SIDE_MEASURES = (6, 7, 8)
"""Funnel and sessions follow from every recording; vectors that are not about them leave them out."""


def sums_of(edge: Edge) -> Counter[tuple[int, int, int, int, int]]:
    """Everything that was accepted, added up."""
    found: Counter[tuple[int, int, int, int, int]] = Counter()
    for report in edge.reports:
        for day in report.days:
            for tally in day.tallies:
                found[day.day, tally.measure, tally.label, int(tally.fact), tally.slot] += tally.n
    return found


def expect(holds: bool, otherwise: str) -> None:
    """Raise ``NotHeldError`` unless something holds."""
    if not holds:
        raise NotHeldError(otherwise)


def play(command: str, path: Path, folder: Path) -> None:
    """Hold a driver to one vector; raises ``NotHeldError`` or ``DriverFailedError``."""
    vector: dict[str, Any] = json.loads(path.read_text("utf-8"))
    Run(command, vector, folder).play()

"""Drawn devices: real reports, heavy tails, all by seed."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
from headcount.loadgen.bodies import Crowd, make
from headcount.loadgen.devices import WRONG_CLOCKS, Devices
from headcount_wire import days, limits
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.codec import decode_json, decode_msgpack

from tests.headcount.loadgen.conftest import ROOT

TODAY = days.parse("2026-11-26")
CATALOGS = (
    "benchmarks/edge/catalog.toml",
    "headcount/src/headcount/demo/catalog.toml",
    "headcount/src/headcount/example.toml",
)


@pytest.mark.parametrize("file", CATALOGS, ids=lambda file: Path(file).parent.name)
@pytest.mark.parametrize("msgpack", [False, True], ids=["json", "msgpack"])
def test_what_devices_say_are_reports_of_the_catalog(file: str, msgpack: bool) -> None:
    """Whatever the catalog declares: reports are well formed, state only what their measures may, and no day twice."""
    catalog = parse_catalog((ROOT / file).read_text("utf-8"), file)
    devices = Devices(catalog, 1, TODAY, seed=1, msgpack=msgpack)
    decode = decode_msgpack if msgpack else decode_json
    for number in range(150):
        for said in (devices.closed_days(number), devices.open_day(number)):
            report = decode(gzip.decompress(said.body))
            for tally in (tally for day in report.days for tally in day.tallies):
                measure = catalog.by_code[tally.measure]
                assert measure.allows(tally.label, tally.fact)
                assert measure.purpose in report.purposes
            assert len(said.body) < limits.BODY_BYTES


def test_devices_differ_as_people_do(catalog: Catalog) -> None:
    """Few do a lot, some were offline, some clocks are wrong, not everybody grants everything; 200 a day on average."""
    devices = Devices(catalog, 1, TODAY, seed=2)
    said = [devices.closed_days(number) for number in range(2_000)]
    reports = [decode_json(gzip.decompress(one.body)) for one in said]
    each = sorted(one.interactions / one.days for one in said)
    assert 170 < sum(each) / len(each) < 230
    assert sum(each[-200:]) > 0.3 * sum(each), "a tenth of the devices does a third of all"
    assert 0.08 < sum(one.days > 1 for one in said) / len(said) < 0.16
    assert 0 < sum(one.skew != 0 for one in said) < 0.06 * len(said)
    assert {one.skew for one in said} <= set(WRONG_CLOCKS)
    grants = Counter(frozenset(report.purposes) for report in reports)
    assert len(grants) == 4
    systems = Counter(report.context.get("os", "not told") for report in reports)
    assert systems["android"] > systems["ios"] > systems["windows"] > 0 < systems["not told"]
    assert len({one.body for one in said}) == len(said), "no two alike"


def test_the_same_seed_makes_the_same_devices(catalog: Catalog) -> None:
    """Two loads of one seed send the same bodies, made in one process or in several; another seed makes others."""
    whole = make(Crowd(catalog, 2_200, 1, TODAY, 7, False), 10_000, lambda *_: None)
    assert len(whole.first) == 2_200
    assert len(whole.again) == 2_200
    few = make(Crowd(catalog, 2_200, 1, TODAY, 7, False), 100, lambda *_: None)
    assert 100 < len(few.first) < 200, "no more are made than leave"
    assert [one.body for one in few.first] == [one.body for one in whole.first[: len(few.first)]]
    other = make(Crowd(catalog, 100, 1, TODAY, 8, False), 50, lambda *_: None)
    assert other.first[0].body != whole.first[0].body

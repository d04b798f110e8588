"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from headcount_ingest.compiled import COMPILED
from hypothesis import settings

from tests.crash.machine import power_cuts
from tests.homes.clickhouse import ClickHouse
from tests.homes.cluster import ClusterProcesses
from tests.homes.processes import started

# Machines are shared: how long an example takes says nothing about the code it tests.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_report_header() -> list[str]:
    """What is tested, and what this machine cannot test."""
    cuts = power_cuts()
    told = f"power cuts: {cuts}" if cuts else "power cuts: none, files cannot be mounted as disks here (docs/spool.md)"
    return [f"edge: {'compiled' if COMPILED else 'interpreted'}", told]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What plants a fault in a function of the edge needs the interpreted one."""
    if COMPILED:
        for item in items:
            if item.get_closest_marker("interpreted"):
                item.add_marker(pytest.mark.skip(reason="a compiled function takes no planted fault"))


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """A real ClickHouse server, started when a test first asks for it."""
    with started(lambda: ClickHouse(tmp_path_factory.mktemp("clickhouse") / "server")) as server:
        yield server


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterProcesses]:
    """A real cluster of two shards and two replicas each, started when a test first asks for it."""
    with started(lambda: ClusterProcesses(tmp_path_factory.mktemp("cluster"))) as found:
        yield found

"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.crash.machine import power_cuts
from tests.homes.clickhouse import ClickHouse
from tests.homes.cluster import ClusterProcesses
from tests.homes.processes import started

# Machines are shared: how long an example takes says nothing about the code it tests.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_report_header() -> str:
    """What this machine cannot test."""
    cuts = power_cuts()
    return f"power cuts: {cuts}" if cuts else "power cuts: none, files cannot be mounted as disks here (docs/spool.md)"


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

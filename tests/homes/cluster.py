"""A real cluster on loopback: shards of replicas, and the ZooKeeper they agree by."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from headcount.stack import free_port

from tests.homes.clickhouse import PASSWORD, USER, ClickHouse
from tests.homes.zookeeper import ZooKeeper


class ClusterProcesses:
    """Two shards of two replicas, unless told otherwise."""

    def __init__(self, folder: Path, shards: int = 2, replicas: int = 2) -> None:
        self.keeper = ZooKeeper(folder / "keeper")
        ports: list[list[int]] = []
        while len(ports) < shards:
            drawn = [free_port() for _ in range(replicas)]
            if len({*drawn, *(port for one in ports for port in one)}) == replicas * (len(ports) + 1):
                ports.append(drawn)
        self.shards = [
            [
                ClickHouse(
                    folder / f"shard{number}-replica{at}", port, keeper=self.keeper.port, shards=ports, shard=number
                )
                for at, port in enumerate(mine, 1)
            ]
            for number, mine in enumerate(ports, 1)
        ]

    @property
    def replicas(self) -> list[ClickHouse]:
        """Every server, shard by shard."""
        return [one for shard in self.shards for one in shard]

    def address(self, database: str = "headcount") -> str:
        """How a store is pointed at the cluster."""
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.replicas)
        return f"clickhouse://{USER}:{quote(PASSWORD, safe='')}@{hosts}/{database}?cluster=headcount"

    def start(self) -> None:
        """Start every process; return once all answer."""
        self.keeper.start()
        for one in self.replicas:
            one.start(wait=False)
        for one in self.replicas:
            one.await_answer()

    def stop(self) -> None:
        """End every process."""
        for one in self.replicas:
            one.stop()
        self.keeper.stop()

"""A ClickHouse cluster: shards of replicas. A unit lives on one shard, fixed by a hash of its name.

Writes go to the local table of a shard, with a quorum of its replicas, and never through a Distributed table: a
retry must not land on another shard, where FINAL could not see that it is one. Reads over all shards go through
Distributed tables (in a database of their own), from replicas that are not behind; what reads and writes
(roll-up) runs on each shard by itself, on a replica that has everything its shard was given.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from headcount_aggregator.warehouse import Row, Warehouse
from headcount_aggregator.warehouse.address import Address
from headcount_aggregator.warehouse.columns import by_shard
from headcount_aggregator.warehouse.dialect import QUORUM_SECONDS, Dialect
from headcount_aggregator.warehouse.errors import Reason, WarehouseError
from headcount_aggregator.warehouse.migrate import ACROSS, Place
from headcount_aggregator.warehouse.native import Node
from headcount_aggregator.warehouse.server import Server
from headcount_aggregator.warehouse.tables import Table

REST_SECONDS = 30.0
"""A replica that did not answer is asked last for this long."""

COPY_SECONDS = QUORUM_SECONDS + 4.0
"""How long a replica may say nothing: there is another one."""

CATCH_UP_SECONDS = 5.0
"""How long a replica that is behind is waited for."""

_Answer = TypeVar("_Answer")


class Replica(Server):
    """One server of a shard. It notes when it did not answer."""

    def __init__(self, address: Address, host: tuple[str, int], place: Place, quorum: int) -> None:
        super().__init__(address, host, place, quorum, COPY_SECONDS)
        self.across = Node(*host, address, address.database + ACROSS, COPY_SECONDS)
        self.failed = -REST_SECONDS
        self._database = address.database

    def behind(self) -> bool:
        """Whether its shard was given something that it does not hold, or it cannot know."""
        ((tables, behind),) = self.query(
            "SELECT count(), sum(is_readonly OR is_session_expired OR inserts_in_queue > 0 "
            "OR (log_max_index >= log_pointer AND log_max_index > 0)) "
            f"FROM system.replicas WHERE database = '{self._database}'"
        )
        return not tables or bool(behind)

    def close(self) -> None:
        """End both connections."""
        super().close()
        self.across.close()


def _asked(replicas: Sequence[Replica], ask: Callable[[Replica], _Answer]) -> _Answer:
    """What the first replica that can answers; those that lately did not are asked last."""
    now = time.monotonic()
    failure = WarehouseError(Reason.UNREACHABLE)
    for replica in sorted(replicas, key=lambda one: now - one.failed < REST_SECONDS):
        try:
            return ask(replica)
        except WarehouseError as error:
            if error.reason is Reason.UNREACHABLE:
                replica.failed = time.monotonic()
            elif error.reason is not Reason.QUORUM:
                raise
            failure = error
    raise WarehouseError(failure.reason, failure.code)


class Shard:
    """One shard: its replicas hold the same units."""

    def __init__(self, replicas: Sequence[Replica]) -> None:
        self._replicas = replicas

    @property
    def dialect(self) -> Dialect:
        """What its replicas understand."""
        return _asked(self._replicas, lambda replica: replica.dialect)

    @property
    def shards(self) -> Sequence[Warehouse]:
        """Itself."""
        return (self,)

    @property
    def replicas(self) -> Sequence[Replica]:
        """Every replica, whether it answers or not."""
        return self._replicas

    def execute(self, statement: str) -> None:
        """Run one statement on a replica that holds all its shard was given.

        It must be harmless to repeat: where no answer comes, another replica is given it too.
        """
        self._caught_up(lambda replica: replica.execute(statement))

    def query(self, statement: str) -> Sequence[Row]:
        """The rows of one ``SELECT`` over this shard alone, from a replica that holds all it was given."""
        return self._caught_up(lambda replica: replica.query(statement))

    def insert(self, table: Table, block: bytes) -> None:
        """Insert one block; returns once a quorum of the replicas holds it."""
        _asked(self._replicas, lambda replica: replica.insert(table, block))

    def close(self) -> None:
        """End every connection."""
        for replica in self._replicas:
            replica.close()

    def _caught_up(self, ask: Callable[[Replica], _Answer]) -> _Answer:
        deadline, pause = time.monotonic() + CATCH_UP_SECONDS, threading.Event()

        def checked(replica: Replica) -> _Answer:
            if replica.behind():
                raise WarehouseError(Reason.QUORUM)
            return ask(replica)

        while True:
            try:
                return _asked(self._replicas, checked)
            except WarehouseError as error:
                if error.reason is not Reason.QUORUM or error.code or time.monotonic() > deadline:
                    raise
            pause.wait(0.1)


class Cluster:
    """All shards. Its layout is asked of the first server of the address that answers, and then kept."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._shards: tuple[Shard, ...] = ()

    @property
    def dialect(self) -> Dialect:
        """What its servers understand."""
        return self.shards[0].dialect

    @property
    def shards(self) -> Sequence[Shard]:
        """Every shard, in order."""
        with self._lock:
            if not self._shards:
                self._shards = self._found()
            return self._shards

    @property
    def replicas(self) -> Sequence[Warehouse]:
        """Itself: copies are a shard's."""
        return (self,)

    def execute(self, statement: str) -> None:
        """Run one statement on every shard, one after the other."""
        for shard in self.shards:
            shard.execute(statement)

    def query(self, statement: str) -> Sequence[Row]:
        """The rows of one ``SELECT`` over all shards. Raises where a shard has no replica that is up to date."""
        replicas = [replica for shard in self.shards for replica in shard.replicas]

        def ask(replica: Replica) -> Sequence[Row]:
            return replica.across.query(statement, replica.dialect.read_options)

        return _asked(replicas, ask)

    def insert(self, table: Table, block: bytes) -> None:
        """Insert each row into the shard that is to hold it."""
        shards = self.shards
        for place, rows in sorted(by_shard(table, block, len(shards)).items()):
            shards[place].insert(table, rows)

    def close(self) -> None:
        """End every connection."""
        for shard in self._shards:
            shard.close()

    def _found(self) -> tuple[Shard, ...]:
        failure = WarehouseError(Reason.UNREACHABLE)
        for host in self._address.hosts:
            node = Node(*host, self._address)
            try:
                rows = node.query(
                    "SELECT shard_num, host_name, port FROM system.clusters "
                    f"WHERE cluster = '{self._address.cluster}' ORDER BY shard_num, replica_num"
                )
            except WarehouseError as error:
                failure = error
                continue
            finally:
                node.close()
            if not rows:
                raise WarehouseError(Reason.LAYOUT)
            return self._made([(int(number), (str(name), int(port))) for number, name, port in rows])
        raise failure

    def _made(self, layout: Sequence[tuple[int, tuple[str, int]]]) -> tuple[Shard, ...]:
        hosts: dict[int, list[tuple[str, int]]] = {}
        for number, host in layout:
            hosts.setdefault(number, []).append(host)
        return tuple(
            Shard(
                [
                    Replica(
                        self._address,
                        host,
                        Place(self._address.cluster, number, len(hosts), f"{host[0]}:{host[1]}"),
                        len(mine) // 2 + 1,
                    )
                    for host in mine
                ]
            )
            for number, mine in sorted(hosts.items())
        )

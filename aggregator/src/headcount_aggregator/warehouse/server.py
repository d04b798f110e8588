"""One ClickHouse server, over the native protocol: the home for more than one machine's disk can hold."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from headcount_aggregator.warehouse import Row, Warehouse
from headcount_aggregator.warehouse.address import Address
from headcount_aggregator.warehouse.dialect import Dialect
from headcount_aggregator.warehouse.migrate import Place, migrate
from headcount_aggregator.warehouse.native import ANSWER_SECONDS, Node
from headcount_aggregator.warehouse.tables import Table


class Server:
    """The tables of one database of one server. It is connected to, and migrated, when it is first used.

    ``place`` and ``quorum`` are those of a replica; see ``cluster``.
    """

    def __init__(
        self,
        address: Address,
        host: tuple[str, int],
        place: Place | None = None,
        quorum: int = 0,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._address = address
        self._host = host
        self._place = place
        self._quorum = quorum
        self._answer_seconds = answer_seconds
        self._node = Node(*host, address, address.database, answer_seconds)
        self._lock = threading.Lock()
        self._dialect: Dialect | None = None

    @property
    def name(self) -> str:
        """The server's host and port."""
        return self._node.name

    @property
    def dialect(self) -> Dialect:
        """What this server understands; connects and migrates where that is still to be done."""
        return self._ready()

    def _ready(self) -> Dialect:
        with self._lock:
            if self._dialect is None:
                plain = Node(*self._host, self._address, answer_seconds=self._answer_seconds)
                try:
                    dialect = Dialect(plain.version(), self._quorum)
                    migrate(plain, dialect, self._address.database, self._place)
                finally:
                    plain.close()
                self._dialect = dialect
            return self._dialect

    @property
    def shards(self) -> Sequence[Warehouse]:
        """Itself: every unit of it is here."""
        return (self,)

    @property
    def replicas(self) -> Sequence[Warehouse]:
        """Itself: it is one copy."""
        return (self,)

    def execute(self, statement: str) -> None:
        """Run one statement that answers nothing."""
        self._node.execute(statement, self.dialect.insert_options)

    def query(self, statement: str) -> Sequence[Row]:
        """The rows one ``SELECT`` answers."""
        self._ready()
        return self._node.query(statement)

    def insert(self, table: Table, block: bytes) -> None:
        """Insert one block of RowBinary rows."""
        self._node.insert(table, block, self.dialect.insert_options)

    def close(self) -> None:
        """End the connection."""
        self._node.close()

"""One ClickHouse server over its native protocol: one connection, made when it is needed, and made again when lost."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from clickhouse_driver import Client, errors

from headcount_aggregator.warehouse import Row
from headcount_aggregator.warehouse.address import Address
from headcount_aggregator.warehouse.columns import columns_of
from headcount_aggregator.warehouse.dialect import OLDEST
from headcount_aggregator.warehouse.errors import Reason, WarehouseError, of_code
from headcount_aggregator.warehouse.tables import Table

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 30.0
"""How long a server may say nothing; while it works on a statement it sends its progress."""

# The driver logs what servers answer, and that can hold values.
logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL + 1)

Options = Mapping[str, int | str]
Answer = TypeVar("Answer")


class Node:
    """One server, seen from one database. Safe to share between threads; one statement at a time."""

    def __init__(
        self, host: str, port: int, address: Address, database: str = "", answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self.name = f"{host}:{port}"
        self._client: Any = Client(
            host,
            port=port,
            user=address.user,
            password=address.password,
            database=database,
            connect_timeout=CONNECT_SECONDS,
            sync_request_timeout=CONNECT_SECONDS,
            send_receive_timeout=answer_seconds,
            client_name="headcount",
        )
        self._answer_seconds = answer_seconds
        self._lock = threading.Lock()
        self._closed = False

    def version(self) -> tuple[int, int]:
        """The server's version, (major, minor). Raises ``Reason.OLD`` for one that is too old."""
        ((text,),) = self.query("SELECT version()")
        major, minor, *_ = str(text).split(".")
        found = int(major), int(minor)
        if found < OLDEST:
            raise WarehouseError(Reason.OLD)
        return found

    def execute(self, statement: str, options: Options | None = None) -> None:
        """Run one statement that answers nothing. It is sent once: what it did when its answer is lost is not known."""
        self._ask(lambda client: client.execute(statement, settings=dict(options or {})))

    def query(self, statement: str, options: Options | None = None) -> Sequence[Row]:
        """The rows of one ``SELECT``; asked once more when the connection was lost under it."""

        def ask(client: Any) -> Sequence[Row]:
            return [tuple(row) for row in client.execute(statement, settings=dict(options or {}))]

        try:
            return self._ask(ask)
        except _LostError:
            return self._ask(ask)

    def insert(self, table: Table, block: bytes, options: Options) -> None:
        """Insert one block of RowBinary rows, as one block; sent once more when the connection was lost under it."""
        if not block:
            return
        names = ", ".join(name for name, _ in table.columns)
        columns = columns_of(table, block)

        def ask(client: Any) -> None:
            client.execute(
                f"INSERT INTO {table.sql} ({names}) VALUES",
                [list(column) for column in columns],
                columnar=True,
                settings=dict(options),
            )

        try:
            self._ask(ask)
        except _LostError:
            self._ask(ask)

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._closed = True
            self._client.disconnect()

    def _ask(self, ask: Callable[[Any], Answer]) -> Answer:
        """What the server answers. What goes wrong leaves as a ``WarehouseError``, outside any handler:

        the driver's errors hold values, and would go along as the context of one raised inside.
        """
        with self._lock:
            if self._closed:
                raise WarehouseError(Reason.CLOSED)
            try:
                self._connected()
                return ask(self._client)
            except (errors.SocketTimeoutError, TimeoutError):
                failure = WarehouseError(Reason.UNREACHABLE)
            except (errors.NetworkError, OSError, EOFError):
                failure = _LostError(Reason.UNREACHABLE)
            except errors.Error as error:
                failure = of_code(int(getattr(error, "code", 0) or 0))
            except Exception:  # the driver's last resort: whatever it is, its text can hold values
                failure = WarehouseError(Reason.FAILED)
            self._client.disconnect()
        raise failure

    def _connected(self) -> None:
        """Connect, or see that the connection lives. A server that is frozen takes connections and says nothing:

        that is found out in the time of a connection, not in that of a statement.
        """
        connection = self._client.connection
        connection.send_receive_timeout = CONNECT_SECONDS
        try:
            if not connection.connected or not connection.ping():
                connection.connect()
        finally:
            connection.send_receive_timeout = self._answer_seconds
        connection.socket.settimeout(self._answer_seconds)


class _LostError(WarehouseError):
    """The connection ended; whether the statement was run is not known."""

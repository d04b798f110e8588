"""chDB: ClickHouse inside this process. One process owns the directory; that is the default home."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from headcount_aggregator.warehouse import Row, Warehouse
from headcount_aggregator.warehouse.dialect import Dialect
from headcount_aggregator.warehouse.errors import Reason, WarehouseError, wrapped
from headcount_aggregator.warehouse.migrate import DATABASE, migrate
from headcount_aggregator.warehouse.tables import Table

CACHE_BYTES = 32 * 1024 * 1024
"""The most that each cache of marks and keys takes: unlimited, as they are else, they grow with the tables."""
_CACHES = ("mark_cache_size", "index_mark_cache_size", "primary_index_cache_size")

SETTINGS = "compile_expressions = 0, compile_aggregate_expressions = 0, max_threads = 1"
"""What pays off for many more rows than one node's tables have: a compiled expression costs what it saves in 40 million
rows, and of a few thousand rows several threads make the most work by passing them on."""


class Embedded:
    """A directory of tables, owned by this process until ``close``."""

    def __init__(self, session: Any, version: tuple[int, int]) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._dialect = Dialect(version)

    @property
    def dialect(self) -> Dialect:
        """What this engine understands."""
        return self._dialect

    @property
    def shards(self) -> Sequence[Warehouse]:
        """Itself: every unit is here."""
        return (self,)

    @property
    def replicas(self) -> Sequence[Warehouse]:
        """Itself: there is one copy."""
        return (self,)

    def execute(self, statement: str) -> None:
        """Run one statement that answers nothing."""
        self._run(statement, "Null")

    def query(self, statement: str) -> Sequence[Row]:
        """The rows one ``SELECT`` answers."""
        body = self._run(statement, "JSONCompactColumns")  # a list for each column, and none for each row
        rows = list(zip(*orjson.loads(body), strict=True))
        if b"true" in body or b"false" in body:
            return [tuple(int(v) if isinstance(v, bool) else v for v in row) for row in rows]
        return rows

    def insert(self, table: Table, block: bytes) -> None:
        """Insert one block of RowBinary rows, synced when this returns."""
        if not block:
            return
        names = ", ".join(name for name, _ in table.columns)
        with self._lock, self._wrapping() as session:
            stream = session.send_insert(
                f"INSERT INTO {table.sql} ({names}) {self._dialect.insert_settings}", "RowBinary"
            )
            try:
                stream.append(block)
                stream.finish()
            finally:
                stream.close()

    def close(self) -> None:
        """Let go of the directory."""
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    def _run(self, statement: str, form: str) -> bytes:
        with self._lock, self._wrapping() as session:
            return bytes(session.query(statement, form).bytes())

    @contextmanager
    def _wrapping(self) -> Iterator[Any]:
        """The session; what goes wrong with it leaves as a ``WarehouseError``."""
        if self._session is None:
            raise WarehouseError(Reason.CLOSED)
        try:
            yield self._session
        except Exception as error:  # the engine's text can hold values: only its code goes on
            raise wrapped(str(error)) from None


def open_embedded(directory: Path) -> Embedded:
    """Open, or make, the tables in a directory; raises ``WarehouseError`` when another process has it."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        from chdb.session import Session
    except ImportError:
        raise WarehouseError(Reason.UNREACHABLE) from None
    try:
        options = "&".join(f"{name}={CACHE_BYTES}" for name in _CACHES)
        session: Any = Session(f"{directory / 'tables'}?{options}")  # type: ignore[no-untyped-call]  # chdb ships no types
        major, minor, *_ = str(session.query("SELECT version()", "TabSeparated")).strip().split(".")
    except Exception as error:  # as above: only the engine's code goes on
        raise wrapped(str(error)) from None
    home = Embedded(session, (int(major), int(minor)))
    try:
        migrate(home, home.dialect)
        home.execute(f"USE {DATABASE}")
        home.execute(f"SET {SETTINGS}")
    except BaseException:  # whoever is told, the directory is let go of first
        home.close()
        raise
    return home

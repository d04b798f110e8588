"""The warehouse: where sums are kept. One contract, and a home for each place it can run.

Everything the rest of the aggregator knows of ClickHouse is this protocol. SQL keeps to what
every ClickHouse from 18.16 on understands; what differs by version is chosen in ``dialect``.
The homes: ``embedded`` (chDB), ``server`` (one ClickHouse), ``cluster`` (shards of replicas).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from headcount_aggregator.warehouse.dialect import Dialect
from headcount_aggregator.warehouse.errors import Reason, WarehouseError
from headcount_aggregator.warehouse.tables import Table

__all__ = ["Dialect", "Reason", "Row", "Table", "Warehouse", "WarehouseError"]

Row = tuple[Any, ...]
"""One row of an answer: whole numbers and texts, in the order of the selected columns."""


class Warehouse(Protocol):
    """One home of the tables. Safe to share between threads; every failure is a ``WarehouseError``.

    Tables are named without their database (``Table.sql``): a home knows its own.
    """

    @property
    def dialect(self) -> Dialect:
        """What this home's server understands."""
        ...

    @property
    def shards(self) -> Sequence[Warehouse]:
        """The parts that hold whole units, in order: on a cluster its shards, elsewhere itself.

        What reads a table and writes another is to be run on each of them, never across them.
        """
        ...

    @property
    def replicas(self) -> Sequence[Warehouse]:
        """Of one shard, every copy, whether it answers now or not; elsewhere itself."""
        ...

    def execute(self, statement: str) -> None:
        """Run one statement that answers nothing (DDL, ``INSERT ... SELECT``), on every shard.

        It must be harmless to repeat: a cluster may give it to more than one replica.
        """
        ...

    def query(self, statement: str) -> Sequence[Row]:
        """The rows one ``SELECT`` answers, of all shards, as tuples of whole numbers and texts.

        A ``Date`` is to be selected as ``toUInt16(day)``: days are day numbers everywhere.
        """
        ...

    def insert(self, table: Table, block: bytes) -> None:
        """Insert one block of RowBinary rows (``tables.encode_rows``) into a table.

        When it returns, the rows are stored as durably as the home can. When it raises, none,
        some or all of them may be there: every table's key makes inserting again harmless.
        """
        ...

    def close(self) -> None:
        """Let go of the tables; what was inserted stays."""
        ...

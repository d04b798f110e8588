"""How far each node's loader has come: what roll-up and release wait for where loaders share a warehouse.

A roll-up drops what tells loads apart, so nothing may be pushed to a load day behind it; a release is made once, so
nothing may be missing from it. Each loader therefore tells, in a small table of the shared warehouse:

- ``load_day``: every unit of mine with this load day, or an earlier one, is stored as the unit says; there will never
  be another one. (The loader keeps that promise by a file of its own: it is written before it is told.)
- ``settled``: everything that was acknowledged before this UTC day began is loaded.

The one store that rolls up and releases goes as far as the node that has come least far. A row also says what the
node's units of its load day add up to, so that the sums of the table can be compared with those of all nodes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.unit import Header
from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.tables import Table, encode_rows

_WRAP = 2**64


class Frontier(NamedTuple):
    """How far a node has come, in day numbers; zeros before it has told anything."""

    load_day: int = 0
    settled: int = 0


class Sums(NamedTuple):
    """What some units of a load day add up to, as the warehouse must hold it: rows, their ``n``, their checksum."""

    rows: int = 0
    total: int = 0
    checksum: int = 0


def sums_of(headers: Iterable[Header]) -> Sums:
    """The sums of some units."""
    found = list(headers)
    return Sums(
        sum(header.rows for header in found),
        sum(header.total for header in found),
        sum(header.checksum for header in found) % _WRAP,
    )


def tell(warehouse: Warehouse, node: str, settled: int, days: Mapping[int, Sums]) -> None:
    """Tell a node's frontier: load days with their sums, the last one its newest. Telling it again changes nothing."""
    rows = [(node, day, settled, sums.rows, sums.total, _signed(sums.checksum)) for day, sums in sorted(days.items())]
    warehouse.insert(Table.FRONTIER, encode_rows(Table.FRONTIER, rows))


def frontiers(warehouse: Warehouse) -> dict[str, Frontier]:
    """The frontier of every node that ever told one."""
    found = warehouse.query(
        f"SELECT node, toUInt16(max(load_day)), toUInt16(max(settled)) FROM {Table.FRONTIER.sql} GROUP BY node"
    )
    return {str(node): Frontier(int(load_day), int(settled)) for node, load_day, settled in found}


def least(found: Mapping[str, Frontier], nodes: Iterable[str]) -> Frontier:
    """How far all of these nodes have come."""
    of_nodes = [found.get(node, Frontier()) for node in nodes]
    return Frontier(min(one.load_day for one in of_nodes), min(one.settled for one in of_nodes))


def told(warehouse: Warehouse, load_day: int) -> Sums:
    """What all nodes say their units of a load day add up to."""
    of_nodes = (
        f"SELECT node, any(rows) AS r, any(total) AS t, any(checksum) AS c FROM {Table.FRONTIER.sql} "
        f"WHERE load_day = toDate({int(load_day)}) GROUP BY node"
    )
    ((rows, total, checksum),) = warehouse.query(
        f"SELECT toString(sum(r)), toString(sum(t)), toString(sum(c)) FROM ({of_nodes})"
    )
    return Sums(int(rows), int(total), int(checksum) % _WRAP)


class Promise:
    """The load day at or below which a loader never pushes a new unit: its file outlasts a crash."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._path = folder / "frontier.json"
        self._disk = disk
        try:
            self.load_day = int(json.loads(self._path.read_bytes())["load_day"])
        except FileNotFoundError:
            self.load_day = 0

    def give(self, load_day: int) -> None:
        """Promise a load day and all before it, if it was not."""
        if load_day <= self.load_day:
            return
        self.load_day = load_day
        new = self._path.with_suffix(".json.new")
        self._disk.write(new, json.dumps({"load_day": load_day}).encode())
        self._disk.rename(new, self._path)


def _signed(number: int) -> int:
    return number - _WRAP if number >= _WRAP // 2 else number

"""Which edge node counts a report: by the first byte of its id, and by the day it was created.

An id is random, so its first byte is hash enough: 256 partitions, each with one owner. A map holds for reports
created from a day on, and the creation day is a part of a report's bytes: a retry has the same owner for ever, and
a fleet grows without moving an id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from headcount_wire.declared import Declared

PARTITIONS = 256
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_SPAN = re.compile(r"([0-9a-f]{2})-([0-9a-f]{2})")
NODE_FORM = "a lower-case word of at most 32 letters, digits and -"


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a map. ``gone``: the day from which on nobody waits for it any more; it was lost for good."""

    name: str
    address: str
    gone: int | None = None


@dataclass(frozen=True, slots=True)
class FleetMap:
    """Who owns what is created on or after a UTC day: ``owners`` has a node's name for each partition."""

    since: int
    owners: tuple[str, ...]
    nodes: Mapping[str, Node]


Fleet = tuple[FleetMap, ...]
"""Maps in the order of their days. The first one holds for the days before it as well; none: a house of one."""


def is_node_name(text: str) -> bool:
    """Whether a text can name a node."""
    return bool(_NAME.fullmatch(text))


def map_of(fleet: Fleet, created: int) -> FleetMap:
    """The map that holds for reports created on a day."""
    return next((one for one in reversed(fleet) if one.since <= created), fleet[0])


def waited_for(fleet: Fleet, today: int) -> tuple[str, ...]:
    """The nodes whose reports a release waits for: every declared one that is not gone."""
    gone = {node.name for one in fleet for node in one.nodes.values() if node.gone is not None and node.gone <= today}
    return tuple(sorted({name for one in fleet for name in one.nodes} - gone))


def fleet_of(root: Declared) -> Fleet:
    """The fleet that ``[[fleet]]`` tables declare; what is wrong with them goes to the faults of the file."""
    maps = [found for table in root.items("fleet") if (found := _map(table))]
    for earlier, later in pairwise(maps):
        if later.since <= earlier.since:
            root.fault("must begin after the one before it: each [[fleet]] table has a later `from`", "fleet")
    return tuple(maps)


def _map(table: Declared) -> FleetMap | None:
    since = table.day("from")
    if since is None:
        table.fault("from is missing: the UTC day of creation from which on this map holds")
    owners: dict[int, str] = {}
    nodes: dict[str, Node] = {}
    for name, node in table.tables("nodes", optional=True):
        if not is_node_name(name):
            node.fault(f"a node's name is {NODE_FORM}")
        nodes[name] = Node(name, _address(node), node.day("gone"))
        for first, last in _spans(node):
            taken = [partition for partition in range(first, last + 1) if partition in owners]
            if taken:
                node.fault(f"{spell(taken)} is owned by {owners[taken[0]]} already", "owns")
            owners.update({partition: name for partition in range(first, last + 1) if partition not in owners})
        node.close()
    table.close()
    missing = [partition for partition in range(PARTITIONS) if partition not in owners]
    if missing:
        table.fault(f"nobody owns {spell(missing)}: every id from 00 to ff needs one node", "nodes")
    if missing or since is None:
        return None
    return FleetMap(since, tuple(owners[partition] for partition in range(PARTITIONS)), nodes)


def _spans(node: Declared) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for text in node.text("owns").split(","):
        if not text.strip():
            continue
        found = _SPAN.fullmatch(text.strip())
        if not found or found[1] > found[2]:
            node.fault('must be spans of the first two digits of an id, such as "00-7f" or "00-3f, c0-ff"', "owns")
            return []
        spans.append((int(found[1], 16), int(found[2], 16)))
    return spans


def _address(node: Declared) -> str:
    address = node.text("address").rstrip("/")
    try:
        parts = urlsplit(address)
        fine = parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.query and not parts.fragment
        fine = fine and parts.port != 0
    except ValueError:
        fine = False
    if address and not fine:
        node.fault("must be the node's address, such as https://a.edge.example", "address")
    return address


def spell(partitions: Sequence[int]) -> str:
    """Partitions, rising, as spans: ``00-7f, c0-cf``."""
    spans: list[list[int]] = []
    for partition in partitions:
        if spans and spans[-1][1] == partition - 1:
            spans[-1][1] = partition
        else:
            spans.append([partition, partition])
    return ", ".join(f"{first:02x}-{last:02x}" for first, last in spans)


def to_plain(fleet: Fleet) -> list[dict[str, object]]:
    """A fleet as JSON holds it."""
    return [
        {
            "from": one.since,
            "owners": list(one.owners),
            "addresses": {name: node.address for name, node in one.nodes.items()},
        }
        for one in fleet
    ]


def from_plain(plain: list[dict[str, Any]]) -> Fleet:
    """A fleet out of what ``to_plain`` made; raises ``ValueError``, ``KeyError`` or ``TypeError`` for anything else."""
    fleet: list[FleetMap] = []
    for one in plain:
        nodes = {str(name): Node(str(name), str(address)) for name, address in one["addresses"].items()}
        owners = tuple(str(owner) for owner in one["owners"])
        if len(owners) != PARTITIONS or not nodes.keys() >= {*owners}:
            raise ValueError("not a map of every partition")
        fleet.append(FleetMap(int(one["from"]), owners, nodes))
    return tuple(fleet)

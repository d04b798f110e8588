"""Numbered SQL files, applied once and in order. Each statement can be run again without harm.

A migration is recorded after its statements: a crash in between runs them once more. On a cluster each
server is migrated by itself, before it is first used, so one that was away or was cut short is healed then.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Protocol

from headcount_aggregator.warehouse import Row
from headcount_aggregator.warehouse.dialect import Dialect
from headcount_aggregator.warehouse.errors import Reason, WarehouseError

DATABASE = "headcount"
ACROSS = "_across"
"""On a cluster, the database whose tables read every shard has the name of the tables' own and this."""

_ENGINE = re.compile(r"ENGINE = (\w*MergeTree)(?:\(([^)]*)\))?")
_CREATED = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)\.(\w+)")


class Engine(Protocol):
    """What is migrated: something that runs statements."""

    def execute(self, statement: str) -> None:
        """Run one statement."""
        ...

    def query(self, statement: str) -> Sequence[Row]:
        """Run one ``SELECT``."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A server's place in a cluster: ``shard`` of ``shards``, counted from 1, and its own name there."""

    cluster: str
    shard: int
    shards: int
    replica: str


def migrations() -> list[tuple[int, str]]:
    """Every migration: its number and its text."""
    found = [
        file for file in files("headcount_aggregator.warehouse.migrations").iterdir() if file.name.endswith(".sql")
    ]
    return sorted((int(file.name[:4]), file.read_text("utf-8")) for file in found)


def migrate(
    engine: Engine,
    dialect: Dialect,
    database: str = DATABASE,
    place: Place | None = None,
    known: Sequence[tuple[int, str]] | None = None,
) -> list[int]:
    """Apply what is missing; returns the numbers applied. ``known``: the migrations there are; all, if not given.

    Raises ``WarehouseError``: an applied file that changed is a ``MISMATCH``, another layout of shards than
    the tables were made with is a ``LAYOUT``.
    """
    engine.execute(f"CREATE DATABASE IF NOT EXISTS {database}")
    engine.execute(
        f"CREATE TABLE IF NOT EXISTS {database}.migrations (number UInt16, checksum String) "
        "ENGINE = ReplacingMergeTree ORDER BY number"
    )
    done: dict[int, str] = {
        int(number): str(checksum)
        for number, checksum in engine.query(f"SELECT number, any(checksum) FROM {database}.migrations GROUP BY number")
    }
    layout = f"shard {place.shard} of {place.shards}" if place else None
    if place and not done:
        _record(engine, database, 0, str(layout))
    elif done and done.pop(0, None) != layout:
        raise WarehouseError(Reason.LAYOUT)
    applied: list[int] = []
    for number, text in migrations() if known is None else known:
        checksum = hashlib.sha256(text.encode()).hexdigest()
        if number in done:
            if done[number] != checksum:
                raise WarehouseError(Reason.MISMATCH)
            continue
        for statement in statements(text):
            engine.execute(_fitted(statement, dialect, database, place))
        _record(engine, database, number, checksum)
        applied.append(number)
    if place:
        _across(engine, database, place)
    return applied


def statements(text: str) -> list[str]:
    """The statements of a migration: comments gone, split at semicolons."""
    bare = re.sub(r"--[^\n]*", "", text)
    return [statement.strip() for statement in bare.split(";") if statement.strip()]


def _record(engine: Engine, database: str, number: int, checksum: str) -> None:
    engine.execute(f"INSERT INTO {database}.migrations (number, checksum) SELECT {number}, '{checksum}'")


def _fitted(statement: str, dialect: Dialect, database: str, place: Place | None) -> str:
    """A statement of a file, for this home: its types, its database, and on a cluster its replicated engines."""
    fitted = statement.replace("{text}", dialect.text).replace("{durable}", dialect.table_settings)
    fitted = fitted.replace(f"{DATABASE}.", f"{database}.")
    created = _CREATED.search(fitted)
    if place is None or created is None:
        return fitted
    path = f"'/headcount/{database}/{place.shard}/{created[2]}', '{place.replica}'"

    def replicated(found: re.Match[str]) -> str:
        return f"ENGINE = Replicated{found[1]}({path}{f', {found[2]}' if found[2] else ''})"

    return _ENGINE.sub(replicated, fitted)


def _across(engine: Engine, database: str, place: Place) -> None:
    """The tables that read every shard, made anew where their columns are not those of the tables they read."""
    engine.execute(f"CREATE DATABASE IF NOT EXISTS {database}{ACROSS}")
    own, across = _columns(engine, database), _columns(engine, f"{database}{ACROSS}")
    for table in sorted(set(own) - {"migrations"}):
        if across.get(table) == own[table]:
            continue
        engine.execute(f"DROP TABLE IF EXISTS {database}{ACROSS}.{table}")
        engine.execute(
            f"CREATE TABLE IF NOT EXISTS {database}{ACROSS}.{table} AS {database}.{table} "
            f"ENGINE = Distributed({place.cluster}, {database}, {table})"
        )


def _columns(engine: Engine, database: str) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for table, name, kind in engine.query(
        f"SELECT table, name, type FROM system.columns WHERE database = '{database}' ORDER BY table, name"
    ):
        found.setdefault(str(table), []).append((str(name), str(kind)))
    return found

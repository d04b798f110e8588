"""Numbered SQL files, applied once and in order. Each statement can be run again without harm.

A migration is recorded after its statements: a crash in between runs them once more.
"""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

from headcount_aggregator.warehouse import Warehouse
from headcount_aggregator.warehouse.errors import Reason, WarehouseError


def migrations() -> list[tuple[int, str]]:
    """Every migration: its number and its text."""
    found = [
        file for file in files("headcount_aggregator.warehouse.migrations").iterdir() if file.name.endswith(".sql")
    ]
    return sorted((int(file.name[:4]), file.read_text("utf-8")) for file in found)


def migrate(warehouse: Warehouse) -> list[int]:
    """Apply what is missing; returns the numbers applied. An applied file that changed is a ``MISMATCH``."""
    warehouse.execute("CREATE DATABASE IF NOT EXISTS headcount")
    warehouse.execute(
        "CREATE TABLE IF NOT EXISTS headcount.migrations (number UInt16, checksum String) "
        "ENGINE = ReplacingMergeTree ORDER BY number"
    )
    done: dict[int, str] = {
        int(number): str(checksum)
        for number, checksum in warehouse.query(
            "SELECT number, any(checksum) FROM headcount.migrations GROUP BY number"
        )
    }
    applied: list[int] = []
    for number, text in migrations():
        checksum = hashlib.sha256(text.encode()).hexdigest()
        if number in done:
            if done[number] != checksum:
                raise WarehouseError(Reason.MISMATCH)
            continue
        for statement in statements(text):
            warehouse.execute(
                statement.replace("{text}", warehouse.dialect.text).replace(
                    "{durable}", warehouse.dialect.table_settings
                )
            )
        warehouse.execute(f"INSERT INTO headcount.migrations VALUES ({number}, '{checksum}')")
        applied.append(number)
    return applied


def statements(text: str) -> list[str]:
    """The statements of a migration: comments gone, split at semicolons."""
    bare = re.sub(r"--[^\n]*", "", text)
    return [statement.strip() for statement in bare.split(";") if statement.strip()]

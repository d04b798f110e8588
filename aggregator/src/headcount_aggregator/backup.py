"""A backup of a house: warehouse, units, spool, releases, disclosure log as one moment has them; putting it back.

It is made between two ticks of the store, or while no store runs: then the loader changes nothing, and what the
edges still write is whole records at the end of files, or new files. The warehouse is written out as rows, so that
a backup can be put back into any home. A backup is the folder with a manifest, which is written last: it has the
hash of every file and the sums of every table.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headcount_aggregator.rollup import watermark
from headcount_aggregator.settings import StoreSettings
from headcount_aggregator.warehouse import Reason, Table, Warehouse, WarehouseError
from headcount_aggregator.warehouse.copying import COPIED, Progress, blocks, held, is_empty, set_watermark, total

VERSION = 2
MANIFEST = "manifest.json"
RESTORING = "restoring.json"
UNFINISHED = ".unfinished"
_SIZE = struct.Struct("<I")
_PASSES = 20
_CHUNK = 1 << 20


class BackupError(Exception):
    """A backup cannot be made or put back; the text says why, in a sentence."""


def write_backup(
    settings: StoreSettings, warehouse: Warehouse, folder: Path, moment: float, progress: Progress
) -> dict[str, Any]:
    """Write a backup into a new folder; returns its manifest. Raises ``BackupError`` and ``WarehouseError``.

    Until it is whole it stands beside, as ``.unfinished``; what a cut left there is written anew.
    """
    if folder.exists():
        raise BackupError(f"{folder} is there already; a backup is written into a new folder.")
    making = folder.with_name(folder.name + UNFINISHED)
    shutil.rmtree(making, ignore_errors=True)
    try:
        return _written(settings, warehouse, folder, making, moment, progress)
    except OSError:
        shutil.rmtree(making, ignore_errors=True)  # a disk that is full has room again
        raise


def _written(
    settings: StoreSettings, warehouse: Warehouse, folder: Path, making: Path, moment: float, progress: Progress
) -> dict[str, Any]:
    making.mkdir(parents=True, mode=0o700)
    mark = watermark(warehouse)
    files: dict[str, list[Any]] = {}
    for part in _parts(settings):
        _copy_files(part, making / part.name, making, files)
    sums = {table.sql: _write_table(warehouse, table, mark, making, files, progress) for table in COPIED}
    manifest: dict[str, Any] = {"v": VERSION, "made": moment, "watermark": mark, "tables": sums, "files": files}
    manifest["sha256"] = _digest_of(manifest)
    _write(making / MANIFEST, json.dumps(manifest, indent=1).encode())
    for place in [making, *(path for path in making.rglob("*") if path.is_dir())]:
        _sync(place)
    making.rename(folder)
    _sync(folder.parent)
    return manifest


def read_manifest(folder: Path) -> dict[str, Any]:
    """A backup's manifest, once every file is what it was; raises ``BackupError``."""
    try:
        manifest: Any = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        raise BackupError(f"{folder} is no whole backup: it has no {MANIFEST}.") from None
    if not isinstance(manifest, dict) or manifest.get("v") != VERSION:
        raise BackupError(f"{folder} was written by another version of Headcount.")
    if manifest.get("sha256") != _digest_of(manifest):
        raise BackupError(f"{folder / MANIFEST} is not what was written; nothing was put back.")
    for name, (size, digest) in manifest["files"].items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size or _digest(path) != digest:
            raise BackupError(f"{path} is not what was written; nothing was put back.")
    return manifest


def restore(settings: StoreSettings, warehouse: Warehouse, folder: Path, progress: Progress) -> dict[str, Any]:
    """Put a backup back into an empty house, and verify it; returns its manifest.

    Raises ``BackupError`` where the house holds anything, unless it is a part of this same restore, and
    ``WarehouseError`` with ``Reason.MISMATCH`` where the tables do not come out.
    """
    manifest = read_manifest(folder)
    marker = settings.data / RESTORING
    whose = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    if not (marker.exists() and marker.read_text("utf-8") == whose):
        if marker.exists():
            raise BackupError(
                f"{settings.data} holds a part of another backup; begin with an empty folder and an empty warehouse."
            )
        for part in _parts(settings):
            if any(path.is_file() and path.name != "lock" for path in part.rglob("*")):
                raise BackupError(f"{part} holds files; a backup is only put back into an empty house.")
        if not is_empty(warehouse):
            raise BackupError("The warehouse holds rows; a backup is only put back into an empty one.")
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(marker, whose.encode())
        _sync(settings.data)
    for name in manifest["files"]:
        if not name.startswith("warehouse/"):
            _copy(folder / name, settings.data / name)
    mark = int(manifest["watermark"])
    for table in COPIED:
        _read_table(warehouse, table, folder, manifest, progress)
        if list(total(held(warehouse, table, mark))) != manifest["tables"][table.sql]:
            raise WarehouseError(Reason.MISMATCH)
    set_watermark(warehouse, mark)
    marker.unlink()
    _sync(settings.data)
    return manifest


def _parts(settings: StoreSettings) -> tuple[Path, ...]:
    return settings.units, settings.spool, settings.releases, settings.disclosures, settings.shares


def _copy_files(source: Path, target: Path, root: Path, files: dict[str, list[Any]]) -> None:
    """Copy a folder. An edge may seal a segment meanwhile, which gives it another name: then it is looked for again."""
    seen: set[Path] = set()
    for _ in range(_PASSES):
        found = [path for path in sorted(source.rglob("*")) if path not in seen and path.is_file()]
        if not found:
            return
        for path in found:
            if path.name == "lock" or path.suffix in (".new", ".tmp"):
                seen.add(path)
                continue
            copied = target / path.relative_to(source)
            try:
                _copy(path, copied)
            except FileNotFoundError:
                continue
            seen.add(path)
            files[str(copied.relative_to(root))] = [copied.stat().st_size, _digest(copied)]
    raise BackupError(f"{source} changes faster than it can be copied.")


def _write_table(
    warehouse: Warehouse, table: Table, mark: int, root: Path, files: dict[str, list[Any]], progress: Progress
) -> list[int]:
    """Write a table's rows, a file a day; returns its rows, sum and checksum."""
    days = held(warehouse, table, mark)
    whole, done = total(days), 0
    progress(table.sql, done, whole.rows)
    for day, sums in sorted(days.items()):
        path = root / "warehouse" / f"{table.sql}-{day}.rows.gz"
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as raw:
            with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=3, mtime=0) as packed:
                for block, _ in blocks(warehouse, table, mark, day):
                    packed.write(_SIZE.pack(len(block)) + block)
            raw.flush()
            os.fsync(raw.fileno())
        files[str(path.relative_to(root))] = [path.stat().st_size, _digest(path)]
        done += sums.rows
        progress(table.sql, done, whole.rows)
    return list(whole)


def _read_table(warehouse: Warehouse, table: Table, folder: Path, manifest: dict[str, Any], progress: Progress) -> None:
    names = [name for name in manifest["files"] if name.startswith(f"warehouse/{table.sql}-")]
    rows = int(manifest["tables"][table.sql][0])
    for done, name in enumerate(names):
        progress(table.sql, rows * done // len(names), rows)
        for block in _blocks_in(folder / name):
            warehouse.insert(table, block)
    progress(table.sql, rows, rows)


def _blocks_in(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as packed:
        while size := packed.read(_SIZE.size):
            yield packed.read(_SIZE.unpack(size)[0])


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    making = target.with_name(target.name + ".copy")
    with source.open("rb") as read, making.open("wb") as written:
        shutil.copyfileobj(read, written, _CHUNK)
        written.flush()
        os.fsync(written.fileno())
    making.rename(target)
    _sync(target.parent)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _digest_of(manifest: dict[str, Any]) -> str:
    """The hash of all that a manifest says beside it."""
    said = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

"""A year of many Customers' releases: one is released by the real rule, the others are the same, sealed anew."""

from __future__ import annotations

import hashlib
import shutil
import time
from pathlib import Path
from typing import Any

import orjson
from headcount_aggregator.cell_reader import WarehouseCells
from headcount_aggregator.chains import Chains
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.release.run import Releaser
from headcount_aggregator.sealed_file import header_of
from headcount_aggregator.sealed_index import Sealed, SealedIndex, Stamp, forget
from headcount_aggregator.sealed_look import Kept, bring_up
from headcount_aggregator.warehouse.embedded import open_embedded
from headcount_wire.app_key import fingerprint, new_key
from headcount_wire.organisation import parse_organisation
from rich.console import Console
from rich.progress import track

from benchmarks.release import FIRST_DAY, fill

CUTS = {
    "active": '["os", "language", "time_zone", "app_version", "os x app_version"]',
    "counter": '["os", "language", "time_zone", "app_version", "os x app_version"]',
    "flag": '["os", "app_version"]',
    "timing": '["os", "app_version"]',
}
KINDS = ("active", *("counter",) * 11, *("flag",) * 4, *("timing",) * 4)
"""The kinds of the 20 measures; every second counter has labels, every second counter and flag has reach."""


SEALED_AFTER = 12
"""Days after the last drawn one on which all is sealed, and asked for."""


class Unsynced(Disk):
    """A disk that is not waited for: what a benchmark writes need not survive it."""

    def write(self, path: Path, data: bytes) -> None:
        """Write a file."""
        path.write_bytes(data)

    def sync(self, folder: Path) -> None:
        """Nothing to wait for."""


def catalog() -> str:
    """A catalog of 20 measures, cut by four dimensions and a pair of them."""
    parts = [
        '[catalog]\nname = "meet"\nversion = 1\n[purposes.usage]\nsentence.en = "Count what is used, to improve it."'
    ]
    fields = ("os", "language", "time_zone", "app_version")
    parts.append("[context]\n" + "\n".join(f'{field} = "usage"' for field in fields))
    for code, kind in enumerate(KINDS, 1):
        parts.append(
            f'[measures."{kind}{code if code > 1 else ""}"]\ncode = {code}\nkind = "{kind}"\npurpose = "usage"'
        )
        parts.append(f'description = "Measure {code} of the benchmark."\nowner = "bench@meet.example"')
        parts.append(f"breakdowns = {CUTS[kind]}")
        if kind in ("counter", "timing"):
            parts.append("cap = 50")
        if kind in ("counter", "flag") and code % 2:
            parts.append("reach = true")
        if kind == "counter" and not code % 2:
            parts.append('label = { key = "way", values = ["link", "calendar", "dial_in", "room"] }')
    return "\n".join(parts) + "\n"


def declare(folder: Path, customers: int) -> dict[str, str]:
    """The organisation file of so many Customers, each with a reader; returns their tokens."""
    (folder / "catalog.toml").write_text(catalog())
    tokens = {f"c{code}": new_key("read") for code in range(1, customers + 1)}
    parts = ['[operator]\nname = "Benchmark"\n[apps.meet]\ncode = 1\ncatalogs = ["catalog.toml"]\n']
    for code, (name, token) in enumerate(tokens.items(), 1):
        parts.append(f'[customers.{name}]\ncode = {code}\npolicy = {{ version = 1, purposes = ["usage"] }}\n')
        parts.append(f'[[readers]]\nname = "r{code}"\nfingerprint = "{fingerprint(token)}"\nscope = "own"\n')
        parts.append(f'customer = "{name}"\n')
    (folder / "organisation.toml").write_text("".join(parts))
    return tokens


def release(folder: Path, devices: int, days: int, out: Console) -> None:
    """Seal the first Customer's days by the real rule, from drawn cells."""
    organisation = parse_organisation((folder / "organisation.toml").read_text(), folder)
    warehouse = open_embedded(folder / "warehouse")
    fill(warehouse, organisation, devices, days, out)
    Releaser(folder / "releases", WarehouseCells(warehouse), Unsynced()).release_due(
        organisation, FIRST_DAY + days + SEALED_AFTER
    )
    warehouse.close()
    Chains(folder / "releases", Unsynced()).look()


def copy(releases: Path, customers: int, out: Console) -> int:
    """Seal the first Customer's releases for all others, in chains of their own; returns the bytes of one chain."""
    sealed = [(path.name, orjson.loads(path.read_bytes())) for path in sorted((releases / "1-1").glob("*.json"))]
    for code in track(range(2, customers + 1), "sealing for the others", console=out):
        folder = releases / f"{code}-1"
        if folder.exists():
            continue
        folder.mkdir(parents=True)
        previous = "0" * 64
        for name, plain in sealed:
            changed: dict[str, Any] = {**plain, "customer": code, "previous": previous}
            data = orjson.dumps(changed, option=orjson.OPT_SORT_KEYS)
            (folder / name).write_bytes(data)
            previous = hashlib.sha256(data).hexdigest()
    if not all((releases / f"{code}-1/chain").exists() for code in range(1, customers + 1)):
        Chains(releases, Unsynced()).look()
    return sum((releases / "1-1" / name).stat().st_size for name, _ in sealed)


def make_index(folder: Path) -> tuple[float, float]:
    """Make the first Customer's index from its sealed files; the seconds it took, and of a processor."""
    (folder / "indexes").mkdir(exist_ok=True)
    path = folder / "indexes/1-1.sqlite"
    forget(path)
    began = time.monotonic(), time.process_time()
    index = SealedIndex(path)
    bring_up(index, folder / "releases/1-1", Kept((1, 1)))
    index.close()
    return time.monotonic() - began[0], time.process_time() - began[1]


def copy_indexes(folder: Path, customers: int, out: Console) -> None:
    """The other Customers' indexes from the first one's, with headers of their own: what making each would give."""
    indexes, first = folder / "indexes", folder / "indexes/1-1.sqlite"
    for code in track(range(2, customers + 1), "copying the index", console=out):
        path, releases = indexes / f"{code}-1.sqlite", folder / f"releases/{code}-1"
        if path.exists():
            continue
        shutil.copyfile(first, path)
        index = SealedIndex(path)
        index._db.execute("delete from file")
        index.add([_header_only(file) for file in sorted(releases.glob("*.json"))])
        index.close()


def _header_only(path: Path) -> Sealed:
    stat = path.stat()
    data = path.read_bytes()
    header = header_of(orjson.loads(data), hashlib.sha256(data).hexdigest())
    return Sealed(path.name, Stamp.of(stat), header, ())

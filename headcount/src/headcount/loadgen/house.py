"""A house of one's own, for as long as a load lasts: real workers, store and warehouse in a temporary folder."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headcount_wire.app_key import fingerprint, new_key
from headcount_wire.catalog import Catalog

from headcount.settings import Settings
from headcount.stack import Stack, free_port

NO_LIMIT = 1_000_000_000
UNIT_SECONDS = 1.0


@dataclass(frozen=True)
class House:
    """Where it is: the edge's address, the operator's ports, the data folder, the keys of its Customers."""

    edge: str
    admins: tuple[str, ...]
    data: Path
    keys: tuple[str, ...]


@contextlib.contextmanager
def house(catalog: Catalog, text: str, customers: int, workers: int) -> Iterator[House]:
    """Start one for a catalog, with so many Customers; its limits of rate are lifted. Raises ``NotReadyError``."""
    folder = Path(tempfile.mkdtemp(prefix="headcount-load-"))
    try:
        (folder / "catalog.toml").write_text(text, "utf-8")
        keys = tuple(new_key("live") for _ in range(customers))
        (folder / "organisation.toml").write_text(organisation(catalog, keys), "utf-8")
        settings = Settings(
            organisation=folder / "organisation.toml",
            data=folder / "data",
            workers=workers,
            edge_port=free_port(),
            admin_port=_ports(workers),
            dashboard_port=free_port(),
            unit_seconds=UNIT_SECONDS,
            key_per_minute=NO_LIMIT,
            address_per_minute=NO_LIMIT,
            disk_floor_bytes=0,
            trusted_proxies=("127.0.0.0/8", "::1/128"),
        )
        with Stack(settings, log=folder / "log") as stack:
            stack.await_ready()
            admins = tuple(f"http://127.0.0.1:{settings.admin_port + number}" for number in range(workers))
            yield House(stack.edge, admins, settings.data, keys)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def organisation(catalog: Catalog, keys: Sequence[str]) -> str:
    """So many Customers of one app, each with its key, all that the catalog asks for allowed."""
    purposes = ", ".join(f'"{name}"' for name in catalog.purposes)
    parts = ['[operator]\nname = "Load"\n']
    for code, key in enumerate(keys, 1):
        parts.append(f"[customers.load-{code}]\ncode = {code}\npolicy = {{ version = 1, purposes = [{purposes}] }}\n")
        parts.append(
            f'[[keys]]\nfingerprint = "{fingerprint(key)}"\ncustomer = "load-{code}"\napp = "{catalog.name}"\n'
        )
    parts.append(f'[apps.{catalog.name}]\ncode = 1\ncatalogs = ["catalog.toml"]\n')
    return "\n".join(parts)


def _ports(count: int) -> int:
    """The first of so many ports in a row that nothing listens on."""
    while True:
        first = free_port()
        with contextlib.suppress(OSError):
            if all(free_port(first + number) == first + number for number in range(count)):
                return first

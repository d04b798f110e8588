"""``headcount up --dev catalog.toml``: the house for one developer's app, with keys made for it.

Everything is kept in a folder beside the catalog, ``headcount-dev``, so that the same keys work tomorrow.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from headcount_wire.app_key import fingerprint, new_key
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.errors import CatalogError
from headcount_wire.organisation import read_text

from headcount.settings import Settings

FOLDER = "headcount-dev"
SEAL_SECONDS = 0.2
UNIT_SECONDS = 1.0


@dataclass(frozen=True)
class Dev:
    """What a developer needs: the settings of the house, an app key of each kind, a reader's token, a page."""

    settings: Settings
    page: str
    debug_key: str
    live_key: str
    token: str


def prepare(file: Path) -> Dev:
    """Make the folder for a catalog; raises ``CatalogError`` and ``OSError``."""
    catalog = parse_catalog(read_text(file, CatalogError), str(file))
    folder = file.resolve().parent / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    keys = _keys(folder / "keys.json")
    organisation = folder / "organisation.toml"
    organisation.write_text(_organisation(catalog, file.resolve(), keys), "utf-8")
    settings = Settings(
        organisation=organisation,
        data=folder / "data",
        workers=1,
        seal_seconds=SEAL_SECONDS,
        unit_seconds=UNIT_SECONDS,
    )
    return Dev(settings, f"/c/dev/{catalog.name}/debug", keys["debug"], keys["live"], keys["read"])


def _keys(file: Path) -> dict[str, str]:
    """The keys of last time, or new ones; the file is its owner's alone."""
    kinds = ("debug", "live", "read")
    try:
        keys: dict[str, str] = json.loads(file.read_text("utf-8"))
        if all(keys[kind].startswith(f"hc_{kind}_") for kind in kinds):
            return keys
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        pass
    keys = {kind: new_key(kind) for kind in kinds}
    with os.fdopen(os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8") as target:
        json.dump(keys, target, indent=1)
    return keys


def _organisation(catalog: Catalog, file: Path, keys: dict[str, str]) -> str:
    purposes = ", ".join(json.dumps(name) for name in catalog.purposes)
    app = json.dumps(catalog.name)
    key = '[[keys]]\nfingerprint = "{}"\ncustomer = "dev"\napp = ' + app + "\n"
    return "\n".join(
        [
            "# Written by headcount up --dev; changes are lost with its next start.",
            '[operator]\nname = "Development"\n',
            '[customers.dev]\ncode = 1\nname = "Development"',
            f"policy = {{ version = 1, purposes = [{purposes}] }}\n",
            f"[apps.{app}]\ncode = 1\nname = {app}\ncatalogs = [{json.dumps(str(file))}]\n",
            key.format(fingerprint(keys["live"])),
            key.format(fingerprint(keys["debug"])) + "debug = true\n",
            f'[[readers]]\nname = "developer"\nfingerprint = "{fingerprint(keys["read"])}"',
            'scope = "own"\ncustomer = "dev"\n',
        ]
    )

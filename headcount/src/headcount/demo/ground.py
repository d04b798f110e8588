"""The demo's organisation: a folder with the organisation file, the catalog, and fresh keys."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from headcount_wire.app_key import fingerprint, new_key

CUSTOMERS = (("aurora", 70), ("borealis", 20), ("cumulus", 10))
"""The simulated Customers, with their share of the people."""

_TITLES = {"aurora": "Aurora Insurance", "borealis": "Borealis Schools", "cumulus": "Cumulus Clinic"}
_PARTNERS = {"aurora": "north", "borealis": "north", "cumulus": ""}


SCOPES = {"north": 'scope = "partner"\npartner = "north"\n', "product": 'scope = "product"\n'}
"""Readers of sums over Customers. There are too few Customers here: their page says so."""


@dataclass(frozen=True)
class Ground:
    """Where the demo runs, and the keys it made for it; ``debug_key`` is a developer's, of the first Customer."""

    folder: Path
    organisation: Path
    catalog: Path
    app_keys: dict[str, str]
    readers: dict[str, str]
    debug_key: str


def prepare(folder: Path) -> Ground:
    """Write the organisation and the catalog into a folder; every key is new."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    catalog = folder / "catalog.toml"
    shutil.copyfile(Path(__file__).with_name("catalog.toml"), catalog)
    app_keys = {name: new_key("live") for name, _ in CUSTOMERS}
    readers = {name: new_key("read") for name in (*(name for name, _ in CUSTOMERS), *SCOPES)}
    debug_key, developer = new_key("debug"), CUSTOMERS[0][0]
    lines = ['[operator]\nname = "Example Video"\n', "[partners.north]", "code = 1", 'name = "North Resellers"\n']
    for code, (name, _) in enumerate(CUSTOMERS, 11):
        partner = f'partner = "{_PARTNERS[name]}"\n' if _PARTNERS[name] else ""
        lines.append(
            f'[customers.{name}]\ncode = {code}\nname = "{_TITLES[name]}"\n{partner}'
            'policy = { version = 1, purposes = ["usage", "diagnostics", "context"] }\n'
        )
    lines.append('[apps.meet]\ncode = 1\nname = "Meet"\ncatalogs = ["catalog.toml"]\n')
    for name, key in app_keys.items():
        lines.append(f'[[keys]]\nfingerprint = "{fingerprint(key)}"\ncustomer = "{name}"\napp = "meet"\n')
    lines.append(
        f'[[keys]]\nfingerprint = "{fingerprint(debug_key)}"\ncustomer = "{developer}"\napp = "meet"\ndebug = true\n'
    )
    for name, token in readers.items():
        seen = SCOPES.get(name) or f'scope = "own"\ncustomer = "{name}"\n'
        lines.append(f'[[readers]]\nname = "{name}-pm"\nfingerprint = "{fingerprint(token)}"\n{seen}')
    organisation = folder / "organisation.toml"
    organisation.write_text("\n".join(lines), "utf-8")
    return Ground(folder, organisation, catalog, app_keys, readers, debug_key)

"""The demo's organisation: a folder with the organisation file, the catalog, and fresh keys."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from headcount_wire.app_key import fingerprint, new_key


@dataclass(frozen=True, slots=True)
class Simulated:
    """One simulated Customer, with its share of the people. ``noise``: its own numbers have it, and no threshold.

    Who has noise counts in a sum over Customers with fewer people: its share of the sum has that lighter noise.
    """

    name: str
    title: str
    share: int
    noise: str = ""


SIMULATED = (
    Simulated("aurora", "Aurora Insurance", 40),
    Simulated("borealis", "Borealis Schools", 16, "light"),
    Simulated("cumulus", "Cumulus Clinic", 11, "light"),
    Simulated("dolomite", "Dolomite Bank", 11, "light"),
    Simulated("estuary", "Estuary Freight", 11, "light"),
    Simulated("fjord", "Fjord Energy", 11, "light"),
)
"""Enough of them, and none with more than half of the people, so that sums over all of them may be told."""

CUSTOMERS = tuple((customer.name, customer.share) for customer in SIMULATED)
"""The simulated Customers, with their share of the people."""

PARTNER, PARTNER_TITLE = "north", "North Resellers"
"""Who sold it to all of them: fewer than five Customers outside could be told by subtraction, so none are."""

OWN = ("aurora", "borealis")
"""The Customers whose readers the demo has links for: one with a threshold, one with noise."""

SCOPES = {PARTNER: f'scope = "partner"\npartner = "{PARTNER}"\n', "product": 'scope = "product"\n'}
"""Readers of sums over Customers: of a Partner's, and of all."""


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
    readers = {name: new_key("read") for name in (*OWN, *SCOPES)}
    debug_key, developer = new_key("debug"), CUSTOMERS[0][0]
    lines = ['[operator]\nname = "Example Video"\n', f'[partners.{PARTNER}]\ncode = 1\nname = "{PARTNER_TITLE}"\n']
    for code, customer in enumerate(SIMULATED, 11):
        rule = f'rule = "dp"\nnoise = "{customer.noise}"\n' if customer.noise else ""
        lines.append(
            f'[customers.{customer.name}]\ncode = {code}\nname = "{customer.title}"\n'
            f'partner = "{PARTNER}"\n{rule}'
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

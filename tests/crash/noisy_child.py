"""A process that releases under noise until it is killed: ``python -m tests.crash.noisy_child FOLDER DAYS``."""

from __future__ import annotations

import sys
from pathlib import Path

from headcount_aggregator.release.run import Releaser
from headcount_wire.organisation import Organisation, parse_organisation

from tests.aggregator.world import CATALOG, FIRST_DAY, Use, World
from tests.attacks.memory_cells import MemoryCells

ORGANISATION = """\
[operator]
name = "Made up"
[customers.acme]
code = 1
rule = "dp"
policy = { version = 1, purposes = ["usage"] }
[apps.app]
code = 1
catalogs = ["catalog.toml"]
"""


def organisation(folder: Path) -> Organisation:
    """One Customer, under noise."""
    (folder / "catalog.toml").write_text(CATALOG)
    return parse_organisation(ORGANISATION, folder)


def cells(span: int) -> MemoryCells:
    """Some days of two hundred devices."""
    uses = [Use(d, FIRST_DAY + day, "ios", "1.0", {2: 2}, True, (9,)) for day in range(span) for d in range(200)]
    return MemoryCells(World(uses).cells)


def main() -> None:
    """Say that it begins, and release."""
    folder, span = Path(sys.argv[1]), int(sys.argv[2])
    releaser, of = Releaser(folder / "releases", cells(span)), organisation(folder)
    print("begins", flush=True)  # noqa: T201 (what the parent waits for)
    releaser.release_due(of, FIRST_DAY + span + 4)
    print("done", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

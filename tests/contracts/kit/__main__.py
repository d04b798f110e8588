"""``python -m tests.contracts.kit --driver "my-driver"``: hold a driver to everything, and print the table."""

from __future__ import annotations

import argparse
import sys

from tests.contracts.kit.driver import PYTHON
from tests.contracts.kit.table import checks, held, markdown


def main() -> int:
    """Run every check; 0 when all hold."""
    parser = argparse.ArgumentParser(description="Hold an SDK to the protocol by what it does.")
    parser.add_argument("--driver", default=PYTHON, help="the command that starts the SDK's driver")
    arguments = parser.parse_args()
    rows = []
    for check in checks():
        failure = held(arguments.driver, check)
        sys.stderr.write(f"{'holds' if failure is None else 'FAILS'}  {check.name}  {failure or ''}\n")
        rows.append((check, failure))
    sys.stdout.write(markdown(rows))
    return 1 if any(failure for _, failure in rows) else 0


if __name__ == "__main__":
    sys.exit(main())

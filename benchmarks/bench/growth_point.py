"""One point of a growth curve: ``python -m benchmarks.bench.growth_point JSON`` prints a line of JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from benchmarks.load.population import Shape
from benchmarks.load.run import load


def main() -> None:
    """Load the device-days of a shape."""
    plain = json.loads(sys.argv[1])
    device_days, days = plain.pop("device_days"), plain.pop("days")
    sys.stdout.write(json.dumps(asdict(load(Shape(**plain), device_days, days, lambda _: None))) + "\n")


if __name__ == "__main__":
    main()

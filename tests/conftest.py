"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

from tests.crash.machine import power_cuts

# Machines are shared: how long an example takes says nothing about the code it tests.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_report_header() -> str:
    """What this machine cannot test."""
    cuts = power_cuts()
    return f"power cuts: {cuts}" if cuts else "power cuts: none, files cannot be mounted as disks here (docs/spool.md)"

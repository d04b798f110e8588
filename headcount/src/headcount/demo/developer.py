"""A developer's own device in the demo: a debug key, whose counts stand on the debug page and nowhere else."""

from __future__ import annotations

import logging
import shutil

from headcount_sdk.client import Headcount
from headcount_sdk.facts import DeviceFacts
from headcount_sdk.uploader import Fate
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.clock import Clock

from headcount.demo.ground import Ground


class _Facts(DeviceFacts):
    """What a developer's phone says of itself."""

    def os(self) -> str | None:
        return "android"

    def language(self) -> str | None:
        return "en"

    def time_zone(self) -> str | None:
        return "Europe/Berlin"

    def app_version(self) -> str | None:
        return "3.3"


def try_out(ground: Ground, host: str, clock: Clock) -> bool:
    """Use the app once, as a developer would who checks what it counts; whether the report was accepted."""
    # The SDK warns of the cap that is reached below on purpose; in the demo that would look like a fault.
    logging.getLogger("headcount").addHandler(logging.NullHandler())
    folder = ground.folder / "developer"
    catalog = parse_catalog(ground.catalog.read_text("utf-8"), str(ground.catalog))
    client = Headcount(ground.debug_key, host, catalog, directory=folder, clock=clock, facts=_Facts())
    client.start(thread=False)
    client.consent.grant(*catalog.purposes)
    client.on_foreground()
    for milliseconds in (610.0, 745.0, 1_320.0):
        client.track("meeting.joined", entry="calendar")
        client.measure("meeting.join_time", milliseconds)
    for _ in range(catalog.measures["meeting.joined"].cap):
        client.track("meeting.joined", entry="link")  # three more than the daily cap, so that the page shows a drop
    outcomes = client.flush()
    client.shutdown()
    shutil.rmtree(folder, ignore_errors=True)
    return any(outcome.fate is Fate.ACCEPTED for outcome in outcomes)

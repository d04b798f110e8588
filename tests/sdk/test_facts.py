"""What the SDK reads of a device by itself."""

from __future__ import annotations

import os

import pytest
from headcount_sdk.facts import DeviceFacts


@pytest.mark.parametrize(
    ("links", "zone"),
    [
        ({"/etc/localtime": "/usr/share/zoneinfo/Europe/Berlin"}, "Europe/Berlin"),
        ({"/etc/localtime": "../usr/share/zoneinfo/Europe/Berlin"}, "Europe/Berlin"),
        ({"/etc/localtime": "/var/db/timezone/localtime", "/var/db/timezone/localtime": "zoneinfo/UTC"}, "UTC"),
        ({"/etc/localtime": "/etc/localtime"}, None),
        ({}, None),
    ],
    ids=["straight", "relative", "two links", "a circle", "no link"],
)
def test_the_time_zone_is_where_the_link_leads(
    links: dict[str, str], zone: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The zone is read off the system's link, through another one if need be; no file is looked up for it."""

    def readlink(path: str) -> str:
        if path not in links:
            raise OSError(path)
        return links[path]

    monkeypatch.setattr(os, "readlink", readlink)
    monkeypatch.setattr(os, "lstat", None)
    assert DeviceFacts().time_zone() == zone

"""What the app "meet" may count: version 1 of its catalog.

Made by ``headcount catalog build``; what is changed here is lost with the next build.
"""

# Made by a command, and compared with its catalog by the same one: formatters and linters leave it alone.
# fmt: off
# ruff: noqa

from __future__ import annotations

from typing import Literal

from headcount_sdk.typed import (
    Breakdown,
    Catalog,
    Dimension,
    Headcount,
    Kind,
    Label,
    Measure,
    Node,
    Purpose,
    Timer,
)

SOURCE = "sha256:3a3df3355ba2f0e99eaedd7fa220aa0be15992a35a92dda800fc87bbca61fe41"

CATALOG = Catalog(
    name="meet",
    version=1,
    cadence="daily",
    purposes={
        "usage": Purpose(
            name="usage",
            sentence={
                "en": "Count which features are used and how often, to improve the app.",
                "de": "Zählen, welche Funktionen wie oft benutzt werden, um die App zu verbessern.",
            },
        ),
        "diagnostics": Purpose(
            name="diagnostics",
            sentence={
                "en": "Measure how fast and how reliably the app works.",
                "de": "Messen, wie schnell und zuverlässig die App arbeitet.",
            },
        ),
        "context": Purpose(
            name="context",
            sentence={
                "en": "Tell us the device's system, language, time zone and app version, in groups of at least 20 people.",
                "de": "System, Sprache, Zeitzone und App-Version des Geräts mitteilen, in Gruppen von mindestens 20 Personen.",
            },
        ),
    },
    context={
        Dimension.OS: "context",
        Dimension.LANGUAGE: "context",
        Dimension.TIME_ZONE: "context",
        Dimension.APP_VERSION: "context",
        Dimension.DEVICE_CLASS: "context",
    },
    measures={
        "active": Measure(
            name="active",
            code=1,
            kind=Kind.ACTIVE,
            purpose="usage",
            description="The app was used on this day.",
            owner="product@meet.example",
            cap=1,
            breakdowns=(
                Breakdown(Dimension.OS),
                Breakdown(Dimension.LANGUAGE),
                Breakdown(Dimension.TIME_ZONE),
                Breakdown(Dimension.APP_VERSION),
            ),
        ),
        "meeting.joined": Measure(
            name="meeting.joined",
            code=2,
            kind=Kind.COUNTER,
            purpose="usage",
            description="A meeting was joined, by the way it was entered.",
            owner="product@meet.example",
            cap=50,
            label=Label("entry", ("link", "calendar", "dial_in", "room")),
            reach=True,
            breakdowns=(
                Breakdown(Dimension.OS),
                Breakdown(Dimension.LANGUAGE),
                Breakdown(Dimension.TIME_ZONE),
            ),
        ),
        "screen_share.used": Measure(
            name="screen_share.used",
            code=3,
            kind=Kind.FLAG,
            purpose="usage",
            description="The screen was shared at least once on this day.",
            owner="product@meet.example",
            cap=1,
            reach=True,
            breakdowns=(Breakdown(Dimension.OS),),
        ),
        "meeting.join_time": Measure(
            name="meeting.join_time",
            code=4,
            kind=Kind.TIMING,
            purpose="diagnostics",
            description="From pressing Join to seeing the first video frame.",
            owner="quality@meet.example",
            cap=50,
            unit="ms",
            breakdowns=(Breakdown(Dimension.OS), Breakdown(Dimension.APP_VERSION)),
        ),
    },
)


class _MeetingJoined(Node):
    """``meeting.joined``, a measure of kind counter."""

    def add(self, *, entry: Literal["link", "calendar", "dial_in", "room"]) -> None:
        """A meeting was joined, by the way it was entered.

        Counted for the purpose "usage", at most 50 a device and day.
        """
        self._headcount.track("meeting.joined", entry=entry)


class _MeetingJoinTime(Node):
    """``meeting.join_time``, a measure of kind timing."""

    def time(self) -> Timer:
        """From pressing Join to seeing the first video frame.

        Counted for the purpose "diagnostics", in ms, at most 50 a device and day.
        """
        return self._headcount.timer("meeting.join_time")

    def record(self, milliseconds: float, /) -> None:
        """From pressing Join to seeing the first video frame.

        Counted for the purpose "diagnostics", in ms, at most 50 a device and day.
        """
        self._headcount.measure("meeting.join_time", milliseconds)


class _Meeting(Node):
    """What is named ``meeting`` and on."""

    def __init__(self, headcount: Headcount) -> None:
        super().__init__(headcount)
        self.join_time = _MeetingJoinTime(headcount)
        self.joined = _MeetingJoined(headcount)


class _ScreenShareUsed(Node):
    """``screen_share.used``, a measure of kind flag."""

    def set(self) -> None:
        """The screen was shared at least once on this day.

        Counted for the purpose "usage".
        """
        self._headcount.track("screen_share.used")


class _ScreenShare(Node):
    """What is named ``screen_share`` and on."""

    def __init__(self, headcount: Headcount) -> None:
        super().__init__(headcount)
        self.used = _ScreenShareUsed(headcount)


class Counts(Node):
    """Everything that the catalog declares."""

    def __init__(self, headcount: Headcount) -> None:
        super().__init__(headcount)
        self.meeting = _Meeting(headcount)
        self.screen_share = _ScreenShare(headcount)

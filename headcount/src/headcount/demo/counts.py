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
    Preview,
    Purpose,
    Severity,
    Step,
    Timer,
)

SOURCE = "sha256:ae9a72856bbf04b020c9c63cf4fd0a8d448c8b56aef2d2df1b32eef6814a76fa"

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
                Breakdown(Dimension.DEVICE_CLASS),
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
        "session": Measure(
            name="session",
            code=5,
            kind=Kind.SESSION,
            purpose="usage",
            description="The app was in use, until a pause of half an hour.",
            owner="product@meet.example",
            cap=20,
            unit="s",
            reach=True,
        ),
        "session.end": Measure(
            name="session.end",
            code=6,
            kind=Kind.CRASH_FREE,
            purpose="diagnostics",
            description="How a session ended.",
            owner="quality@meet.example",
            cap=20,
            label=Label("end", ("clean", "crashed")),
        ),
        "screen.viewed": Measure(
            name="screen.viewed",
            code=7,
            kind=Kind.SCREEN,
            purpose="usage",
            description="A screen was shown.",
            owner="product@meet.example",
            cap=20,
            label=Label("screen", ("home", "lobby", "meeting")),
            journeys=True,
        ),
        "problem.reported": Measure(
            name="problem.reported",
            code=8,
            kind=Kind.PROBLEM,
            purpose="diagnostics",
            description="A problem was reported by its user.",
            owner="quality@meet.example",
            cap=3,
            label=Label("category", ("sound", "picture", "connection")),
            breakdowns=(Breakdown(Dimension.APP_VERSION),),
        ),
        "meeting.setup": Measure(
            name="meeting.setup",
            code=9,
            kind=Kind.FUNNEL,
            purpose="usage",
            description="From the lobby into a meeting, and on to sharing the screen.",
            owner="product@meet.example",
            cap=1,
            steps=(Step(7, 3), Step(2), Step(3)),
            window_minutes=60,
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


class _ProblemReported(Node):
    """``problem.reported``, a measure of kind problem."""

    def report(
        self,
        category: Literal["sound", "picture", "connection"],
        /,
        *,
        severity: Severity | None = None,
        screen: Literal["home", "lobby", "meeting"] | None = None,
    ) -> Preview:
        """A problem was reported by its user.

        Counted for the purpose "diagnostics", at most 3 a device and day.
        """
        return self._headcount.report_problem(category, severity, screen or "")


class _Problem(Node):
    """What is named ``problem`` and on."""

    def __init__(self, headcount: Headcount) -> None:
        super().__init__(headcount)
        self.reported = _ProblemReported(headcount)


class _Screen(Node):
    """The screens."""

    def __call__(self, name: Literal["home", "lobby", "meeting"], /) -> None:
        """A screen was shown.

        Counted for the purpose "usage", at most 20 a device and day.
        """
        self._headcount.screen(name)


class Counts(Node):
    """Everything that the catalog declares."""

    def __init__(self, headcount: Headcount) -> None:
        super().__init__(headcount)
        self.meeting = _Meeting(headcount)
        self.problem = _Problem(headcount)
        self.screen = _Screen(headcount)
        self.screen_share = _ScreenShare(headcount)

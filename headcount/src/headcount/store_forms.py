"""What the app stores ask about data, answered from a catalog: Apple's privacy manifest, Play's data safety form.

Apple: https://developer.apple.com/documentation/bundleresources/privacy-manifest-files
Play: https://support.google.com/googleplay/android-developer/answer/10787469

Both describe Headcount's part of an app and nothing else of it.
"""

from __future__ import annotations

import csv
import io
import plistlib
from dataclasses import dataclass
from typing import Any

from headcount_wire.catalog import Catalog
from headcount_wire.facts import Kind

ANALYTICS = ("Analytics", "PSL_ANALYTICS")
FUNCTIONALITY = ("AppFunctionality", "PSL_APP_FUNCTIONALITY")
"""Uses of data, each as Apple and as Play spell it. Keeping an app fast and whole is functionality to both."""


@dataclass(frozen=True)
class DataType:
    """A type of data both stores have a word for; ``uses``: what it is used for."""

    apple: str
    play_group: str
    play: str
    play_label: str
    uses: tuple[tuple[str, str], ...]


INTERACTION = DataType(
    "ProductInteraction",
    "PSL_DATA_TYPES_APP_ACTIVITY",
    "PSL_USER_INTERACTION",
    "App activity/App interactions",
    (ANALYTICS,),
)
PERFORMANCE = DataType(
    "PerformanceData",
    "PSL_DATA_TYPES_APP_PERFORMANCE",
    "PSL_PERFORMANCE_DIAGNOSTICS",
    "App info and performance/Diagnostics",
    (ANALYTICS, FUNCTIONALITY),
)
CRASHES = DataType(
    "CrashData",
    "PSL_DATA_TYPES_APP_PERFORMANCE",
    "PSL_CRASH_LOGS",
    "App info and performance/Crash logs",
    (ANALYTICS, FUNCTIONALITY),
)
OTHER = DataType(
    "OtherDiagnosticData",
    "PSL_DATA_TYPES_APP_PERFORMANCE",
    "PSL_OTHER_PERFORMANCE",
    "App info and performance/Other app performance data",
    (ANALYTICS, FUNCTIONALITY),
)
TYPES = (INTERACTION, PERFORMANCE, CRASHES, OTHER)

TYPES_OF_KIND: dict[Kind, tuple[DataType, ...]] = {
    Kind.ACTIVE: (INTERACTION,),
    Kind.COUNTER: (INTERACTION,),
    Kind.FLAG: (INTERACTION,),
    Kind.TIMING: (PERFORMANCE,),
    Kind.DISTRIBUTION: (INTERACTION, PERFORMANCE),  # a unit may be either: rather one too many than one too few
    Kind.SCREEN: (INTERACTION,),
    Kind.FUNNEL: (INTERACTION,),
    Kind.SESSION: (INTERACTION,),
    Kind.CRASH_FREE: (CRASHES,),
    Kind.PROBLEM: (OTHER,),
    Kind.QUANTITY: (INTERACTION,),
}
"""What the measures of a kind are to the stores. Any context field is ``OTHER`` besides."""

ACCESSED = {"SystemBootTime": ["35F9.1"], "FileTimestamp": ["C617.1"]}
"""The system interfaces with a required reason that the SDK calls, and Apple's codes of the reasons.

A clock that nobody sets measures durations (35F9.1); whether the SDK's own files are there, and how large they are, is
looked up inside the app's container (C617.1). Disk space, user defaults and keyboards are never asked.
"""


def data_types(catalog: Catalog) -> tuple[DataType, ...]:
    """The types of data that an app with this catalog collects by Headcount."""
    found = {kind for measure in catalog.measures.values() for kind in TYPES_OF_KIND[measure.kind]}
    if catalog.context:
        found.add(OTHER)
    return tuple(one for one in TYPES if one in found)


# -- Apple ----------------------------------------------------------------------------------------


def apple_manifest(catalog: Catalog) -> bytes:
    """A ``PrivacyInfo.xcprivacy``, as XML: nothing is linked to a person, and nothing tracks."""
    prefix = "NSPrivacyCollectedDataType"
    manifest: dict[str, Any] = {
        "NSPrivacyTracking": False,
        "NSPrivacyTrackingDomains": [],
        "NSPrivacyCollectedDataTypes": [
            {
                prefix: prefix + one.apple,
                f"{prefix}Linked": False,
                f"{prefix}Tracking": False,
                f"{prefix}Purposes": [f"{prefix}Purpose{apple}" for apple, _ in one.uses],
            }
            for one in data_types(catalog)
        ],
        "NSPrivacyAccessedAPITypes": [
            {
                "NSPrivacyAccessedAPIType": f"NSPrivacyAccessedAPICategory{name}",
                "NSPrivacyAccessedAPITypeReasons": reasons,
            }
            for name, reasons in ACCESSED.items()
        ],
    }
    return plistlib.dumps(manifest, sort_keys=False)


# -- Play -----------------------------------------------------------------------------------------

HEADER = (
    "Question ID (machine readable)",
    "Response ID (machine readable)",
    "Response value",
    "Answer requirement",
    "Human-friendly question label",
)
PLAY_USES = {
    "PSL_APP_FUNCTIONALITY": "App functionality",
    "PSL_ANALYTICS": "Analytics",
    "PSL_DEVELOPER_COMMUNICATIONS": "Developer communications",
    "PSL_ADVERTISING": "Advertising or marketing",
    "PSL_FRAUD_PREVENTION_SECURITY": "Fraud prevention, security, and compliance",
    "PSL_PERSONALIZATION": "Personalization",
    "PSL_ACCOUNT_MANAGEMENT": "Account management",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of Play's form: ``value`` is ``true`` or ``false``, or empty for a choice that is not taken."""

    question: str
    response: str
    value: str
    requirement: str
    label: str


def play_answers(catalog: Catalog) -> list[Answer]:
    """Headcount's answers to Play's data safety form; what only the whole app can answer is not among them."""
    yes, types = "true", data_types(catalog)
    collects = "Does your app collect or share any of the required user data types?"
    encrypted = "Is all of the user data collected by your app encrypted in transit?"
    return [
        Answer("PSL_DATA_COLLECTION_COLLECTS_PERSONAL_DATA", "", yes, "REQUIRED", collects),
        Answer("PSL_DATA_COLLECTION_ENCRYPTED_IN_TRANSIT", "", yes, "MAYBE_REQUIRED", encrypted),
        *(Answer(one.play_group, one.play, yes, "MULTIPLE_CHOICE", one.play_label) for one in types),
        *(answer for one in types for answer in _usage(one)),
    ]


def play_csv(catalog: Catalog) -> str:
    """The answers as Play Console's CSV import reads them."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(HEADER)
    rows.writerows([a.question, a.response, a.value, a.requirement, a.label] for a in play_answers(catalog))
    return text.getvalue()


def _usage(one: DataType) -> list[Answer]:
    start = f"PSL_DATA_USAGE_RESPONSES:{one.play}:"
    said = f"Data usage and handling ({one.play_label.partition('/')[2]})/"
    handled, control = (
        "Is this data collected, shared, or both?",
        "Is this data required for your app, or can users choose?",
    )
    uses = {play for _, play in one.uses}
    answers = [
        ("PSL_DATA_USAGE_COLLECTION_AND_SHARING", "PSL_DATA_USAGE_ONLY_COLLECTED", "true", f"{handled}/Collected"),
        ("PSL_DATA_USAGE_COLLECTION_AND_SHARING", "PSL_DATA_USAGE_ONLY_SHARED", "", f"{handled}/Shared"),
        ("PSL_DATA_USAGE_EPHEMERAL", "", "false", "Is this data processed ephemerally?"),
        ("DATA_USAGE_USER_CONTROL", "PSL_DATA_USAGE_USER_CONTROL_OPTIONAL", "true", f"{control}/Users can choose"),
        ("DATA_USAGE_USER_CONTROL", "PSL_DATA_USAGE_USER_CONTROL_REQUIRED", "", f"{control}/Required"),
        *(
            (
                "DATA_USAGE_COLLECTION_PURPOSE",
                use,
                "true" if use in uses else "",
                f"Why is this data collected?/{label}",
            )
            for use, label in PLAY_USES.items()
        ),
    ]
    return [
        Answer(start + question, response, value, _REQUIREMENTS[question], said + label)
        for question, response, value, label in answers
    ]


_REQUIREMENTS = {
    "PSL_DATA_USAGE_COLLECTION_AND_SHARING": "MULTIPLE_CHOICE",
    "PSL_DATA_USAGE_EPHEMERAL": "MAYBE_REQUIRED",
    "DATA_USAGE_USER_CONTROL": "SINGLE_CHOICE",
    "DATA_USAGE_COLLECTION_PURPOSE": "MULTIPLE_CHOICE",
}

"""Every bound of the protocol, in one place, each with its sentence.

The constants are plain integers; ``LIMITS`` is the same list for documents and tests
(``docs/protocol.md`` shows it, and a test compares the two).
"""

from __future__ import annotations

from typing import NamedTuple


class Limit(NamedTuple):
    """One bound: its name, its value with the unit in the name, and why it is there."""

    name: str
    value: int
    sentence: str


LIMITS: list[Limit] = []


def _limit(name: str, value: int, sentence: str) -> int:
    LIMITS.append(Limit(name, value, sentence))
    return value


BODY_BYTES = _limit("body_bytes", 64 * 1024, "A report's body as sent, compressed or not.")
DECODED_BYTES = _limit("decoded_bytes", 256 * 1024, "A report's body after decompression.")
DAYS_PER_REPORT = _limit("days_per_report", 36, "Local days in one report.")
TALLIES_PER_REPORT = _limit("tallies_per_report", 4096, "Tallies in one report, all days together.")
PURPOSES_PER_REPORT = _limit("purposes_per_report", 16, "Purposes a report or a catalog names.")
NAME_CHARACTERS = _limit("name_characters", 64, "A measure's, label's, purpose's or dimension's name.")
VALUE_CHARACTERS = _limit("value_characters", 40, "A context field's value.")
SDK_CHARACTERS = _limit("sdk_characters", 32, "The name and version an SDK gives itself.")
MEASURES_PER_CATALOG = _limit("measures_per_catalog", 512, "Measures in one catalog.")
LABELS_PER_MEASURE = _limit("labels_per_measure", 64, "Declared label values of one measure.")
BREAKDOWNS_PER_MEASURE = _limit("breakdowns_per_measure", 8, "Breakdowns of one measure.")
STEPS_PER_FUNNEL = _limit("steps_per_funnel", 16, "Declared steps of one funnel.")
FUNNEL_WINDOW_MINUTES = _limit(
    "funnel_window_minutes", 7 * 24 * 60, "The longest window of a funnel, from its first step to its last."
)
CODE_MAX = _limit("code_max", 65_535, "The largest code of a measure.")
CAP_MAX = _limit("cap_max", 1_000_000, "The largest daily cap a measure may declare.")
CATALOG_BYTES = _limit("catalog_bytes", 512 * 1024, "A catalog or organisation file.")
VERSION_MAX = _limit("version_max", 1_000_000, "The largest catalog or policy version.")
GAP_MAX_DAYS = _limit("gap_max_days", 31, "Largest gap since the last active day; also means 'never before'.")
AGE_MAX_DAYS = _limit("age_max_days", 31, "Age in days since first use; the largest value means 'older'.")
WEEK_AGE_MAX = _limit("week_age_max", 53, "Age in ISO weeks since first use; the largest value means 'older'.")
BUCKET_MAX = _limit("bucket_max", 511, "The highest bucket of a timing or a distribution.")
CREATED_PAST_DAYS = _limit("created_past_days", 7, "How old a report's creation day may be, in UTC days.")
CREATED_FUTURE_DAYS = _limit("created_future_days", 1, "How far ahead a creation day may lie, in UTC days.")
TALLY_PAST_DAYS = _limit("tally_past_days", 35, "How old a tally's local day may be, in UTC days.")
TALLY_FUTURE_DAYS = _limit("tally_future_days", 1, "How far ahead a tally's local day may lie, in UTC days.")
ID_MEMORY_DAYS = _limit("id_memory_days", 9, "An id is forgotten this many days after the report's creation day.")
CATALOGS_BEHIND = _limit("catalogs_behind", 2, "How many catalog versions behind the newest are still admitted.")
LIVE_APP_VERSIONS = _limit(
    "live_app_versions", 32, "App versions kept apart per Customer and app, the most reported; the rest is 'other'."
)
RECORD_BYTES = _limit("record_bytes", 128 * 1024, "The payload of one spool record.")
SEGMENT_BYTES = _limit("segment_bytes", 8 * 1024 * 1024, "A spool segment is sealed at this size.")
K_MIN = _limit("k_min", 20, "The smallest threshold a release may use, in contributing devices.")
GROUP_REPORTS_MIN = _limit("group_reports_min", 20, "Reports of one (Customer, app, day) before its sums are loaded.")

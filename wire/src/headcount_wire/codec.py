"""Reports as bytes: JSON and msgpack, canonical going out, strict coming in.

Canonical: map keys in alphabetical order, nothing optional that is empty, no white space, the
shortest form of each integer. Strict: exactly the declared keys, exact types (``true`` is no
integer), every bound of ``limits``; whatever else is there is refused, not skipped.

This is the reference that the vectors under ``tests/contracts/vectors`` freeze. An edge may
decode with a faster library, as long as it accepts and refuses exactly the same vectors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, cast

from headcount_wire import days, limits
from headcount_wire.dimensions import DIMENSIONS
from headcount_wire.errors import MalformedReport
from headcount_wire.report import PROTOCOL, Report, ReportDay, Tally

JSON = "application/json"
MSGPACK = "application/msgpack"

_NAME = re.compile(r"\A[a-z][a-z0-9_]{0,63}\Z")
_SDK = re.compile(r"\A[a-z0-9][a-z0-9._/-]{0,31}\Z")
_VALUE = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._+/-]{0,39}\Z")
_KEYS = frozenset({"catalog", "context", "created", "days", "origin", "policy", "purposes", "sdk", "v"})
_OPTIONAL = frozenset({"context", "origin"})


def to_plain(report: Report) -> dict[str, Any]:
    """The report as the map that both encodings write, keys in canonical order."""
    plain: dict[str, Any] = {"catalog": report.catalog}
    if report.context:
        plain["context"] = dict(sorted(report.context.items()))
    plain["created"] = days.text(report.created)
    plain["days"] = [[days.text(day.day), [list(tally) for tally in day.tallies]] for day in report.days]
    if report.origin is not None:
        plain["origin"] = dict(sorted(report.origin.items()))
    plain["policy"] = report.policy
    plain["purposes"] = dict(sorted(report.purposes.items()))
    plain["sdk"] = report.sdk
    plain["v"] = PROTOCOL
    return plain


def from_plain(plain: object) -> Report:
    """The report a decoded map stands for; raises ``MalformedReport`` for anything else."""
    if not isinstance(plain, dict):
        raise MalformedReport("a report is a map")
    body = cast("dict[object, object]", plain)
    unknown = body.keys() - _KEYS
    missing = _KEYS - _OPTIONAL - body.keys()
    if unknown or missing:
        raise MalformedReport(f"a report has exactly its declared keys: {len(unknown)} unknown, {len(missing)} missing")
    if _integer(body["v"], "v", 1, PROTOCOL) != PROTOCOL:
        raise MalformedReport("v: this version of the protocol is not known")
    return Report(
        sdk=_text(body["sdk"], "sdk", _SDK),
        catalog=_integer(body["catalog"], "catalog", 1, limits.VERSION_MAX),
        policy=_integer(body["policy"], "policy", 1, limits.VERSION_MAX),
        created=_day(body["created"], "created"),
        purposes=_purposes(body["purposes"]),
        days=_days(body["days"]),
        context=_context(body.get("context", {}), "context"),
        origin=_context(body["origin"], "origin") if "origin" in body else None,
    )


def encode_json(report: Report) -> bytes:
    """Canonical JSON bytes of a report."""
    return json.dumps(to_plain(report), separators=(",", ":"), ensure_ascii=True).encode("ascii")


def decode_json(body: bytes) -> Report:
    """The report in JSON bytes; raises ``MalformedReport``."""
    try:
        plain = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise MalformedReport("the body is not JSON") from None
    return from_plain(plain)


def encode_msgpack(report: Report) -> bytes:
    """Canonical msgpack bytes of a report; needs the ``msgpack`` extra."""
    import msgpack

    return cast("bytes", msgpack.packb(to_plain(report), use_bin_type=True))


def decode_msgpack(body: bytes) -> Report:
    """The report in msgpack bytes; raises ``MalformedReport``; needs the ``msgpack`` extra."""
    import msgpack

    try:
        plain = msgpack.unpackb(body, raw=False, strict_map_key=True, object_pairs_hook=_unique)
    except (ValueError, RecursionError, msgpack.UnpackException):
        raise MalformedReport("the body is not msgpack") from None
    return from_plain(plain)


def _unique(pairs: list[tuple[object, object]]) -> dict[object, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(_: str) -> object:
    raise ValueError("NaN and Infinity are no JSON")


def _integer(value: object, place: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise MalformedReport(f"{place}: a whole number from {least} to {most}")
    return value


def _text(value: object, place: str, pattern: re.Pattern[str]) -> str:
    if type(value) is not str or not pattern.match(value):
        raise MalformedReport(f"{place}: a text of the declared form")
    return value


def _day(value: object, place: str) -> int:
    if type(value) is not str:
        raise MalformedReport(f"{place}: a day written YYYY-MM-DD")
    try:
        return days.parse(value)
    except ValueError:
        raise MalformedReport(f"{place}: a day written YYYY-MM-DD") from None


def _mapping(value: object, place: str, most: int) -> Mapping[object, object]:
    if not isinstance(value, dict) or len(value) > most:
        raise MalformedReport(f"{place}: a map of at most {most} entries")
    return cast("dict[object, object]", value)


def _purposes(value: object) -> dict[str, int]:
    granted = _mapping(value, "purposes", limits.PURPOSES_PER_REPORT)
    return {
        _text(name, "purposes", _NAME): _integer(version, "purposes", 1, limits.VERSION_MAX)
        for name, version in granted.items()
    }


def _context(value: object, place: str) -> dict[str, str]:
    fields = _mapping(value, place, len(DIMENSIONS))
    if not fields.keys() <= DIMENSIONS.keys():
        raise MalformedReport(f"{place}: only the declared context fields")
    return {cast("str", name): _text(text, place, _VALUE) for name, text in fields.items()}


def _days(value: object) -> tuple[ReportDay, ...]:
    if not isinstance(value, list) or not 1 <= len(cast("list[object]", value)) <= limits.DAYS_PER_REPORT:
        raise MalformedReport(f"days: a list of 1 to {limits.DAYS_PER_REPORT} days")
    found: list[ReportDay] = []
    tallies = 0
    for entry in cast("list[object]", value):
        if not isinstance(entry, list) or len(cast("list[object]", entry)) != 2:
            raise MalformedReport("days: each entry is a day and its tallies")
        date, lines = cast("list[object]", entry)
        if not isinstance(lines, list) or not lines:
            raise MalformedReport("days: a day has at least one tally")
        tallies += len(cast("list[object]", lines))
        if tallies > limits.TALLIES_PER_REPORT:
            raise MalformedReport(f"days: at most {limits.TALLIES_PER_REPORT} tallies in all")
        found.append(ReportDay(_day(date, "days"), tuple(_tally(line) for line in cast("list[object]", lines))))
    if any(later.day <= earlier.day for earlier, later in pairwise(found)):
        raise MalformedReport("days: each day once, in rising order")
    return tuple(found)


def _tally(value: object) -> Tally:
    if not isinstance(value, list) or len(cast("list[object]", value)) != 5:
        raise MalformedReport("a tally is five whole numbers")
    measure, label, fact, slot, n = cast("list[object]", value)
    return Tally(
        _integer(measure, "measure", 1, limits.CODE_MAX),
        _integer(label, "label", 0, limits.LABELS_PER_MEASURE + 1),
        _integer(fact, "fact", 1, 255),
        _integer(slot, "slot", 0, limits.BUCKET_MAX),
        _integer(n, "n", 1, limits.CAP_MAX),
    )

"""The tap's one file: which log it reads, how its lines look, which route classes there are, where counts go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headcount_sdk.opening import addresses
from headcount_wire import limits
from headcount_wire.declared import Declared, read_toml
from headcount_wire.errors import DeclarationError
from headcount_wire.organisation import read_text

from headcount.logtap.combined import SKIP, UNIT_OF, Combined
from headcount.logtap.json_lines import FIELDS, JsonLines
from headcount.logtap.reading import MILLISECONDS, Moments, Reader
from headcount.logtap.routes import RouteClass, Routes, declared_classes

FORMATS = ("combined", "json")
_WORD = r"[a-z][a-z0-9_]*"
_WORD_FORM = "a lower-case word of letters, digits and _"

SETTINGS = {
    "logtap.name": "The name of the logs as an app of the organisation file; it names the catalog too.",
    "logtap.edge": "The edge's address: https, or http to this machine.",
    "logtap.key_file": "A file that holds the app key; if not given, the environment's HEADCOUNT_LOGTAP_KEY is it.",
    "logtap.state": "A folder of the tap's own, one for each tap.",
    "logtap.catalog": "The catalog that headcount logtap catalog writes, and the edge is given.",
    "logtap.owner": "Who answers for these numbers; it stands in the catalog.",
    "logtap.purpose": "The purpose that the numbers are for; the Customer's policy must allow it.",
    "logtap.policy": "The version of the Customer's policy that whoever set this up has read.",
    "logtap.report_minutes": "How often counts are handed over.",
    "log.file": "The log to follow; if not given, lines come from standard input.",
    "log.format": "combined (nginx, Apache; also the common format) or json.",
    "log.after": "What follows the user agent, in order, by the words of the table below.",
    "log.latency": "Which of these is the latency; if not given, the first that is a time.",
    "log.latency_unit": "The unit of the latency in JSON: s, ms, us or ns.",
    "log.time_zone": "Whose days count where JSON gives the time as a number; of a written time it is the day written.",
    "log.fields": "The names of time, status, request (or method and path) and latency in JSON; a.b is b within a.",
    "routes.class": "The name of a route class.",
    "routes.patterns": "Its paths: * is one segment or a part of one, /** at the end the rest. The first match wins.",
}
"""Every key there is, with its sentence; a misspelt one is an error."""


@dataclass(frozen=True)
class Format:
    """How a line looks."""

    kind: str
    after: tuple[str, ...] = ()
    latency: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    unit: str = "s"
    zone: str = "UTC"

    @property
    def measured(self) -> bool:
        """Whether lines carry a latency."""
        return bool(self.latency) or "latency" in self.fields


@dataclass(frozen=True)
class Declaration:
    """What the file declares; paths are absolute or relative to it. ``log``: ``None`` for standard input."""

    name: str
    edge: str
    key_file: Path | None
    state: Path
    catalog: Path
    owner: str
    purpose: str
    policy: int
    report_minutes: int
    log: Path | None
    format: Format
    classes: tuple[RouteClass, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the route classes by their numbers, the rest first."""
        return Routes(self.classes).names

    def reader(self) -> Reader:
        """What reads these lines."""
        form, routes = self.format, Routes(self.classes)
        if form.kind == "json":
            return JsonLines(routes, form.fields, form.unit, form.zone)
        return Combined(routes, form.after, form.latency)


def load(file: Path) -> Declaration:
    """What a file declares; raises ``DeclarationError`` with every fault and its line, and ``OSError``."""
    return parse(read_text(file, DeclarationError), file)


def parse(text: str, file: Path) -> Declaration:
    """What a TOML text declares; raises ``DeclarationError`` with every fault and its line."""
    root = read_toml(text, str(file), DeclarationError)
    head, log, folder = root.table("logtap"), root.table("log"), file.parent
    edge = head.text("edge")
    if edge and not addresses(edge):
        head.fault("must be an https:// address (http:// only to this machine)", "edge")
    key_file, log_file = head.text("key_file", ""), log.text("file", "")
    declaration = Declaration(
        name=head.text("name", pattern=_WORD, form=_WORD_FORM),
        edge=edge,
        key_file=folder / key_file if key_file else None,
        state=folder / head.text("state"),
        catalog=folder / head.text("catalog"),
        owner=head.text("owner"),
        purpose=head.text("purpose", "service", pattern=_WORD, form=_WORD_FORM),
        policy=head.integer("policy", 1, limits.VERSION_MAX, 1),
        report_minutes=head.integer("report_minutes", 1, 1440, 60),
        log=folder / log_file if log_file else None,
        format=_format(log),
        classes=declared_classes(root),
    )
    head.close()
    log.close()
    root.close()
    if root.faults.findings:
        raise DeclarationError(str(file), sorted(root.faults.findings, key=lambda finding: finding.line))
    return declaration


def _format(log: Declared) -> Format:
    kind = log.text("format", "combined")
    if kind not in FORMATS:
        log.fault(f"must be one of {', '.join(FORMATS)}", "format")
    return _json(log) if kind == "json" else _combined(log)


def _combined(log: Declared) -> Format:
    after = log.texts("after", ()) if "after" in log else ()
    latency = log.text("latency", next((name for name in after if name in UNIT_OF), ""))
    for name in after:
        if name not in (*UNIT_OF, SKIP):
            log.fault(f"must name what there is: {', '.join((*UNIT_OF, SKIP))}", "after")
    if latency and (latency not in after or latency not in UNIT_OF):
        log.fault("must be a time that stands in after", "latency")
        latency = ""
    return Format("combined", after, latency)


def _json(log: Declared) -> Format:
    unit, zone = log.text("latency_unit", "s"), log.text("time_zone", "UTC")
    if unit not in MILLISECONDS:
        log.fault(f"must be one of {', '.join(MILLISECONDS)}", "latency_unit")
    try:
        Moments(zone)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError of its own
        log.fault("must be a time zone's name, such as Europe/Berlin", "time_zone")
    except KeyError:
        log.fault("is no time zone that this machine knows", "time_zone")
    table = log.table("fields")
    names = {
        name: table.text(name, pattern=r"[^.]+(\.[^.]+)*", form="a field's name, a.b for b within a")
        for name in FIELDS
        if name in table
    }
    table.close()
    if not {"time", "status"} <= names.keys() or ("request" in names) == bool({"method", "path"} & names.keys()):
        table.fault("must name time and status, and either request or both method and path")
    elif "request" not in names and not {"method", "path"} <= names.keys():
        table.fault("must name both method and path")
    for name, path in names.items():
        if any(other.startswith(f"{path}.") for other in names.values()):
            table.fault("names a field that another one lies within", name)
    return Format("json", fields=names, unit=unit, zone=zone)

"""What crosses a line: report, segment, catalog, codec, limits, problems.

Standard library only, no I/O except reading the declared files it is pointed to. The SDK, the
edge and the aggregator depend on this package and not on each other.
"""

from __future__ import annotations

from headcount_wire.catalog import Breakdown, Catalog, Label, Measure, Purpose
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.clock import Clock, ManualClock, SystemClock
from headcount_wire.errors import CatalogError, Finding, MalformedReport, MalformedSegment, OrganisationError, WireError
from headcount_wire.facts import Fact, First, Kind
from headcount_wire.policy import Policy
from headcount_wire.problems import Dropped, Problem, Verdict
from headcount_wire.report import PROTOCOL, Report, ReportDay, Tally, new_report_id

__all__ = [
    "PROTOCOL",
    "Breakdown",
    "Catalog",
    "CatalogError",
    "Clock",
    "Dropped",
    "Fact",
    "Finding",
    "First",
    "Kind",
    "Label",
    "MalformedReport",
    "MalformedSegment",
    "ManualClock",
    "Measure",
    "OrganisationError",
    "Policy",
    "Problem",
    "Purpose",
    "Report",
    "ReportDay",
    "SystemClock",
    "Tally",
    "Verdict",
    "WireError",
    "new_report_id",
    "parse_catalog",
]

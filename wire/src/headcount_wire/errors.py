"""What can go wrong with bytes and declarations that cross a line.

::

    WireError
    ├── MalformedReport    the bytes are no report of this protocol
    ├── MalformedSegment   the bytes are no segment of this format
    ├── CatalogError       a catalog file declares something that cannot be
    └── OrganisationError  an organisation file declares something that cannot be

A message never contains a value that came from a device: it names the place
and the rule, so that it can be logged.
"""

from __future__ import annotations

from typing import NamedTuple


class WireError(Exception):
    """The root of every error this package raises."""


class MalformedReport(WireError):
    """The bytes are no report: says where and which rule, never what was there."""


class MalformedSegment(WireError):
    """The bytes are no segment, or a record of one is torn or corrupt."""


class Finding(NamedTuple):
    """One fault of a declared file: where it stands, what is wrong, what to do."""

    line: int
    place: str
    fault: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.place}: {self.fault}"


class DeclarationError(WireError):
    """A declared TOML file cannot be used; ``findings`` lists every fault in it."""

    def __init__(self, file: str, findings: list[Finding]) -> None:
        self.file = file
        self.findings = tuple(findings)
        super().__init__("\n".join(f"{file}, {finding}" for finding in findings))


class CatalogError(DeclarationError):
    """The catalog file cannot be used."""


class OrganisationError(DeclarationError):
    """The organisation file cannot be used."""

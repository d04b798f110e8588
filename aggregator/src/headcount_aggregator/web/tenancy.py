"""The organisation in force; its file and catalogs are read again when they change."""

from __future__ import annotations

from pathlib import Path

import structlog
from headcount_wire.errors import DeclarationError
from headcount_wire.organisation import Organisation, load_organisation

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.web")


class Tenancy:
    """The declared Customers, apps and readers. A file that cannot be used leaves the one before in force."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._organisation = load_organisation(file)
        self._seen = self._stamps()

    @property
    def organisation(self) -> Organisation:
        """The organisation as its file says now."""
        stamps = self._stamps()
        if stamps != self._seen:
            self._seen = stamps
            try:
                self._organisation = load_organisation(self._file)
            except (DeclarationError, OSError, UnicodeDecodeError):
                log.error("organisation_faulty", advice="check the file; the one before stays in force")
            self._seen = self._stamps()
        return self._organisation

    def _stamps(self) -> list[tuple[int, int] | None]:
        catalogs = (Path(catalog.file) for app in self._organisation.apps.values() for catalog in app.catalogs)
        return [_stamp(file) for file in (self._file, *catalogs)]


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size

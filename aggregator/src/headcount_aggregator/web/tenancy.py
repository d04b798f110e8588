"""The organisation in force; its file and catalogs are read again when they change."""

from __future__ import annotations

from pathlib import Path

import structlog
from headcount_wire.organisation import Organisation
from headcount_wire.organisation_file import OrganisationFile

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.web")


class Tenancy:
    """The declared Customers, apps and readers. A file that cannot be used leaves the one before in force."""

    def __init__(self, file: Path) -> None:
        self._file = OrganisationFile(file)

    @property
    def organisation(self) -> Organisation:
        """The organisation as its file says now."""
        if faults := self._file.reload_if_changed():
            log.error("organisation_faulty", faults=faults, advice="correct the file; the one before stays in force")
        return self._file.organisation

"""The organisation in force, and the app keys it declares."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import structlog
from headcount_wire.app_key import fingerprint, is_debug, is_key
from headcount_wire.organisation import Organisation
from headcount_wire.organisation_file import OrganisationFile

from headcount_ingest.admission import forget_admissions
from headcount_ingest.metrics import Metrics
from headcount_ingest.terms import Account

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.edge")


class Keyring:
    """The organisation in force: read at start, read again when its file changes.

    ``faulty``: whether the file is now one that cannot be used.
    """

    def __init__(self, file: Path, metrics: Metrics) -> None:
        self._file = OrganisationFile(file)
        self._metrics = metrics
        self.faulty = False
        self._of = self._file.organisation
        self._found: dict[str, Account] = {}

    @property
    def organisation(self) -> Organisation:
        """What is in force."""
        return self._file.organisation

    def find(self, text: str) -> Account | None:
        """What an app key stands for, if it is declared; a text that was found once is found at once.

        A developer's key is a developer's by its form, whatever is declared of it: what it sends never counts.
        """
        organisation = self.organisation
        if organisation is not self._of:  # taken over by another thread: nothing of the one before stays
            self._of, self._found = organisation, {}
            forget_admissions()
        account = self._found.get(text)
        if account is None and is_key(text):
            key = organisation.key_by_fingerprint.get(fingerprint(text))
            if key is not None:
                if is_debug(text) != key.debug:
                    _tell(key.fingerprint, declared_debug=key.debug)
                account = self._found[text] = Account(key, debug=is_debug(text))
        return account

    def reload_if_changed(self, *, force: bool = False) -> bool:
        """Take a changed file over; a faulty one is counted and leaves the old one in force."""
        faults = self._file.reload_if_changed(force=force)
        if faults is None:
            return False
        self.faulty = bool(faults)
        self._metrics.reloads.labels("faulty" if faults else "taken").inc()
        if faults:
            log.error("organisation_faulty", faults=faults, advice="correct the file; the one before stays in force")
        else:
            log.info("organisation_taken")
        return not faults


@lru_cache(maxsize=4096)
def _tell(fingerprint: str, *, declared_debug: bool) -> None:
    """Tell the operator, once for each key, what its form and the organisation file disagree about."""
    if declared_debug:
        advice = "an hc_live_ key is declared debug = true, and is refused: remove that line, or make a debug key"
    else:
        advice = "an hc_debug_ key is declared without debug = true: its reports stay apart; add that line"
    log.error("key_kind", fingerprint=fingerprint, advice=advice)

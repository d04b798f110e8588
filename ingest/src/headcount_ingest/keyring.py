"""The organisation in force, and the app keys it declares."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import structlog
from headcount_wire.app_key import fingerprint, is_debug, is_key
from headcount_wire.organisation import AppKey, Organisation
from headcount_wire.organisation_file import OrganisationFile
from headcount_wire.policy import encode_policy

from headcount_ingest.admission import forget_admissions
from headcount_ingest.metrics import Metrics
from headcount_ingest.standing import forget_standings
from headcount_ingest.terms import Account, Conditions

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.edge")


SETTLE_SECONDS = 0.5
"""A changed file is taken once it has not changed again for so long: whoever writes it may be in the middle of it."""


class Keyring:
    """The organisation in force: read at start, read again when its file changes.

    ``faulty``: whether the file is now one that cannot be used.
    """

    def __init__(self, file: Path, metrics: Metrics) -> None:
        self._file = OrganisationFile(file, settle_seconds=SETTLE_SECONDS)
        self._metrics = metrics
        self.faulty = False
        self._of = self._file.organisation
        self._found: dict[str, Account] = {}
        self._accounts: dict[tuple[str, bool], Account] = {}
        self._conditions: dict[tuple[int, bytes], Conditions] = {}

    @property
    def organisation(self) -> Organisation:
        """What is in force."""
        return self._file.organisation

    def find(self, text: str) -> Account | None:
        """What an app key stands for, if it is declared; a text that was found once is found at once.

        A developer's key is a developer's by its form, whatever is declared of it: what it sends never counts.
        """
        self._forget_the_one_before()
        account = self._found.get(text)
        if account is None and is_key(text):
            account = self._account(fingerprint(text), debug=is_debug(text))
            if account is not None:
                self._found[text] = account
                if account.debug != account.key.debug:
                    _tell(account.key.fingerprint, declared_debug=account.key.debug)
        return account

    def now(self, account: Account) -> Account | None:
        """What the key of an account that was found before stands for now, if it is still declared."""
        self._forget_the_one_before()
        return self._account(account.key.fingerprint, debug=account.debug)

    def _account(self, named: str, *, debug: bool) -> Account | None:
        account = self._accounts.get((named, debug))
        if account is None and (key := self._of.key_by_fingerprint.get(named)) is not None:
            account = self._accounts[named, debug] = Account(key, self._conditions_of(key), debug=debug)
        return account

    def _conditions_of(self, key: AppKey) -> Conditions:
        """The one object for all keys of an app whose Customers have the same policy: most of a vendor's have."""
        policy = key.customer.policy
        alike = key.app.code, encode_policy(policy)
        return self._conditions.setdefault(alike, Conditions(key.app.catalogs, policy))

    def _forget_the_one_before(self) -> None:
        """Another thread may have taken an organisation over: nothing of the one before stays."""
        organisation = self._file.organisation
        if organisation is not self._of:
            self._of, self._found, self._accounts, self._conditions = organisation, {}, {}, {}
            forget_admissions()
            forget_standings()

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
            if self._file.doubts:
                log.warning("organisation_doubtful", doubts=self._file.doubts, advice="it is in force; is it meant?")
        return not faults


@lru_cache(maxsize=4096)
def _tell(fingerprint: str, *, declared_debug: bool) -> None:
    """Tell the operator, once for each key, what its form and the organisation file disagree about."""
    if declared_debug:
        advice = "an hc_live_ key is declared debug = true, and is refused: remove that line, or make a debug key"
    else:
        advice = "an hc_debug_ key is declared without debug = true: its reports stay apart; add that line"
    log.error("key_kind", fingerprint=fingerprint, advice=advice)

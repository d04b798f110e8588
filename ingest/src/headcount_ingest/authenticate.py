"""The second step: which app and which Customer a key stands for."""

from __future__ import annotations

from typing import Final

from headcount_wire.problems import Problem

from headcount_ingest.keyring import Keyring
from headcount_ingest.outcomes import Refused
from headcount_ingest.rates import Rates
from headcount_ingest.receive import Received
from headcount_ingest.terms import Account


class Authentic:
    """A request with the account it came under; the key itself is gone, and of the body nothing is read yet."""

    __slots__ = ("account", "coding", "media", "report_id")

    def __init__(self, report_id: bytes, account: Account, media: str, coding: str) -> None:
        self.report_id: Final = report_id
        self.account: Final = account
        self.media: Final = media
        self.coding: Final = coding


def authenticate(received: Received, keyring: Keyring, rates: Rates) -> Authentic | Refused:
    """Look the key up; refuse what is unknown, revoked, too fast or at home elsewhere."""
    account = find_account(received.key, keyring, rates)
    if isinstance(account, Refused):
        return account
    return Authentic(received.report_id, account, received.media, received.coding)


def find_account(text: str, keyring: Keyring, rates: Rates) -> Account | Refused:
    """What an app key stands for, if it may be used in this region and is not used too often."""
    account = keyring.find(text)
    if account is None:
        return Refused(Problem.KEY_UNKNOWN)
    if refused := _state(account):
        return refused
    if wait := rates.key(account.key.fingerprint):
        return Refused(Problem.RATE, wait)
    return _at_home(account, keyring) or account


def still_stands(account: Account, keyring: Keyring) -> Account | Refused:
    """The account of a key that was found before, by the organisation in force now: a body may take its time."""
    now = keyring.now(account)
    if now is account:
        return account
    if now is None:
        return Refused(Problem.KEY_UNKNOWN)
    return _state(now) or _at_home(now, keyring) or now


def _state(account: Account) -> Refused | None:
    return Refused(Problem.KEY_REVOKED) if account.key.state == "revoked" else None


def _at_home(account: Account, keyring: Keyring) -> Refused | None:
    region, organisation = account.customer.region, keyring.organisation
    if region != organisation.region:
        return Refused(Problem.REGION, extra={"region": region, "address": organisation.regions.get(region, "")})
    return Refused(Problem.KEY_KIND) if account.key.debug and not account.debug else None

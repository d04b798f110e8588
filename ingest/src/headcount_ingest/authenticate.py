"""The second step: which app and which Customer a key stands for."""

from __future__ import annotations

from dataclasses import dataclass

from headcount_wire.app_key import fingerprint
from headcount_wire.organisation import AppKey, Organisation
from headcount_wire.problems import Problem

from headcount_ingest.outcomes import Refused
from headcount_ingest.rates import Rates
from headcount_ingest.receive import Received


@dataclass(frozen=True, slots=True)
class Authentic:
    """A received body with the app key it came under; the key itself is gone."""

    report_id: bytes
    app_key: AppKey
    media: str
    coding: str
    body: bytes


def authenticate(received: Received, organisation: Organisation, rates: Rates) -> Authentic | Refused:
    """Look the key up; refuse what is unknown, revoked, too fast or at home elsewhere."""
    key = find_key(received.key, organisation)
    if isinstance(key, Refused):
        return key
    if wait := rates.key(key.fingerprint):
        return Refused(Problem.RATE, wait)
    return Authentic(received.report_id, key, received.media, received.coding, received.body)


def find_key(text: str, organisation: Organisation) -> AppKey | Refused:
    """The app key a text is, if it may be used in this region."""
    key = organisation.key_by_fingerprint.get(fingerprint(text))
    if key is None:
        return Refused(Problem.KEY_UNKNOWN)
    if key.state == "revoked":
        return Refused(Problem.KEY_REVOKED)
    region = key.customer.region
    if region != organisation.region:
        return Refused(Problem.REGION, extra={"region": region, "address": organisation.regions.get(region, "")})
    return key

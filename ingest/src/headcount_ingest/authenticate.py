"""The second step: which app and which Customer a key stands for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import structlog
from headcount_wire.app_key import fingerprint, is_debug, is_key
from headcount_wire.organisation import AppKey, Organisation
from headcount_wire.problems import Problem

from headcount_ingest.outcomes import Refused
from headcount_ingest.rates import Rates
from headcount_ingest.receive import Received

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.edge")


@dataclass(frozen=True, slots=True)
class Authentic:
    """A request with the app key it came under; the key itself is gone, and of the body nothing is read yet."""

    report_id: bytes
    app_key: AppKey
    media: str
    coding: str


def authenticate(received: Received, organisation: Organisation, rates: Rates) -> Authentic | Refused:
    """Look the key up; refuse what is unknown, revoked, too fast or at home elsewhere."""
    key = find_key(received.key, organisation, rates)
    if isinstance(key, Refused):
        return key
    return Authentic(received.report_id, key, received.media, received.coding)


def find_key(text: str, organisation: Organisation, rates: Rates) -> AppKey | Refused:
    """The app key a text is, if it may be used in this region and is not used too often.

    A developer's key is a developer's by its form, whatever the organisation file says: what it sends never counts.
    """
    key = organisation.key_by_fingerprint.get(fingerprint(text)) if is_key(text) else None
    if key is None:
        return Refused(Problem.KEY_UNKNOWN)
    if key.state == "revoked":
        return Refused(Problem.KEY_REVOKED)
    if wait := rates.key(key.fingerprint):
        return Refused(Problem.RATE, wait)
    region = key.customer.region
    if region != organisation.region:
        return Refused(Problem.REGION, extra={"region": region, "address": organisation.regions.get(region, "")})
    if is_debug(text) != key.debug:
        _tell(key.fingerprint, declared_debug=key.debug)
        return Refused(Problem.KEY_KIND) if key.debug else replace(key, debug=True)
    return key


@lru_cache(maxsize=4096)
def _tell(fingerprint: str, *, declared_debug: bool) -> None:
    """Tell the operator, once for each key, what its form and the organisation file disagree about."""
    if declared_debug:
        advice = "an hc_live_ key is declared debug = true, and is refused: remove that line, or make a debug key"
    else:
        advice = "an hc_debug_ key is declared without debug = true: its reports stay apart; add that line"
    log.error("key_kind", fingerprint=fingerprint, advice=advice)

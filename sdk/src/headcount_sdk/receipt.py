"""The user's consent record, in the field names of ISO/IEC TS 27560:2023. Pure.

It is made from the changes of consent that the device keeps, and stays on the device unless the user hands it over.
There is no record id and no identifier of the person: the record is theirs, on their device.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from headcount_wire.catalog import Catalog, Purpose

from headcount_sdk.state import Event, State

SCHEMA_VERSION = "ISO/IEC TS 27560:2023"


def receipt_of(state: State, catalog: Catalog, controller: str, contact: str) -> dict[str, Any]:
    """The record: who, for what, on which data, and every change with its time (empty where it was not known)."""
    newest = state.events[-1].policy if state.events else None
    return {
        "schema_version": SCHEMA_VERSION,
        "party": {"party_role": "PII controller", "party_name": controller, "party_contact": contact},
        "privacy_notice": {"version": newest},
        "purposes": [_purpose(state, catalog, purpose) for purpose in catalog.purposes.values()],
    }


def _purpose(state: State, catalog: Catalog, purpose: Purpose) -> dict[str, Any]:
    fields = [dimension.field for dimension, name in catalog.context.items() if name == purpose.name]
    measures = [measure for measure in catalog.measures.values() if measure.purpose == purpose.name]
    return {
        "purpose": purpose.name,
        "purpose_description": dict(purpose.sentence),
        "lawful_basis": "consent",
        "consent_type": "expressed consent",
        "pii_information": [
            *({"pii_type": field, "pii_optional": True} for field in fields),
            *({"pii_type": m.name, "pii_attribute": m.description, "pii_optional": True} for m in measures),
        ],
        "processing_method": "sums of one day, sent without any identifier",
        "storage_condition": "on the device until sent; afterwards only within sums of many devices",
        "withdrawal_method": "in the app, at any time",
        "event": [_event(event) for event in state.events if event.purpose == purpose.name],
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "event_time": datetime.fromtimestamp(event.at, UTC).isoformat() if event.at else "",
        "event_type": "explicit" if event.change in ("granted", "denied") else "automatic",
        "event_state": event.change,
        "notice_version": event.policy,
        "notice_language": event.language,
    }

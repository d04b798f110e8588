"""The store's watch: what was sealed, declared or deleted since the log last said so goes into it.

It looks at what is there and adds what the log does not have yet. So nothing is missed when a process dies
between doing a thing and logging it, and nothing is logged twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from headcount_wire import days
from headcount_wire.dimensions import DIMENSIONS
from headcount_wire.organisation import Customer, Organisation, Reader

from headcount_aggregator.disclosure.entry import Event
from headcount_aggregator.disclosure.log import DisclosureLog
from headcount_aggregator.retention.record import ALL
from headcount_aggregator.sealed_chain import RECORD, place_of, pruned_of, record_of

Plain = dict[str, Any]
RETENTION = "retention.jsonl"
"""The record of what was dropped, in the store's folder."""

_OF_RELEASE = ("customer", "app", "period", "first", "last", "sealed_on", "rule", "k", "hidden")


class DisclosureWatch:
    """What the log says already, and what it must be told. ``data`` is the store's folder."""

    def __init__(self, log: DisclosureLog, data: Path) -> None:
        self._log = log
        self._releases = data / "releases"
        self._retention = data / RETENTION
        self._organisation: Organisation | None = None
        self._released: dict[str, set[str]] = {}
        self._records: dict[Path, tuple[int, int]] = {}
        self._policies: dict[str, Plain] = {}
        self._readers: dict[str, Plain] = {}
        self._deleted = 0
        for entry in log.entries():
            self._remember(entry.event, dict(entry.about))

    def note(self, organisation: Organisation) -> int:
        """Add what is new; returns how many entries."""
        added = self._note_declared(organisation) if organisation is not self._organisation else 0
        self._organisation = organisation
        return added + self._note_released() + self._note_deleted()

    def _note_declared(self, organisation: Organisation) -> int:
        policies = {name: policy_of(customer) for name, customer in organisation.customers.items()}
        readers = {reader.name: rights_of(reader) for reader in organisation.readers}
        return self._changes(policies, self._policies, Event.POLICY_DECLARED, Event.CUSTOMER_WITHDRAWN) + self._changes(
            readers, self._readers, Event.READER_DECLARED, Event.READER_WITHDRAWN
        )

    def _changes(self, declared: Mapping[str, Plain], known: Mapping[str, Plain], now: Event, no_more: Event) -> int:
        new = [(now, about) for name, about in declared.items() if known.get(name) != about]
        key = "customer" if now is Event.POLICY_DECLARED else "reader"
        new += [(no_more, {key: name}) for name in known.keys() - declared.keys()]
        for event, about in new:
            self._add(event, about)
        return len(new)

    def _note_released(self) -> int:
        added = 0
        for record in sorted(self._releases.glob(f"*/{RECORD}")):
            stat = record.stat()
            stamp = stat.st_mtime_ns, stat.st_size
            if self._records.get(record) == stamp:
                continue
            folder = record.parent
            logged = self._released.setdefault(folder.name, set())
            try:
                first = pruned_of(folder).place
                for name, digest in record_of(folder).items():
                    if name not in logged and place_of(folder / name) >= first:
                        self._add(Event.RELEASED, _release(folder / name, digest))
                        added += 1
            except (OSError, ValueError):
                continue  # what is wrong with a chain is said where chains are looked at (chains.py)
            self._records[record] = stamp
        return added

    def _note_deleted(self) -> int:
        try:
            lines = self._retention.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return 0
        added = 0
        for place, line in enumerate(lines[self._deleted :], self._deleted):
            try:
                about = json.loads(line)
            except ValueError:
                about = {}
            self._add(Event.DELETED, {**about, "line": place})
            added += 1
        return added

    def _add(self, event: Event, about: Plain) -> None:
        self._log.add(event, about)
        self._remember(event, about)

    def _remember(self, event: Event, about: Plain) -> None:
        match event:
            case Event.RELEASED:
                self._released.setdefault(about["folder"], set()).add(about["file"])
            case Event.POLICY_DECLARED:
                self._policies[about["customer"]] = about
            case Event.CUSTOMER_WITHDRAWN:
                self._policies.pop(about["customer"], None)
            case Event.READER_DECLARED:
                self._readers[about["reader"]] = about
            case Event.READER_WITHDRAWN:
                self._readers.pop(about["reader"], None)
            case Event.DELETED:
                self._deleted = about["line"] + 1
                if about.get("kind") == ALL:
                    self._forget(about["customer"])
            case _:
                pass  # what readers do is logged by the web process

    def _forget(self, customer: int) -> None:
        """A Customer that was erased can come back: then what is sealed has the names of what is gone."""
        for folder in [name for name in self._released if name.partition("-")[0] == str(customer)]:
            del self._released[folder]


def policy_of(customer: Customer) -> Plain:
    """What a Customer declares that decides on collection, release and retention."""
    policy = customer.policy
    return {
        "customer": customer.name,
        "code": customer.code,
        "partner": customer.partner.name if customer.partner else "",
        "region": customer.region,
        "policy": policy.version,
        "consent_since": dict(sorted(policy.consent_since.items())),
        "context": sorted(name for name in DIMENSIONS if name in policy.context),
        "paused": policy.paused,
        "minimum_sdk": policy.minimum_sdk,
        "k": customer.k,
        "retention_months": customer.retention_months,
        "cells_months": customer.cells_months,
        "agreement_ends": days.text(customer.agreement_ends) if customer.agreement_ends is not None else "",
        "cross_customer": customer.cross_customer,
    }


def rights_of(reader: Reader) -> Plain:
    """Whom a reader may see."""
    return {
        "reader": reader.name,
        "fingerprint": reader.fingerprint,
        "scope": reader.scope,
        "customer": reader.customer.name if reader.customer else "",
        "partner": reader.partner.name if reader.partner else "",
    }


def _release(path: Path, digest: str) -> Plain:
    plain = orjson.loads(path.read_bytes())
    about: Plain = {key: plain[key] for key in _OF_RELEASE if key in plain}
    return {"folder": path.parent.name, "file": path.name, "hash": digest, "numbers": len(plain["numbers"]), **about}

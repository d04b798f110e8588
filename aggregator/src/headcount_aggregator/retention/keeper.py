"""The store's daily look at what is kept: drops what is over, sees that it is gone, takes up requests to erase."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import structlog
from headcount_wire import days
from headcount_wire.organisation import Customer, Organisation

from headcount_aggregator.load.disk import Disk
from headcount_aggregator.load.loader import Loader
from headcount_aggregator.release.scope import shares
from headcount_aggregator.retention import cells, releases
from headcount_aggregator.retention.plan import (
    Month,
    Rule,
    cells_may_go,
    ended,
    releases_kept_from,
)
from headcount_aggregator.retention.record import ALL, CELLS, DROPPED, GONE, RELEASES, Entry, Record
from headcount_aggregator.retention.requests import Requests
from headcount_aggregator.warehouse import Warehouse, WarehouseError

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.store")


class Keeper:
    """Retention of one node. ``data`` is the store's folder."""

    def __init__(self, data: Path, warehouse: Warehouse, loader: Loader, disk: Disk | None = None) -> None:
        self._warehouse = warehouse
        self._loader = loader
        self._releases = data / "releases"
        self._shares = data / "shares"
        self._disk = disk or Disk()
        self._record = Record(data / "retention.jsonl")
        self._away = data / "erase"
        self._requests = Requests(self._away, self._disk)
        self._unloaded: set[int] = set()

    def daily(
        self,
        organisation: Organisation,
        today: int,
        unsealed: Collection[int] = (),
        nodes: Sequence[str] | None = None,
    ) -> int:
        """Drop what may be kept no longer; returns how many things were dropped.

        ``unsealed``: Customers whose releases are not all sealed; their cells stay as long as they may, and their
        chains as they are. ``nodes``: those whose loaders share the warehouse, as for ``Loader.compact``.
        """
        customers = {customer.code: customer for customer in organisation.customers.values()}
        for customer in customers.values():
            if ended(customer, today) and self._has_anything(customer.code):
                self._requests.ask(customer.code, Rule.AGREEMENT_ENDED)
        dropped = self.erase(today, nodes) + self._drop_cells(customers, today, unsealed)
        dropped += self._drop_releases(
            {code: customer for code, customer in customers.items() if code not in unsealed}, today
        )
        self.confirm(today)
        return dropped

    def let_go(self, organisation: Organisation, today: int) -> None:
        """On a node that neither rolls up nor releases: leave nothing of Customers whose agreement has ended."""
        for customer in organisation.customers.values():
            if ended(customer, today) and self._loader.holds(customer.code):
                self._requests.ask(customer.code, Rule.AGREEMENT_ENDED)

    def erase(self, today: int, nodes: Sequence[str] | None = None, *, rolls_up: bool = True) -> int:
        """Erase every Customer somebody asked to erase; returns of how many something was dropped.

        Tables and releases are for the node that rolls up; it goes on once all ``nodes`` have come past what is erased.
        """
        dropped = 0
        for code, rule in self._requests.waiting():
            self._note(today, code, ALL, "", rule)
            if code not in self._unloaded:
                if not self._loader.erase(code, nodes, rolls_up=rolls_up):
                    log.info("erasing_waits", customer=code, advice="other nodes, or units, are not so far yet")
                    continue
                self._unloaded.add(code)
            dropped += 1
            if rolls_up:
                releases.remove_all(self._releases, code, self._away, self._disk)
                shares.remove(self._shares, code, self._disk)
                cells.drop_customer(self._warehouse, code)
                if cells.rows_left(self._warehouse, code):  # an older server does it in its own time
                    continue
            self._requests.done(code)
            self._unloaded.discard(code)
            log.warning("customer_erased", customer=code, rule=rule.value)
        if dropped:
            self.confirm(today)
        return dropped

    @property
    def waiting(self) -> int:
        """Customers that are still to be erased."""
        return len(self._requests.waiting())

    def confirm(self, today: int) -> None:
        """Note what is gone, rows and files, on every copy; nothing is said while one of them does not answer."""
        unconfirmed = self._record.unconfirmed()
        try:
            if unconfirmed and not cells.files_left(self._warehouse):
                self._confirm(unconfirmed, today)
        except WarehouseError as error:
            if not error.reason.passes:
                raise

    def _confirm(self, unconfirmed: Sequence[Entry], today: int) -> None:
        for entry in unconfirmed:
            if not self._record.noted(entry) and self._is_gone(entry):
                self._record.add(
                    Entry(days.text(today), GONE, *entry.thing, entry.rule, self._record.starts),
                )

    def _is_gone(self, entry: Entry) -> bool:
        if entry.kind == RELEASES:
            return releases.are_gone(self._releases, entry.customer, entry.what)
        if entry.kind == CELLS:
            month = Month(days.parse(f"{entry.what}-01"))
            return not cells.rows_on_copies(self._warehouse, entry.customer, month)
        if cells.rows_on_copies(self._warehouse, entry.customer):
            # Its reports may still come; what was brought back cannot be told from what is new, so nothing is said.
            return False
        return not releases.folders(self._releases, entry.customer)

    def _drop_cells(self, customers: Mapping[int, Customer], today: int, unsealed: Collection[int]) -> int:
        dropped = 0
        for month, held in cells.months_held(self._warehouse).items():
            rules = {code: cells_may_go(customers[code], month, today) for code in held if code in customers}
            going = {
                code: rule
                for code, rule in rules.items()
                if rule is not None and not (rule is Rule.NEEDED_NO_MORE and code in unsealed)
            }
            if not going:
                continue
            for code, rule in sorted(going.items()):
                self._note(today, code, CELLS, month.text, rule)
            cells.drop(self._warehouse, month, going.keys())
            log.info("cells_dropped", month=month.text, customers=sorted(going))
            dropped += len(going)
        return dropped

    def _drop_releases(self, customers: Mapping[int, Customer], today: int) -> int:
        dropped = 0
        for code, customer in customers.items():
            for folder in releases.folders(self._releases, code):
                through = releases.over(folder, releases_kept_from(customer, today))
                if through is None:
                    continue
                if not releases.is_pruned(folder, through):
                    self._note(today, code, RELEASES, f"{folder.name}/{through.place - 1}", Rule.AGREED_MONTHS)
                    log.info("releases_dropped", app=folder.name, through=through.place - 1)
                    dropped += 1
                releases.prune(folder, through, self._disk)
        return dropped

    def _note(self, today: int, code: int, kind: str, what: str, rule: Rule) -> None:
        entry = Entry(days.text(today), DROPPED, code, kind, what, rule.value, self._record.starts)
        if entry not in self._record.unconfirmed():
            self._record.add(entry)

    def _has_anything(self, code: int) -> bool:
        return bool(cells.rows_left(self._warehouse, code) or releases.folders(self._releases, code))

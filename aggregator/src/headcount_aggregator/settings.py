"""The settings of the store process: frozen, every one with its sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """How the store runs.

    ``data`` holds ``spool`` (the edges write, the store removes), ``units``, ``warehouse`` and
    ``releases``. ``organisation``: the organisation file. ``unit_seconds``: how long segments are
    gathered before they are loaded. ``reconcile_seconds``: how often units are compared with the
    warehouse. ``node``: this node's name in the fleet; empty where there is no other. ``releases_here``: whether
    this store rolls up and releases; of the stores that share a warehouse, one does. Not said: if it is the only one.
    ``home``: where the warehouse is, ``embedded`` or an address (``warehouse.address``), which is secret.
    """

    organisation: Path
    data: Path
    node: str = ""
    releases_here: bool | None = None
    home: str = field(default="embedded", repr=False)
    unit_seconds: float = 60.0
    reconcile_seconds: float = 3600.0

    @property
    def spool(self) -> Path:
        """Where the edges' segments are."""
        return self.data / "spool"

    @property
    def units(self) -> Path:
        """Where units are committed."""
        return self.data / "units"

    @property
    def warehouse(self) -> Path:
        """Where an embedded warehouse is."""
        return self.data / "warehouse"

    @property
    def releases(self) -> Path:
        """Where releases are sealed; all that the web process reads."""
        return self.data / "releases"

    @property
    def shares(self) -> Path:
        """Where Customers' shares of sums over Customers are, and the panels; nobody but the store reads them."""
        return self.data / "shares"

    @property
    def disclosures(self) -> Path:
        """Where the disclosure log is; store and web process add to it."""
        return self.data / "disclosures"

    @property
    def status(self) -> Path:
        """A small file in which the store says how far it has come."""
        return self.data / "store.json"

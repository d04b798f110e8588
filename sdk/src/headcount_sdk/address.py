"""Where reports go, and what they are sent with."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from headcount_sdk.opening import below


class Address(NamedTuple):
    """The addresses an app knows, and how it wants to upload.

    ``hosts``: the addresses the app knows, the first one at the start; an edge can send a device to another of
    them, or a report to one of ``nodes``, and to no other. ``nodes``: the nodes of the first host's fleet; they are
    tried in turn while nobody answers. One that begins with ``https://*.`` stands for every host below that name.
    ``may_upload``: whether this is a good moment, by network and battery.
    """

    hosts: tuple[str, ...]
    nodes: tuple[str, ...]
    app_key: str
    policy: int
    spread_hours: float
    debug: bool
    may_upload: Callable[[], bool]

    def now(self, moved: str) -> str:
        """Where reports go, after a move to ``moved`` if there was one."""
        return moved if moved in self.hosts else self.hosts[0]

    def lists(self, address: str) -> bool:
        """Whether the app lists an address that a report is sent to."""
        known = (*self.hosts, *self.nodes)
        return address in known or any("*" in node and below(address, node) for node in self.nodes)

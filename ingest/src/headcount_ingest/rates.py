"""Rate limits, in memory only: per app key, and per keyed hash of the client's address.

The hash key is random per process and never leaves it. An address counts as one of 65,536 groups,
so that no number of addresses makes the memory grow; an IPv6 address counts as its /64, which one
subscriber has to himself. A whole company can sit behind one address: the bound is wide.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
from collections.abc import Callable, Sequence

WINDOW_SECONDS = 60.0
ADDRESS_GROUP_BYTES = 2


class Rates:
    """Counts requests for a minute; answers the seconds to wait, 0 for go on.

    ``key_per_minute``, ``address_per_minute``: how many pass. ``monotonic`` times the minute, which is the same
    for all: when it ends, all counts are forgotten at once.
    """

    def __init__(
        self,
        key_per_minute: int,
        address_per_minute: int,
        trusted_proxies: Sequence[str],
        monotonic: Callable[[], float],
    ) -> None:
        self._per_key = key_per_minute
        self._per_address = address_per_minute
        self._trusted = tuple(ipaddress.ip_network(network) for network in trusted_proxies)
        self._secret = secrets.token_bytes(32)
        self._monotonic = monotonic
        self._ends = monotonic() + WINDOW_SECONDS
        self._counts: dict[str, int] = {}

    def peer(self, address: str) -> Callable[[bytes], str]:
        """Who is at the other end of a connection, as what gives the client's group for the lines of a request.

        The group is a keyed hash, and all that is kept; the argument is what ``X-Forwarded-For`` says, of
        which only a trusted proxy's word counts.
        """
        if self._trusted and self._is_trusted(address):
            own = self._group(address)
            return lambda forwarded: self._behind(forwarded) or own
        group = self._group(address)
        return lambda _: group

    def client(self, address: str) -> str:
        """The group of who connects, or an empty text for a trusted proxy, who speaks for many."""
        return "" if self._trusted and self._is_trusted(address) else self._group(address)

    def address(self, group: str) -> int:
        """Count a request of its client's group."""
        return self._hit(group, self._per_address)

    def key(self, fingerprint: str) -> int:
        """Count a request under an app key."""
        return self._hit(fingerprint, self._per_key)

    def _hit(self, name: str, most: int) -> int:
        """Count one more; fingerprints and groups differ in length, so that none stands for another."""
        now = self._monotonic()
        if now >= self._ends:
            self._ends = now + WINDOW_SECONDS
            self._counts = {}
        count = self._counts[name] = self._counts.get(name, 0) + 1
        return 0 if count <= most else math.ceil(self._ends - now)

    def _group(self, address: str) -> str:
        network = network_of(address).encode(errors="replace")
        return hashlib.blake2b(network, key=self._secret, digest_size=ADDRESS_GROUP_BYTES).hexdigest()

    def _behind(self, forwarded: bytes) -> str:
        """The group of the nearest address that is no trusted proxy; what a client claims beyond it is not believed."""
        hops = [hop.strip() for hop in forwarded.decode("ascii", "replace").split(",")]
        nearest = next((hop for hop in reversed(hops) if hop and not self._is_trusted(hop)), "")
        return self._group(nearest) if nearest else ""

    def _is_trusted(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


def network_of(text: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 address; other texts as they are."""
    if ":" not in text:
        return text
    try:
        address = ipaddress.IPv6Address(text.partition("%")[0])
    except ValueError:
        return text
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else address.packed[:8].hex()

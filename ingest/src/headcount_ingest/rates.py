"""Rate limits, in memory only: per app key, and per keyed hash of the client's address.

The hash key is random per process and never leaves it. An address counts as one of 65,536 groups,
so that no number of addresses makes the memory grow; an IPv6 address counts as its /64, which one
subscriber has to himself, and its /48 has a bound of its own, which is wider: who has one has 65,536 of the others.
A whole company can sit behind one address: the bound is wide.

An app key is public. So what anybody can send under it without a sound report counts for the address alone, and a
report counts by what it asks of the edge and of the store behind it.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import re
import secrets
from collections.abc import Callable, Sequence

WINDOW_SECONDS = 60.0
ADDRESS_GROUP_BYTES = 2
WIDE = 8
"""How many times as much as a /64 its /48 may send."""
TALLIES_OF_ONE = 128
"""A report counts once, and once more for each so many tallies."""
SITE_DIGITS = 12
_SUBSCRIBER = re.compile(r"\A[0-9a-f]{16}\Z")


class Rates:
    """Counts requests and reports for a minute; answers the seconds to wait, 0 for go on.

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
        name, _, wider = group.partition("/")
        waits = self._hit(name, self._per_address)
        return max(waits, self._hit(f"/{wider}", WIDE * self._per_address)) if wider else waits

    def key(self, fingerprint: str) -> int:
        """Whether an app key has had what it may have; what it is used for counts once it is known (``report``)."""
        self._turn()
        return self._wait() if self._counts.get(fingerprint, 0) >= self._per_key else 0

    def report(self, group: str, fingerprint: str, tallies: int) -> None:
        """Count a sound report of so many tallies for its key, and what it weighs beyond a request for its address."""
        more = tallies // TALLIES_OF_ONE
        self._turn()
        self._add(fingerprint, 1 + more)
        if more:
            name, _, wider = group.partition("/")
            self._add(name, more)
            if wider:
                self._add(f"/{wider}", more)

    def _hit(self, name: str, most: int) -> int:
        """Count one more; fingerprints and groups differ in length, so that none stands for another."""
        self._turn()
        return 0 if self._add(name, 1) <= most else self._wait()

    def _turn(self) -> None:
        """Begin a new minute when the last is over."""
        now = self._monotonic()
        if now >= self._ends:
            self._ends = now + WINDOW_SECONDS
            self._counts = {}

    def _add(self, name: str, weight: int) -> int:
        count = self._counts[name] = self._counts.get(name, 0) + weight
        return count

    def _wait(self) -> int:
        return math.ceil(self._ends - self._monotonic())

    def _group(self, address: str) -> str:
        network = network_of(address)
        subscriber, site = self._hash(network), network[:SITE_DIGITS]
        return f"{subscriber}/{self._hash(site)}" if _SUBSCRIBER.match(network) else subscriber

    def _hash(self, network: str) -> str:
        return hashlib.blake2b(
            network.encode(errors="replace"), key=self._secret, digest_size=ADDRESS_GROUP_BYTES
        ).hexdigest()

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

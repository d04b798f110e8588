"""Rate limits, in memory only: per app key, and per keyed hash of the client's address.

The hash key is random per process and never leaves it. An address counts as one of 65,536 groups,
so that no number of addresses makes the memory grow; an IPv6 address counts as its /64, which one
subscriber has to himself. A whole company can sit behind one address: the bound is wide.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Callable, Sequence

from aiohttp import web
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

RETRY_AFTER_SECONDS = 60
ADDRESS_GROUP_BYTES = 2


class Window(Storage):
    """Counts of the running minute, all forgotten at once when it ends.

    The library's own memory storage starts a thread for each request, and reads the clock itself.
    """

    STORAGE_SCHEME = None

    def __init__(self, monotonic: Callable[[], float], seconds: float) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._seconds = seconds
        self._ends = monotonic() + seconds
        self._counts: dict[str, int] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a storage fails with: this one does not."""
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, and say how many it is now."""
        self._turn()
        count = self._counts.get(key, 0) + amount
        self._counts[key] = count
        return count

    def get(self, key: str) -> int:
        """How many it is now."""
        self._turn()
        return self._counts.get(key, 0)

    def get_expiry(self, key: str) -> float:
        """When the window ends, by the clock it was given."""
        return self._ends

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget everything; how many keys that were."""
        found = len(self._counts)
        self._counts.clear()
        return found

    def clear(self, key: str) -> None:
        """Forget one key."""
        self._counts.pop(key, None)

    def _turn(self) -> None:
        now = self._monotonic()
        if now >= self._ends:
            self._ends = now + self._seconds
            self._counts.clear()


class Rates:
    """Counts requests for a minute; answers the seconds to wait, 0 for go on."""

    def __init__(
        self,
        key_per_minute: int,
        address_per_minute: int,
        trusted_proxies: Sequence[str],
        monotonic: Callable[[], float],
    ) -> None:
        self._limiter = FixedWindowRateLimiter(Window(monotonic, 60.0))
        self._per_key = RateLimitItemPerMinute(key_per_minute, namespace="key")
        self._per_address = RateLimitItemPerMinute(address_per_minute, namespace="address")
        self._trusted = tuple(ipaddress.ip_network(network) for network in trusted_proxies)
        self._secret = secrets.token_bytes(32)

    def address(self, request: web.BaseRequest) -> int:
        """Count a request of its client's address; the address itself goes no further."""
        network = network_of(self._client(request)).encode(errors="replace")
        return self._hit(
            self._per_address,
            hashlib.blake2b(network, key=self._secret, digest_size=ADDRESS_GROUP_BYTES).hexdigest(),
        )

    def key(self, fingerprint: str) -> int:
        """Count a request under an app key."""
        return self._hit(self._per_key, fingerprint)

    def _hit(self, item: RateLimitItem, name: str) -> int:
        return 0 if self._limiter.hit(item, name) else RETRY_AFTER_SECONDS

    def _client(self, request: web.BaseRequest) -> str:
        """The nearest address that is no trusted proxy; what a client claims beyond it is not believed."""
        peer = request.remote or ""
        if not self._trusted or not self._is_trusted(peer):
            return peer
        # A proxy may append to the header or add a line of its own: all lines count, in their order.
        hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", ()) for hop in line.split(",")]
        return next((hop for hop in reversed(hops) if hop and not self._is_trusted(hop)), peer)

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

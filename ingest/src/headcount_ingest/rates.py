"""Rate limits, in memory only: per app key, and per keyed hash of the client's address.

The hash key is random per process and never leaves it; the window is a minute. A whole company
can sit behind one address, so the bound per address is wide.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Sequence

from aiohttp import web
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

RETRY_AFTER_SECONDS = 60


class Rates:
    """Counts requests for a minute; answers the seconds to wait, 0 for go on."""

    def __init__(self, key_per_minute: int, address_per_minute: int, trusted_proxies: Sequence[str]) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._per_key = RateLimitItemPerMinute(key_per_minute)
        self._per_address = RateLimitItemPerMinute(address_per_minute)
        self._trusted = tuple(ipaddress.ip_network(network) for network in trusted_proxies)
        self._secret = secrets.token_bytes(32)

    def address(self, request: web.Request) -> int:
        """Count a request of its client's address; the address itself goes no further."""
        hashed = hashlib.blake2b(self._client(request).encode(), key=self._secret, digest_size=12).hexdigest()
        return 0 if self._limiter.hit(self._per_address, "address", hashed) else RETRY_AFTER_SECONDS

    def key(self, fingerprint: str) -> int:
        """Count a request under an app key."""
        return 0 if self._limiter.hit(self._per_key, "key", fingerprint) else RETRY_AFTER_SECONDS

    def _client(self, request: web.Request) -> str:
        peer = request.remote or ""
        if self._trusted and self._is_trusted(peer):
            hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
            for hop in reversed(hops):
                if hop and not self._is_trusted(hop):
                    return hop
        return peer

    def _is_trusted(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)

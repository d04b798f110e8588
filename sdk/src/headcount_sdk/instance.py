"""A Customer's own server that states how many of something it has: roles, rooms, licences. No user, no consent screen.

It is the same client underneath: the same outbox, the same uploader, the same daily report of sums. What speaks of
people, active days, sessions, screens, is left out of its catalog, so that a server never counts as a person.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from headcount_wire.catalog import Catalog
from headcount_wire.facts import Kind

from headcount_sdk.client import Headcount
from headcount_sdk.facts import DeviceFacts
from headcount_sdk.health import Health
from headcount_sdk.opening import read_catalog
from headcount_sdk.timer import Timer

if TYPE_CHECKING:
    from headcount_sdk.uploader import Outcome

KINDS = frozenset({Kind.QUANTITY, Kind.COUNTER, Kind.TIMING, Kind.DISTRIBUTION})
"""What a server may count."""


class Instance:
    """A server-side instance. Who runs it decides by configuring it; there is nobody else to ask.

    ``options`` are those of ``Headcount``. Starts at once; nothing it does raises, unless ``debug`` is set.
    """

    def __init__(
        self,
        app_key: str,
        host: str,
        catalog: Catalog | str | os.PathLike[str],
        *,
        directory: str | os.PathLike[str],
        version: str = "",
        thread: bool = True,
        **options: Any,
    ) -> None:
        whole = read_catalog(catalog)
        counted = {
            name: measure.replaced(reach=False) for name, measure in whole.measures.items() if measure.kind in KINDS
        }
        own = whole.replaced(measures=counted, context={})
        facts = DeviceFacts(version, "server")
        self._client = Headcount(app_key, host, own, directory=directory, facts=facts, **options)
        self._client.start(thread=thread, active=False)
        self._client.consent.grant(*sorted({measure.purpose for measure in counted.values()}))

    @property
    def health(self) -> Health:
        """What went otherwise than planned."""
        return self._client.health

    def quantity(self, name: str, value: int, /, **labels: str) -> None:
        """State how many there are now; the day's last value counts."""
        self._client.quantity(name, value, **labels)

    def track(self, name: str, /, **labels: str) -> None:
        """Count that something happened."""
        self._client.track(name, **labels)

    def measure(self, name: str, value: float, /, **labels: str) -> None:
        """Record one value of a timing or a distribution."""
        self._client.measure(name, value, **labels)

    def timer(self, name: str, /, **labels: str) -> Timer:
        """A timer for a timing."""
        return self._client.timer(name, **labels)

    def pump(self) -> Sequence[Outcome]:
        """Do what is due now, where there is no thread."""
        return self._client.pump()

    def flush(self) -> Sequence[Outcome]:
        """Send everything that can be said by now; a quantity of today only once the day is over."""
        return self._client.flush()

    def shutdown(self, timeout: float = 2.0) -> None:
        """Let go of the files; what was stated is kept."""
        self._client.shutdown(timeout)

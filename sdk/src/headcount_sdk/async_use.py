"""The same client for code that runs on an event loop: each call that may touch the disk or the network, awaited."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from headcount_sdk.consent import Consent

if TYPE_CHECKING:
    from headcount_sdk.uploader import Outcome

P = ParamSpec("P")
T = TypeVar("T")


class Blocking(Protocol):
    """The client's methods that may touch the disk or the network."""

    consent: Consent

    def start(self) -> None: ...
    def flush(self) -> list[Outcome]: ...
    def export(self) -> dict[str, Any]: ...
    def reset(self) -> None: ...
    def erase(self) -> None: ...
    def shutdown(self) -> None: ...


class AsyncUse:
    """``await headcount.on_loop.flush()``: the client's own methods, run beside the loop."""

    def __init__(self, client: Blocking) -> None:
        self._client = client

    async def start(self) -> None:
        """Open the state and start uploading."""
        await _beside(self._client.start)

    async def grant(self, *purposes: str, language: str = "") -> bool:
        """The user says yes."""
        return await _beside(self._client.consent.grant, *purposes, language=language)

    async def withdraw(self, *purposes: str) -> bool:
        """The user says no; what was held is gone when this returns."""
        return await _beside(self._client.consent.withdraw, *purposes)

    async def switch(self, field: str, on: bool) -> bool:
        """Whether a context field may be read at all."""
        return await _beside(self._client.consent.switch, field, on)

    async def restrict(self, on: bool) -> bool:
        """Restricted mode, for minors."""
        return await _beside(self._client.consent.restrict, on)

    async def flush(self) -> list[Outcome]:
        """Send everything now."""
        return await _beside(self._client.flush)

    async def export(self) -> dict[str, Any]:
        """Everything this device holds, readable."""
        return await _beside(self._client.export)

    async def reset(self) -> None:
        """Become a new device; the decisions stay."""
        await _beside(self._client.reset)

    async def erase(self) -> None:
        """Erase everything held on this device."""
        await _beside(self._client.erase)

    async def shutdown(self) -> None:
        """Stop; what was recorded is kept."""
        await _beside(self._client.shutdown)


async def _beside(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    import asyncio  # only by those who have a loop already

    return await asyncio.to_thread(call, *args, **kwargs)

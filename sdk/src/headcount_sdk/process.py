"""What happens to the process around the client: its end, its crash, its forks."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol


class Client(Protocol):
    """What the process tells a client."""

    def shutdown(self, timeout: float = ...) -> None:
        """The process ends in good order."""
        ...

    def crashed(self) -> None:
        """An exception that nobody caught ends the process."""
        ...

    def forked(self) -> None:
        """This is the child of a fork, and the files are the parent's."""
        ...


_installed: weakref.WeakSet[ProcessHooks] = weakref.WeakSet()
_forks_heard = threading.Event()


class ProcessHooks:
    """Hooks into the interpreter for one client, held weakly; chained with what was hooked before."""

    def __init__(self, client: Client) -> None:
        self._client = weakref.ref(client)
        self._before: Callable[..., Any] | None = None

    def install(self, *, crashes: bool) -> None:
        """Listen for the end of the process and, with ``crashes``, for exceptions that nobody caught."""
        atexit.register(self.ended)
        if crashes and self._before is None:
            self._before = sys.excepthook
            sys.excepthook = self._excepted
        self.watch_forks()

    def watch_forks(self) -> None:
        """Listen for forks alone, as long as files are held."""
        _installed.add(self)
        if not _forks_heard.is_set() and hasattr(os, "register_at_fork"):
            _forks_heard.set()
            os.register_at_fork(after_in_child=_forked)

    def remove(self) -> None:
        """Stop listening. A hook that somebody chained after this one stays in place, and only passes on."""
        atexit.unregister(self.ended)
        _installed.discard(self)
        if self._before is not None and sys.excepthook == self._excepted:
            sys.excepthook = self._before
            self._before = None

    def ended(self) -> None:
        """The process ends in good order."""
        if (client := self._client()) is not None:
            client.shutdown(1.0)

    def forked(self) -> None:
        """This is a child of the process."""
        if (client := self._client()) is not None:
            client.forked()

    def _excepted(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        client = self._client()
        if client is not None and issubclass(kind, Exception):
            client.crashed()
        (self._before or sys.__excepthook__)(kind, error, trace)


def _forked() -> None:
    for hooks in list(_installed):
        hooks.forked()

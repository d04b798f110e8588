"""What a request waits for, without a task of its own: one value, handed over once.

A request's path is a coroutine that waits for its body and for the disk, and in between for the others of its turn
(``batch.py``). Whoever has the value hands it over, and the path goes on within that call: no task, no future, no
turn of the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Generic, TypeVar

T = TypeVar("T")


class Waits(Generic[T]):
    """A value to come; ``ready``: whether it is there. Awaited by one path; ``exchange.py`` is what drives it."""

    __slots__ = ("_then", "_value", "ready")

    def __init__(self) -> None:
        self.ready = False
        self._value: T
        self._then: Callable[[], None] | None = None

    def __await__(self) -> Generator[Waits[T], None, T]:
        if not self.ready:
            yield self
        return self._value

    def then(self, go_on: Callable[[], None]) -> None:
        """Have ``go_on`` called when the value is there."""
        self._then = go_on

    def hand_over(self, value: T) -> None:
        """Here it is; a second value is not taken."""
        if self.ready:
            return
        self.ready, self._value = True, value
        go_on, self._then = self._then, None
        if go_on is not None:
            go_on()

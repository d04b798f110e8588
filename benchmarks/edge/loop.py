"""The event loop of the load generator, and its cores."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine, Iterable, Iterator
from importlib.util import find_spec
from typing import Any, ParamSpec, TypeVar

Given = ParamSpec("Given")
Found = TypeVar("Found")


def run(load: Callable[Given, Coroutine[Any, Any, Found]], *arguments: Given.args, **options: Given.kwargs) -> Found:
    """Run a load to its end, on uvloop where it is installed."""
    if find_spec("uvloop") is None:
        return asyncio.run(load(*arguments, **options))
    import uvloop

    found: Found = uvloop.run(load(*arguments, **options))
    return found


@contextlib.contextmanager
def on_cores(wanted: Iterable[str]) -> Iterator[None]:
    """Use only these, for as long."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(core) for core in wanted})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cores() -> list[str]:
    """The cores this process may use."""
    return [str(core) for core in sorted(os.sched_getaffinity(0))]

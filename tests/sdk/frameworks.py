"""Kivy, Toga and Flet as far as a client follows them, with the rules by which each calls handlers."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from headcount_sdk.health import Health

Handler = Callable[..., Any]


class Noted:
    """A client that notes what it is told; it raises what it is given to raise."""

    def __init__(self, error: Exception | None = None) -> None:
        self.health = Health()
        self.told: list[str] = []
        self._error = error

    def _note(self, what: str) -> None:
        self.told.append(what)
        if self._error is not None:
            raise self._error

    def on_foreground(self) -> None:
        self._note("front")

    def on_background(self) -> None:
        self._note("back")

    def shutdown(self, timeout: float = 2.0) -> None:
        self._note("end")


class KivyApp:
    """``kivy.app.App``: what is bound is called first, latest first; what returns true ends it there."""

    def __init__(self) -> None:
        self._bound: dict[str, list[Handler]] = {}

    def bind(self, **handlers: Handler) -> None:
        for name, handler in handlers.items():
            self._bound.setdefault(name, []).insert(0, handler)

    def dispatch(self, name: str) -> Any:
        for handler in self._bound.get(name, []):
            if handler(self):
                return True
        return getattr(self, name)()

    def on_start(self) -> Any: ...

    def on_stop(self) -> Any: ...

    def on_pause(self) -> Any:
        return True

    def on_resume(self) -> Any: ...


def toga_wrapped(interface: Any, handler: Any, cleanup: Any = None) -> Handler:
    """``toga.handlers.wrapped_handler``: binds the interface, runs coroutines and generators, then cleans up."""

    def called(*arguments: Any, **named: Any) -> Any:
        async def awaited() -> Any:
            result = await handler(interface, *arguments, **named)
            if cleanup:
                cleanup(interface, result)

        async def stepped(generator: Any) -> Any:
            try:
                while True:
                    next(generator)
                    await asyncio.sleep(0)
            except StopIteration as end:
                if cleanup:
                    cleanup(interface, end.value)

        if handler is None:
            return None
        if inspect.iscoroutinefunction(handler):
            return asyncio.ensure_future(awaited())
        result = handler(interface, *arguments, **named)
        if inspect.isgenerator(result):
            return asyncio.ensure_future(stepped(result))
        if cleanup:
            cleanup(interface, result)
        return result

    called._raw = handler  # type: ignore[attr-defined]  # as Toga does
    return called


class TogaWindow:
    """``toga.Window``: its handlers come out bound to it."""

    def __init__(self, app: TogaApp) -> None:
        self.visible = False
        app.windows.add(self)
        self.on_show = self.on_hide = None

    @property
    def on_show(self) -> Any:
        return self._on_show

    @on_show.setter
    def on_show(self, handler: Any) -> None:
        self._on_show = toga_wrapped(self, handler)

    @property
    def on_hide(self) -> Any:
        return self._on_hide

    @on_hide.setter
    def on_hide(self, handler: Any) -> None:
        self._on_hide = toga_wrapped(self, handler)

    def show(self) -> None:
        self.visible = True
        self.on_show()

    def hide(self) -> None:
        self.visible = False
        self.on_hide()


def _nothing(_: TogaApp) -> None: ...


def _yes(_: TogaApp) -> bool:
    return True


class TogaApp:
    """``toga.App``: a method of a subclass is wrapped to be given the app, an assigned handler is called with it."""

    on_running: Any = _nothing
    on_exit: Any = _yes

    def __init__(self) -> None:
        self.windows: set[TogaWindow] = set()
        self.exited = False
        self.on_running = self._simple(self.on_running)
        self.on_exit = self._simple(self.on_exit)

    @staticmethod
    def _simple(method: Handler) -> Handler:
        async def coroutine(app: Any) -> Any:
            return await method()

        def function(app: Any) -> Any:
            return method()

        return coroutine if inspect.iscoroutinefunction(method) else function

    def run(self) -> None:
        toga_wrapped(self, self.on_running)()

    def request_exit(self) -> None:
        def cleanup(app: TogaApp, should_exit: Any) -> None:
            self.exited = bool(should_exit)

        toga_wrapped(self, self.on_exit, cleanup)()


class FletPage:
    """``flet.Page``: a handler is called by its kind, without the event if it takes nothing."""

    def __init__(self) -> None:
        self.on_app_lifecycle_state_change: Any = None
        self.on_connect: Any = None
        self.on_disconnect: Any = None
        self.updates = 0

    async def trigger(self, name: str, state: str = "") -> None:
        handler = getattr(self, f"on_{name}")
        event = SimpleNamespace(name=name, state=SimpleNamespace(value=state)) if state else SimpleNamespace(name=name)
        given = () if handler is None or not inspect.signature(handler).parameters else (event,)
        if inspect.iscoroutinefunction(handler):
            await handler(*given)
        elif inspect.isasyncgenfunction(handler):
            async for _ in handler(*given):
                self.updates += 1
        elif inspect.isgeneratorfunction(handler):
            for _ in handler(*given):
                self.updates += 1
        elif callable(handler):
            handler(*given)

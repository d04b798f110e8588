"""The lifecycle of an app's framework, handed on to the client: to the front, to the back, the end.

Each function chains what the app has hooked before and replaces nothing; what the app's own handlers return or raise
stays theirs. Nothing of Headcount raises into the framework. Each may be called before or after ``start``, and more
than once; an app that sets a handler itself does so before.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any, Protocol

from headcount_sdk.health import Health, Surprise

Handler = Callable[..., Any]
FOLLOWED = "headcount_follower"
"""The attribute by which an object or a handler is known to be followed, which also keeps the follower alive."""

_FLET_FRONT = ("show", "resume", "restart")
_FLET_BACK = ("hide", "pause", "detach")


class Client(Protocol):
    """What a framework tells the client."""

    health: Health

    def on_foreground(self) -> None:
        """The app came to the front."""
        ...

    def on_background(self) -> None:
        """The app went to the back."""
        ...

    def shutdown(self, timeout: float = ...) -> None:
        """The app ends."""
        ...


def attach_kivy(app: Any, headcount: Client) -> bool:
    """Follow a Kivy app by ``on_start``, ``on_pause``, ``on_resume`` and ``on_stop``; whether that could be done.

    The app's own ``on_pause`` still says whether the app may pause.
    """
    follower = Follower(headcount)

    def attach() -> None:
        if not hasattr(app, FOLLOWED):
            setattr(app, FOLLOWED, follower)  # Kivy itself holds bound methods weakly
            app.bind(on_start=follower.front, on_resume=follower.front, on_pause=follower.back, on_stop=follower.end)

    return follower.tries(attach)


def attach_toga(app: Any, headcount: Client) -> bool:
    """Follow a Toga app by ``on_show`` and ``on_hide`` of its windows and its ``on_exit``; whether that could be done.

    The app is in front as long as one of its windows is shown. Windows that exist now are followed from now on,
    those made until the app runs from then on, later ones from the next change of one that is followed.
    ``on_exit`` never comes on a phone, and is not needed there.
    """
    follower = Follower(headcount)
    windows = TogaWindows(app, follower)

    def attach() -> None:
        if not hasattr(app, FOLLOWED):
            setattr(app, FOLLOWED, windows)
            app.on_running = before(app.on_running, windows.follow)
            app.on_exit = after_yes(app.on_exit, follower.end)
        getattr(app, FOLLOWED).follow_all()

    return follower.tries(attach)


def attach_flet(page: Any, headcount: Client) -> bool:
    """Follow a Flet page by its app lifecycle state, its connection and its disconnection; whether that could be done.

    To lose the focus is not to go to the back. The client is not shut down: the process may serve other pages, and
    its end is noticed by itself.
    """
    follower = Follower(headcount)

    def state(event: Any = None, *_: object) -> None:
        said = getattr(event, "state", None)
        said = getattr(said, "value", said)
        if said in _FLET_FRONT:
            follower.front()
        elif said in _FLET_BACK:
            follower.back()

    def attach() -> None:
        for name, told in (
            ("on_app_lifecycle_state_change", state),
            ("on_connect", follower.front),
            ("on_disconnect", follower.back),
        ):
            handler = getattr(page, name)
            if not hasattr(handler, FOLLOWED):
                setattr(page, name, before(handler, told))

    return follower.tries(attach)


class Follower:
    """Tells a client what a framework says: each change once, and no exception back."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._in_front: bool | None = None

    def front(self, *_: object) -> None:
        """The app is in front."""
        if self._in_front is not True:
            self._in_front = True
            self.tries(self._client.on_foreground)

    def back(self, *_: object) -> None:
        """The app is not in front any more."""
        if self._in_front is not False:
            self._in_front = False
            self.tries(self._client.on_background)

    def end(self, *_: object) -> None:
        """The app ends in good order."""
        self.tries(self._client.shutdown)

    def tries(self, action: Callable[[], object]) -> bool:
        """Do it; whether it went well."""
        try:
            action()
        except Exception:  # a framework's event loop must not meet an exception of its telemetry
            self._client.health.note(Surprise.INTERNAL)
            return False
        return True


class TogaWindows:
    """Which windows of a Toga app are hidden, as their own events say it."""

    def __init__(self, app: Any, follower: Follower) -> None:
        self._app = app
        self._follower = follower
        self._hidden: weakref.WeakSet[Any] = weakref.WeakSet()

    def follow(self, *_: object) -> None:
        """Follow the windows that are not followed yet; raises nothing."""
        self._follower.tries(self.follow_all)

    def follow_all(self) -> None:
        """Follow the windows that are not followed yet."""
        for window in self._app.windows:
            for name, told in (("on_show", self._shown), ("on_hide", self._hid)):
                handler = getattr(window, name)
                if not hasattr(getattr(handler, "_raw", None), FOLLOWED):
                    setattr(window, name, _with_window(handler, told))

    def _shown(self, window: Any) -> None:
        self._hidden.discard(window)
        self.follow()
        self._follower.front()

    def _hid(self, window: Any) -> None:
        self._hidden.add(window)
        self.follow()
        self._follower.tries(self._back_if_none_is_shown)

    def _back_if_none_is_shown(self) -> None:
        if all(other in self._hidden or not other.visible for other in self._app.windows):
            self._follower.back()


def before(handler: Handler | None, told: Handler) -> Handler:
    """A handler of the same kind, function or coroutine or generator, that first tells and then does what it did."""

    async def coroutine(*arguments: Any, **named: Any) -> Any:
        told(*arguments)
        return await _called(handler, arguments, named)

    async def async_steps(*arguments: Any, **named: Any) -> AsyncIterator[Any]:
        told(*arguments)
        async for step in _called(handler, arguments, named):
            yield step

    def steps(*arguments: Any, **named: Any) -> Generator[Any, Any, Any]:
        told(*arguments)
        return (yield from _called(handler, arguments, named))

    def function(*arguments: Any, **named: Any) -> Any:
        told(*arguments)
        return _called(handler, arguments, named)

    if inspect.iscoroutinefunction(handler):
        return _marked(coroutine)
    if inspect.isasyncgenfunction(handler):
        return _marked(async_steps)
    return _marked(steps if inspect.isgeneratorfunction(handler) else function)


def after_yes(handler: Handler, told: Callable[[], None]) -> Handler:
    """A handler of the same kind that does what it did and, if the answer was a yes, tells."""

    def heard(answer: Any) -> Any:
        if answer:
            told()
        return answer

    def steps(generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        return heard((yield from generator))

    async def coroutine(*arguments: Any, **named: Any) -> Any:
        return heard(await handler(*arguments, **named))

    def function(*arguments: Any, **named: Any) -> Any:
        answer = handler(*arguments, **named)
        return steps(answer) if inspect.isgenerator(answer) else heard(answer)

    return _marked(coroutine if inspect.iscoroutinefunction(handler) else function)


def _with_window(handler: Handler | None, told: Callable[[Any], None]) -> Handler:
    """Toga hands out a window's handler with the window already in it, and takes one that is given it."""

    def chained(window: Any, *arguments: Any, **named: Any) -> Any:
        told(window)
        return None if handler is None else handler(*arguments, **named)

    return _marked(chained)


def _marked(handler: Handler) -> Handler:
    setattr(handler, FOLLOWED, True)
    return handler


def _called(handler: Handler | None, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Call a handler, without the event if it is one of those that Flet lets do without."""
    if handler is None:
        return None
    try:
        bare = not inspect.signature(handler).parameters
    except (TypeError, ValueError):  # written in C, and says nothing of itself
        bare = False
    return handler() if bare else handler(*arguments, **named)

"""Following a framework's lifecycle: the client is told, and the app's own handlers work as before."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest
from headcount_sdk import Surprise
from headcount_sdk.lifecycle import attach_flet, attach_kivy, attach_toga
from headcount_sdk.sessions import CLEAN, CRASHED
from headcount_sdk.testing import ManualClock, MemoryTransport

from tests.sdk.conftest import MakeFull, sums
from tests.sdk.frameworks import FletPage, KivyApp, Noted, TogaApp, TogaWindow


class MyKivy(KivyApp):
    """An app with handlers of its own; ``may_pause`` is its answer to the system."""

    may_pause = True

    def __init__(self) -> None:
        super().__init__()
        self.own: list[str] = []

    def on_pause(self) -> bool:
        self.own.append("pause")
        return self.may_pause

    def on_resume(self) -> None:
        self.own.append("resume")


def test_kivy() -> None:
    """Start and resume bring the client to the front, pause to the back, stop ends it; the app's handlers run too."""
    app, client = MyKivy(), Noted()
    assert attach_kivy(app, client)
    assert attach_kivy(app, client)
    gc.collect()
    app.dispatch("on_start")
    assert app.dispatch("on_pause") is True
    app.dispatch("on_resume")
    app.dispatch("on_stop")
    assert client.told == ["front", "back", "front", "end"]
    assert app.own == ["pause", "resume"]


def test_kivy_still_asks_the_app_whether_it_may_pause() -> None:
    """An app that does not want to pause is not made to by being followed."""
    app = MyKivy()
    app.may_pause = False
    attach_kivy(app, Noted())
    assert app.dispatch("on_pause") is False


def test_toga_windows() -> None:
    """The app is in front as long as a window is shown; each change is told once; the windows' own handlers run."""
    app, client = TogaApp(), Noted()
    first, second = TogaWindow(app), TogaWindow(app)
    own: list[tuple[str, Any]] = []
    first.on_show = lambda window: own.append(("show", window))
    assert attach_toga(app, client)
    assert attach_toga(app, client)
    first.show()
    second.show()
    first.hide()
    assert client.told == ["front"]
    second.hide()
    second.show()
    assert client.told == ["front", "back", "front"]
    assert own == [("show", first)]


def test_toga_windows_made_later() -> None:
    """Windows made before the app runs are followed when it does, later ones from the next change of one followed."""
    app, client = TogaApp(), Noted()
    ran: list[object] = []
    app.on_running = ran.append
    assert attach_toga(app, client)
    main = TogaWindow(app)
    app.run()
    assert ran == [app]
    main.show()
    late = TogaWindow(app)
    late.visible = True
    main.hide()
    assert client.told == ["front"]
    late.hide()
    assert client.told == ["front", "back"]


async def settled() -> None:
    """Wait for what the framework put on the loop."""
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))


async def test_toga_coroutine_handlers() -> None:
    """A coroutine that an app hooked to a window or to the app's start is awaited by Toga as before."""
    app, client = TogaApp(), Noted()
    window = TogaWindow(app)
    own: list[object] = []

    async def handler(it: object) -> None:
        own.append(it)

    window.on_show = handler
    app.on_running = handler
    attach_toga(app, client)
    app.run()
    window.show()
    await settled()
    assert own == [app, window]
    assert client.told == ["front"]


class Refusing(TogaApp):
    """An app that asks before it ends."""

    answer = True

    def on_exit(self) -> Any:
        return self.answer


class Asking(Refusing):
    """One that asks in a dialog."""

    async def on_exit(self) -> bool:
        await asyncio.sleep(0)
        return self.answer


class Stepping(Refusing):
    """One that asks the way of old."""

    def on_exit(self) -> Generator[float, None, bool]:
        yield 0.0
        return self.answer


@pytest.mark.parametrize("kind", [Refusing, Asking, Stepping])
@pytest.mark.parametrize("answer", [True, False])
async def test_toga_exit(kind: type[Refusing], answer: bool) -> None:
    """The client ends when the app agrees to end, and stays when the app does not; the answer stays the app's."""
    app, client = kind(), Noted()
    app.answer = answer
    attach_toga(app, client)
    app.request_exit()
    await settled()
    assert app.exited is answer
    assert client.told == (["end"] if answer else [])


def flet_handlers(own: list[str]) -> list[Callable[..., Any]]:
    """A handler of each kind that Flet knows."""

    def function(event: Any) -> None:
        own.append(event.state.value)

    def bare() -> None:
        own.append("pause")

    async def coroutine(event: Any) -> None:
        own.append(event.state.value)

    def steps(event: Any) -> Iterator[None]:
        own.append(event.state.value)
        yield

    async def async_steps(event: Any) -> AsyncIterator[None]:
        own.append(event.state.value)
        yield

    return [function, bare, coroutine, steps, async_steps]


@pytest.mark.parametrize("kind", range(5))
async def test_flet_handlers_are_chained(kind: int) -> None:
    """A handler of any kind that an app had on its page runs as before, intermediate updates included."""
    page, client, own = FletPage(), Noted(), list[str]()
    page.on_app_lifecycle_state_change = flet_handlers(own)[kind]
    assert attach_flet(page, client)
    assert attach_flet(page, client)
    await page.trigger("app_lifecycle_state_change", "pause")
    assert (client.told, own, page.updates) == (["back"], ["pause"], int(kind >= 3))


async def test_flet() -> None:
    """Hide, pause and detach are one way to the back, a lost focus none; the page's end does not end the client."""
    page, client = FletPage(), Noted()
    attach_flet(page, client)
    for state in (
        "show",
        "resume",
        "inactive",
        "hide",
        "pause",
        "restart",
        "show",
        "resume",
        "inactive",
        "hide",
        "detach",
    ):
        await page.trigger("app_lifecycle_state_change", state)
    assert client.told == ["front", "back", "front", "back"]
    await page.trigger("connect")
    await page.trigger("disconnect")
    assert client.told[4:] == ["front", "back"]


async def test_nothing_raises_into_the_framework() -> None:
    """What fails in the client is counted and goes no further; an app's own exception stays its own."""
    client = Noted(RuntimeError("inside"))
    kivy, toga, page = MyKivy(), TogaApp(), FletPage()
    window = TogaWindow(toga)
    assert attach_kivy(kivy, client)
    assert attach_toga(toga, client)
    assert attach_flet(page, client)
    kivy.dispatch("on_pause")
    kivy.dispatch("on_stop")
    window.show()
    toga.request_exit()
    await page.trigger("app_lifecycle_state_change", "show")
    assert client.told == ["back", "end", "front", "end", "front"]
    assert client.health.counts[Surprise.INTERNAL] == 5
    assert toga.exited

    def fails(_: object) -> None:
        raise LookupError("the app's")

    page = FletPage()
    page.on_disconnect = fails
    attach_flet(page, client)
    with pytest.raises(LookupError):
        await page.trigger("disconnect")


@pytest.mark.parametrize("attach", [attach_kivy, attach_toga, attach_flet])
def test_what_is_no_app_is_not_followed(attach: Callable[[Any, Noted], bool]) -> None:
    """Attached to something else, it says so and is counted, and raises nothing."""
    client = Noted()
    assert not attach(object(), client)
    assert client.health.counts[Surprise.INTERNAL] == 1


def test_a_real_client_is_followed(full: MakeFull, clock: ManualClock, network: MemoryTransport) -> None:
    """A session of a followed app ends clean in the background, as if the app had told the client itself."""
    app, client = MyKivy(), full("usage", "diagnostics")
    attach_kivy(app, client)
    app.dispatch("on_start")
    clock.advance(60)
    app.dispatch("on_pause")
    clock.advance(7200)
    app.dispatch("on_resume")
    client.flush()
    ends = {key[2]: n for key, n in sums(network).items() if key[1] == 8}
    assert ends[CLEAN] == 1
    assert CRASHED not in ends
    app.dispatch("on_stop")
    assert not client._guard.usable

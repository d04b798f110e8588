"""The same with the frameworks themselves, where they are installed; the SDK's own tests need none of them.

Last seen to pass with Kivy 2.3.1, Toga 0.5.7 (toga-core, toga-dummy) and Flet 1.0.5.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from headcount_sdk.lifecycle import attach_flet, attach_kivy, attach_toga

from tests.sdk.frameworks import Noted

pytestmark = pytest.mark.filterwarnings("default")  # a framework's warnings are its own


def needed(name: str) -> Any:
    return pytest.importorskip(name, reason=f"{name} is not installed; this is an optional test")


def test_kivy_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Kivy's own dispatch tells the client, keeps the app's answer, and does not lose the client to the collector."""
    for name, value in (("KIVY_NO_ARGS", "1"), ("KIVY_NO_FILELOG", "1"), ("KIVY_HOME", str(tmp_path))):
        monkeypatch.setenv(name, value)
    needed("kivy")
    base: Any = importlib.import_module("kivy.app").App

    class App(base):  # type: ignore[misc]  # its type is known where Kivy is
        may_pause = True

        def on_pause(self) -> bool:
            return self.may_pause

    app, client = App(), Noted()
    assert attach_kivy(app, client)
    gc.collect()
    app.dispatch("on_start")
    assert app.dispatch("on_pause") is True
    app.dispatch("on_resume")
    app.may_pause = False
    assert not app.dispatch("on_pause")
    app.dispatch("on_stop")
    assert client.told == ["front", "back", "front", "back", "end"]


def test_toga_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Toga's own windows and its own way to end tell the client; the app's handlers run, coroutines too."""
    monkeypatch.setenv("TOGA_BACKEND", "toga_dummy")
    toga: Any = needed("toga")
    base: Any = toga.App
    needed("toga_dummy")
    own: list[str] = []
    client = Noted()

    class App(base):  # type: ignore[misc]  # its type is known where Toga is
        may_exit = False

        def startup(self) -> None:
            self.main_window = toga.MainWindow(on_show=self.shown)
            assert attach_toga(self, client)
            self.main_window.show()

        async def shown(self, window: Any, **named: Any) -> None:
            own.append("shown")

        async def on_running(self) -> None:
            own.append("running")

        async def on_exit(self) -> bool:
            return self.may_exit

    app = App("Meet", "example.meet")
    late = toga.Window()

    async def settled() -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    app.loop.run_until_complete(settled())
    late.show()
    app.main_window.hide()
    assert client.told == ["front"]
    late.hide()
    app.main_window.show()
    app.request_exit()
    app.loop.run_until_complete(settled())
    assert client.told == ["front", "back", "front"]
    app.may_exit = True
    app.request_exit()
    app.loop.run_until_complete(settled())
    assert client.told == ["front", "back", "front", "end"]
    assert own == ["shown", "running", "shown"]


@pytest.mark.parametrize("bare", [False, True])
async def test_flet_itself(bare: bool) -> None:
    """Flet's own dispatch of a page's events tells the client, and calls the app's handler, bare or not."""
    needed("flet")
    page_module: Any = importlib.import_module("flet.controls.page")
    own: list[str] = []

    class Session:
        """As much of a session as a page needs to dispatch an event."""

        index: dict[int, Any] = {}
        connection = SimpleNamespace(page_url="", page_name="")

        async def after_event(self, _: Any) -> None: ...

    session = Session()
    page, client = page_module.Page(session), Noted()

    async def with_event(event: Any) -> None:
        own.append(event.state.value)

    page.on_app_lifecycle_state_change = (lambda: own.append("bare")) if bare else with_event
    assert attach_flet(page, client)
    for state in ("show", "inactive", "hide", "pause"):
        await page._trigger_event("app_lifecycle_state_change", {"state": state})
    assert client.told == ["front", "back"]
    assert own == (["bare"] * 4 if bare else ["show", "inactive", "hide", "pause"])
    await page._trigger_event("connect", None)
    await page._trigger_event("disconnect", None)
    assert client.told == ["front", "back", "front", "back"]

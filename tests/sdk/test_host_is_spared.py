"""The app is spared: its hooks, its threads, its mistakes and its network hang nothing and break nothing."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from headcount_sdk import Headcount, Status, Surprise
from headcount_sdk.testing import ManualClock, MemoryTransport
from headcount_sdk.transport import HttpTransport, NoAnswer, Request
from headcount_wire.facts import Fact

from tests.sdk.conftest import CATALOG_TEXT, DAY, FULL, MakeClient, sums

D = 20_000


def test_the_journal_has_its_room_before_anything_is_recorded(make: MakeClient, tmp_path: Path) -> None:
    """The mapped file has no hole: a disk that fills up later cannot end the process through it."""
    make().consent.grant("usage")
    stat = (tmp_path / "state/journal").stat()
    assert stat.st_blocks * 512 >= stat.st_size


def test_a_dripping_answer_is_ended_as_a_whole() -> None:
    """An edge that sends a byte now and then holds an upload no longer than its time."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            connection.settimeout(10)
            ended = threading.Event()
            try:
                while not ended.wait(0.05):
                    connection.sendall(b"H")
            except OSError:
                connection.close()

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        began = time.monotonic()
        with pytest.raises(NoAnswer):
            HttpTransport().send(Request("GET", f"http://127.0.0.1:{server.getsockname()[1]}/", {}), 0.5)
        assert time.monotonic() - began < 8
        thread.join(10)


def test_a_label_may_be_called_name_or_value(make: MakeClient, network: MemoryTransport) -> None:
    """Whatever a catalog calls its label, it can be passed."""
    for key in ("name", "value", "self"):
        client = make(catalog=CATALOG_TEXT.replace('key = "entry"', f'key = "{key}"'))
        client.consent.grant("usage")
        client.track("meeting.joined", **{key: "link"})
        client.flush()
        client.shutdown()
    assert sums(network)[D, 2, 2, Fact.COUNT, 0] == 3


def test_a_client_can_be_started_again(make: MakeClient, network: MemoryTransport) -> None:
    """After shutdown nothing is done, and said; start begins again, uploads and all."""
    client = make()
    client.consent.grant("usage")
    client.shutdown()
    assert not client.consent.grant("context")
    assert client.flush() == []
    client.track("share.used")
    assert client.health.counts[Surprise.SHUT_DOWN] >= 1
    other = make()
    assert other.consent.status()["usage"] is Status.GRANTED
    other.shutdown()
    client.start(thread=True)
    client.track("share.used")
    client.flush()
    assert sums(network)[D, 3, 0, Fact.DEVICES, 0] == 1
    assert client._background._thread is not None
    assert client._background._thread.is_alive()


def test_shutdown_from_a_listener_on_the_clients_own_thread(make: MakeClient) -> None:
    """An app may stop the client from a callback."""
    client = make()
    stopped = threading.Event()

    def stop() -> None:
        client.shutdown()
        stopped.set()

    client._background._pump = stop
    client._background.start()
    client._background.wake()
    assert stopped.wait(10)
    assert not client._guard.usable


def test_hooks_that_call_back_hang_nothing(make: MakeClient, network: MemoryTransport) -> None:
    """A hook that flushes, records or waits for another thread that records: the client and the app go on."""
    client: Headcount = make(may_upload=lambda: client.flush() == [])
    client.consent.grant("usage")
    client.track("share.used")

    @client.before_send
    def hook(_: object) -> bool:
        client.flush()
        client.track("meeting.joined", entry="link")
        other = threading.Thread(target=client.track, args=("meeting.joined",), kwargs={"entry": "room"})
        other.start()
        other.join(10)
        return not other.is_alive()

    done = threading.Thread(target=client.flush, daemon=True)
    done.start()
    done.join(20)
    assert not done.is_alive()
    assert client.consent.withdraw("usage")
    assert client.health.counts[Surprise.CALLBACK] >= 1


def test_contexts_that_change_and_change_stay_bounded(make: MakeClient, tmp_path: Path) -> None:
    """One part for each context, none for what the cap keeps out, and a file of bounded size."""
    client = make()
    client.consent.grant("usage", "context")
    for n in range(400):
        client.set_context(app_version=f"{n % 3}.0" if n % 3 else "9.0")
        client.track("meeting.joined", entry="link")
    (held,) = client._device.state.days.values()
    assert len(held.parts) <= 3
    for n in range(100):
        client.set_context(app_version=f"{n}.1")
        client.track("share.used")
    assert len(client._device.state.contexts) <= 16
    assert (tmp_path / "state/state").stat().st_size < 20_000


def test_days_are_bounded_also_while_nothing_may_be_sent(make: MakeClient, clock: ManualClock) -> None:
    """An app that holds uploads back for a hundred days holds no more days than would be sent."""
    client = make(may_upload=lambda: False)
    client.consent.grant("usage")
    for _ in range(100):
        client.track("share.used")
        clock.advance(DAY)
        client.pump()
    assert len(client.export()["waiting"]) <= 35


def test_an_object_that_cannot_be_shown_harms_nothing(make: MakeClient) -> None:
    """What an app passes by mistake is named by its type: nothing of it is called, and nothing of it is logged."""

    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError("of the app")

        __str__ = __repr__

    client = make(catalog=FULL)
    hostile: Any = Hostile()
    client.track(hostile)
    client.screen(hostile)
    client.set_context(os=hostile)
    client.consent.grant(hostile)
    client.report_problem(hostile, hostile, hostile).send()
    assert client.health.counts[Surprise.UNKNOWN_MEASURE] == 1

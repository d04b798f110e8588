"""The client against a real server on a real socket: every number, typed, and a word for whatever goes wrong."""

from __future__ import annotations

import ast
import asyncio
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import headcount.client
import headcount.client.shapes
import pytest
from aiohttp import web
from headcount.client import AnswerError, Headcount, ProblemError, UnreachableError
from headcount.stack import free_port
from headcount.typed_client import FILE, module
from headcount_aggregator.web.api.openapi import document
from headcount_aggregator.web.app import create_app
from headcount_aggregator.web.rates import Rates

from tests.aggregator.made_up_releases import TOKENS, MadeUpReleases, write_organisation


class Served:
    """An application on a loopback port, in a thread of its own; counts the requests by their answer's status."""

    def __init__(self, app: web.Application) -> None:
        self.statuses: list[int] = []
        self.url = f"http://127.0.0.1:{free_port()}"
        app.on_response_prepare.append(self._note)
        self._app, self._ready = app, threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)

    async def _note(self, _: web.Request, response: web.StreamResponse) -> None:
        self.statuses.append(response.status)

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self._app, access_log=None)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", int(self.url.rpartition(":")[2]))
        self._loop.run_until_complete(site.start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()


@pytest.fixture(scope="module")
def released() -> MadeUpReleases:
    return MadeUpReleases(count=400, length=70)


@pytest.fixture
def served(tmp_path: Path, released: MadeUpReleases) -> Iterator[Served]:
    with Served(create_app(write_organisation(tmp_path), released)) as found:
        yield found


def test_it_needs_only_the_standard_library() -> None:
    """The client's files import the standard library and each other, so that they can be copied or vendored."""
    folder = Path(headcount.client.__file__).parent
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                for name in names:
                    assert name.split(".")[0] in sys.stdlib_module_names or name.startswith("headcount.client"), file


def test_its_types_are_those_of_the_document() -> None:
    """client/shapes.py is made by ``python -m headcount.typed_client``, and is not stale."""
    assert FILE.read_text("utf-8") == module(document())


def test_every_question_is_answered_with_its_shape(served: Served) -> None:
    """Each method gives what the API says, with all fields of its type; pages are one stream."""
    api = Headcount(served.url, TOKENS["own"], customer="acme", app="meet")
    assert [customer["name"] for customer in api.customers()["customers"]] == ["acme"]
    assert {measure["name"] for measure in api.catalog()["measures"]} >= {"active", "meeting.joined"}
    assert api.freshness()["sealed_through"] == "2026-11-16"
    assert all(number["provisional"] for number in api.provisional()["numbers"])
    whole = list(api.numbers(statistic=["people", "count"], period="day", breakdown="os"))
    assert len(whole) > 50
    served.statuses.clear()
    parts = list(api.numbers(statistic=["people", "count"], period="day", breakdown="os", limit=20))
    assert parts == whole
    assert len(served.statuses) == -(-len(whole) // 20)
    first = next(iter(api.numbers(statistic="people", measure="active", first="2026-11-01", last="2026-11-01")))
    assert first.keys() == headcount.client.shapes.NumberAnswer.__annotations__.keys()
    summed = api.sums("meeting.joined", first="2026-11-02", last="2026-11-11", compare="weekdays")
    assert summed.keys() == headcount.client.shapes.SumsAnswer.__annotations__.keys()
    assert [part["value"] is None for part in summed["parts"]] == [False]
    hashes = [release["hash"] for release in api.releases(limit=9)]
    assert hashes == [release["hash"] for release in api.releases()]
    assert [release["previous"] for release in api.releases()][1:] == hashes[:-1]


def test_an_answer_that_did_not_change_is_not_sent_again(served: Served) -> None:
    """The same question again is a 304 on the line and the same answer in the hand."""
    api = Headcount(served.url, TOKENS["own"])
    assert api.freshness() == api.freshness()
    assert served.statuses == [200, 304]


def test_a_refusal_says_what_to_do(served: Served) -> None:
    """A wrong token, a Customer that is not this reader's, a wrong measure: each is the API's own problem."""
    for token, customer, status, word in (
        ("hc_read_wrong", "", 401, "token-unknown"),
        (TOKENS["own"], "rival", 404, "not-visible"),
        (TOKENS["product"], "", 403, "withheld"),
    ):
        with pytest.raises(ProblemError) as caught:
            Headcount(served.url, token, customer=customer).freshness()
        assert (caught.value.status, caught.value.type.rpartition(":")[2].rpartition("/")[2]) == (status, word)
        assert caught.value.detail
    with pytest.raises(ProblemError, match="catalog"):
        next(Headcount(served.url, TOKENS["own"]).numbers(measure="no"))


def test_it_asks_as_slowly_as_it_is_told(tmp_path: Path, released: MadeUpReleases) -> None:
    """Told to wait, it waits as long as it was told and asks again; beyond its patience it gives the problem."""
    moment, waited = [0.0], list[float]()

    def wait(seconds: float) -> None:
        waited.append(seconds)
        moment[0] += seconds

    rates = Rates(6, lambda: moment[0])
    with Served(create_app(write_organisation(tmp_path), released, rates=rates)) as served:
        api = Headcount(served.url, TOKENS["own"], wait=wait)
        for _ in range(8):
            api.freshness()
        assert waited == [10.0, 10.0]
        with pytest.raises(ProblemError) as caught:
            Headcount(served.url, TOKENS["own"], patience=5, wait=wait).freshness()
        assert caught.value.status == 429
        assert len(waited) == 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: web.Response(text="<html>captive portal</html>", content_type="text/html"),
        lambda _: web.Response(text="{", content_type="application/json"),
        lambda _: web.Response(status=502, text="bad gateway"),
        lambda _: web.Response(status=302, headers={"Location": "/elsewhere"}),
    ],
)
def test_only_the_api_s_own_answers_count(answer: Callable[[web.Request], web.Response]) -> None:
    """A portal's page, half a JSON, a gateway's error, a redirect: no answer, and the token goes nowhere else."""

    async def handle(request: web.Request) -> web.Response:
        return answer(request)

    app = web.Application()
    app.router.add_get("/{rest:.*}", handle)
    with Served(app) as served:
        with pytest.raises(AnswerError):
            Headcount(served.url, TOKENS["own"]).freshness()
        assert len(served.statuses) == 1


def test_nobody_there_is_said_so() -> None:
    """A port that nothing listens on: a word for it, and no traceback of sockets."""
    with pytest.raises(UnreachableError, match="does not answer"):
        Headcount(f"http://127.0.0.1:{free_port()}", TOKENS["own"]).freshness()
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(UnreachableError):
        Headcount(f"http://127.0.0.1:{silent.getsockname()[1]}", TOKENS["own"], timeout=0.2).freshness()


@pytest.mark.parametrize(
    "url", ["http://numbers.example", "ftp://127.0.0.1", "numbers.example", "http://10.0.0.7:8701"]
)
def test_a_token_does_not_go_where_it_can_be_read(url: str) -> None:
    """Plain http is for this machine only."""
    with pytest.raises(ValueError, match="https"):
        Headcount(url, TOKENS["own"])

"""Whole loads over real sockets: every profile balances, a loss is seen, a stall is not hidden."""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from headcount.command import app
from headcount.loadgen.account import HOPELESS_AFTER
from headcount.loadgen.house import House
from headcount.loadgen.profiles import Profile
from headcount.loadgen.run import Options, run_load
from headcount.loadgen.server_side import Centre
from headcount_ingest.compiled import COMPILED
from headcount_wire.clock import SystemClock
from headcount_wire.version import VERSION
from rich.console import Console
from typer.testing import CliRunner

from tests.headcount.loadgen.conftest import ANSWER, CATALOG_FILE, answering, beside, loaded, thief

BUSY = b"HTTP/1.1 503 Busy\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\nContent-Length: %d\r\n\r\n%b"
OVERLOADED = b'{"type":"urn:headcount:problem:overloaded","title":"t","status":503}'
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"


def against(own: House, folder: Path, **more: Any) -> tuple[int, dict[str, Any], str]:
    """One load of a house; the exit code, the result, and what was printed."""
    options: dict[str, Any] = {
        "target": own.edge,
        "keys": own.keys,
        "admins": own.admins,
        "data": own.data,
        "catalog": CATALOG_FILE,
        "devices": 300,
        "rate": 120.0,
        "seconds": 4.0,
        "lines": 32,
        "json_file": folder / "result.json",
        "html_file": folder / "result.html",
    }
    code, printed = loaded(Options(**{**options, **more}))
    return code, json.loads((folder / "result.json").read_text()), printed


@pytest.mark.parametrize("profile", Profile)
def test_every_profile_balances(own_house: House, tmp_path: Path, profile: Profile) -> None:
    """In every profile sent = accepted + refused + failed, and what was accepted was loaded and counted once."""
    code, found, printed = against(own_house, tmp_path, profile=profile)
    assert code == 0, printed
    assert found["balances"]
    claims = [check["claim"] for check in found["checks"]]
    assert any("loader + repeats" in claim for claim in claims)
    account = found["account"]
    assert account["counted"] > 0
    assert account["dropped"] == 0, "every tally is one that the catalog and the policy allow"
    assert set(account["refused"]) <= {"too-late", "overloaded"}
    assert ("no network" in account["failed"]) == (profile is Profile.OUTAGE)
    if profile is Profile.HOSTILE:
        assert sum(account["as_meant"].values()) == sum(account["hostile"].values()) > 12
        assert not account["otherwise"]
    assert found["settings"]["headcount"] == VERSION
    assert found["edge"]["builds"] == [f"{VERSION}, compiled" if COMPILED else VERSION]
    assert found["latency_ms"]["intended"]["p50"] >= 0.9 * found["latency_ms"]["served"]["p50"] > 0
    assert not any(key in (tmp_path / "result.json").read_text() for key in own_house.keys), "no key stands in it"


def test_a_connection_each_and_msgpack_from_many_addresses(own_house: House, tmp_path: Path) -> None:
    """The other ways to send balance too."""
    code, found, printed = against(own_house, tmp_path, each=True, msgpack=True, addresses=True)
    assert code == 0, printed
    assert found["account"]["dropped"] == 0


def test_the_page_needs_nothing_else(own_house: House, tmp_path: Path) -> None:
    """The page shows the account and five plots, holds no key and names no other host."""
    code, _, printed = against(own_house, tmp_path, seconds=2.0)
    assert code == 0, printed
    page = (tmp_path / "result.html").read_text("utf-8")
    assert page.count("<svg") == 5
    assert "accepted at the edge = counted by the loader" in page
    assert not re.search(r"(src|href)=", page)
    assert not any(key in page for key in own_house.keys)


def test_a_planted_loss_is_caught(own_house: House, tmp_path: Path) -> None:
    """Who answers 202 and loses one report of 300 is found out, by the edge's count and by the loader's."""
    port = int(own_house.edge.rpartition(":")[2])
    with beside(lambda: thief(port, lambda number: number == 100)) as stolen:
        code, found, printed = against(own_house, tmp_path, target=f"http://127.0.0.1:{stolen}", seconds=3.0)
    assert code == 1
    broken = [check["claim"] for check in found["checks"] if not check["holds"]]
    assert any("the edge accepted" in claim for claim in broken), printed
    assert any("counted, and once" in claim for claim in broken), printed
    assert found["account"]["sent"] > 200


def test_a_stall_is_not_hidden(tmp_path: Path) -> None:
    """An edge that stops for a second is seen to: latency counts from when reports should have left."""
    with beside(lambda: answering(lambda _: ANSWER, stalls=(1.0, 2.0))) as port:
        code, found, printed = against(
            House(f"http://127.0.0.1:{port}", (), Path(), ("hc_live_" + "a" * 43,)),
            tmp_path,
            admins=(),
            data=None,
            rate=200.0,
            seconds=3.0,
            lines=4,
        )
    assert code == 0, printed
    latency = found["latency_ms"]
    # A third of the reports came due in that second: half a second each, on average.
    assert latency["intended"]["p90"] > 500
    # Asked by what left meanwhile, four connections with one report each, it would have looked well.
    assert latency["served"]["p90"] < 100


def test_what_is_refused_for_now_comes_again_and_what_is_no_answer_is_none(tmp_path: Path) -> None:
    """Refusals and a proxy's page are tried again until each report is accepted; each attempt is in the account."""
    busy = BUSY % (len(OVERLOADED), OVERLOADED)

    def reply(number: int) -> bytes | None:
        return busy if number % 5 == 1 else PAGE if number % 5 == 2 else None if number % 50 == 3 else ANSWER

    with beside(lambda: answering(reply)) as port:
        own = House(f"http://127.0.0.1:{port}", (), Path(), ("hc_live_" + "a" * 43,))
        code, found, printed = against(own, tmp_path, admins=(), data=None, seconds=3.0, rate=60.0)
    assert code == 0, printed
    account = found["account"]
    assert account["made"] == account["counted"] > 100
    assert account["refused"].keys() == {"overloaded"}
    assert "no answer of an edge (200)" in account["failed"]
    assert "connection lost" in account["failed"]
    assert account["silent"] == 0


def test_nobody_there_is_no_success(tmp_path: Path) -> None:
    """With nobody listening every attempt fails, the account adds up, and the exit code is 1 all the same."""
    own = House("http://127.0.0.1:9", (), Path(), ("hc_live_" + "a" * 43,))
    code, found, printed = against(own, tmp_path, admins=(), data=None, seconds=1.0, rate=20.0, patience=1.0)
    assert code == 1
    assert found["balances"]
    assert found["account"]["waiting"] == found["account"]["made"] > 0
    assert "Nothing was accepted" in printed


def test_an_end_among_lost_connections_gives_every_report_its_fate(tmp_path: Path) -> None:
    """An edge that hangs up on everybody, and no patience: the account adds up each time."""
    key = ("hc_live_" + "a" * 43,)
    with beside(lambda: answering(lambda _: None)) as port:
        own = House(f"http://127.0.0.1:{port}", (), Path(), key)
        for _ in range(4):
            options = {"seconds": 0.4, "rate": 2_500.0, "lines": 6, "patience": 0.0, "devices": 50}
            _, found, printed = against(own, tmp_path, admins=(), data=None, **options)
            assert found["balances"], printed


class Closed(io.StringIO):
    """What nobody reads any more."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


def test_where_nobody_reads_on_the_result_is_written_all_the_same(tmp_path: Path) -> None:
    """A pipe that was closed or a disk that is full takes no result with it."""
    result = tmp_path / "result.json"
    with beside(lambda: answering(lambda _: ANSWER)) as port:
        key = ("hc_live_" + "a" * 43,)
        options = Options(target=f"http://127.0.0.1:{port}", keys=key, devices=20, rate=20, seconds=1, json_file=result)
        assert run_load(options, SystemClock(), Console(file=Closed()), Console(file=io.StringIO())) == 0
    assert json.loads(result.read_text())["balances"]


def test_one_file_is_not_asked_for_two_results(tmp_path: Path) -> None:
    """The page would replace the numbers."""
    file = tmp_path / "x"
    options = Options(target="http://127.0.0.1:9", keys=("hc_live_" + "a" * 43,), json_file=file, html_file=file)
    code, printed = loaded(options)
    assert (code, "the same file" in printed) == (2, True)


def test_where_nobody_listens_a_load_ends_by_itself(tmp_path: Path) -> None:
    """A hundred attempts that found nobody are enough: it is not gone on for as long as was asked for."""
    own = House("http://127.0.0.1:9", (), Path(), ("hc_live_" + "a" * 43,))
    code, found, printed = against(own, tmp_path, admins=(), data=None, seconds=60.0, rate=200.0)
    assert code == 1
    assert found["balances"]
    assert found["took_seconds"] < 30
    assert HOPELESS_AFTER <= found["account"]["sent"] < 10 * HOPELESS_AFTER
    assert "nobody listens at the target" in " ".join(printed.split())


def test_a_key_that_nobody_knows_ends_the_load(own_house: House, tmp_path: Path) -> None:
    """Where each report is refused for its key no more are sent; the account adds up, and says what to do."""
    strange = ("hc_live_" + "a" * 43,)
    code, found, printed = against(own_house, tmp_path, keys=strange, seconds=60.0)
    assert code == 1
    assert found["balances"]
    assert found["took_seconds"] < 30
    assert found["settings"]["ended_early"]
    assert found["account"]["refused"]["key-unknown"] >= HOPELESS_AFTER
    assert "does not know this key" in printed


def test_an_edge_that_is_gone_in_the_end_does_not_take_the_account_with_it(tmp_path: Path) -> None:
    """Whose operator port answers at the start and not at the end leaves a line that does not hold, and all files."""
    metrics = b"headcount_edge_up 1\n"
    told = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(metrics), metrics)
    with beside(lambda: answering(lambda _: ANSWER)) as port, once(told) as admin:
        own = House(f"http://127.0.0.1:{port}", (f"http://127.0.0.1:{admin}",), Path(), ("hc_live_" + "a" * 43,))
        code, found, printed = against(own, tmp_path, data=None, seconds=1.0, rate=40.0)
    assert code == 1
    assert [check["claim"] for check in found["checks"] if not check["holds"]] == ["the edge's own count is known"]
    assert "does not answer" in printed
    assert found["account"]["counted"] == found["account"]["made"] > 0
    assert (tmp_path / "result.html").exists()


def test_a_pause_before_another_try_is_in_the_time_until_it_was_accepted(tmp_path: Path) -> None:
    """Refused at first and accepted a second later, a report took a second, however quick each answer was."""
    busy = BUSY % (len(OVERLOADED), OVERLOADED)
    with beside(lambda: answering(lambda number: busy if number < 20 else ANSWER)) as port:
        own = House(f"http://127.0.0.1:{port}", (), Path(), ("hc_live_" + "a" * 43,))
        code, found, printed = against(own, tmp_path, admins=(), data=None, seconds=2.0, rate=10.0, lines=4)
    assert code == 0, printed
    latency = found["latency_ms"]
    assert latency["taken"]["p50"] > 1_000 > latency["intended"]["p99"]


def test_who_asks_a_second_time_waits_no_longer_for_the_loader(tmp_path: Path) -> None:
    """What waits for the loader is told at once, as waiting, when somebody wants the end."""
    (tmp_path / "units").mkdir()
    (tmp_path / "spool/w0").mkdir(parents=True)
    centre = Centre(tmp_path, SystemClock())
    (tmp_path / "spool/w0" / f"{1:020d}-{'0' * 16}-000001.seg").write_bytes(b"HCSEG")
    began = time.monotonic()
    assert centre.since(600.0, lambda: True).segments == 1
    assert time.monotonic() - began < 60


@contextlib.contextmanager
def once(answer: bytes) -> Iterator[int]:
    """A server that answers one request, and is gone; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            asker, _ = listener.accept()
            with asker:
                asker.recv(65_536)
                asker.sendall(answer)
            listener.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize("option", ["json_file", "html_file"])
@pytest.mark.parametrize("place", ["none/result", "."])
def test_where_nothing_can_be_written_no_load_is_begun(tmp_path: Path, option: str, place: str) -> None:
    """A result that could not be kept is refused before the load, by the name of its option."""
    one_of_two: dict[str, Any] = {option: tmp_path / place}
    code, printed = loaded(Options(**one_of_two))
    assert code == 2
    assert f"--{option.partition('_')[0]} {tmp_path / place}" in printed
    assert "cannot be written" in printed


def test_what_speaks_for_no_certificate_and_what_is_no_key_is_refused(tmp_path: Path) -> None:
    """A file that is no PEM, or is not there, and a text that is no app key end with 2 and a sentence."""
    (tmp_path / "no.pem").write_text("no")
    key = ("hc_live_" + "a" * 43,)
    for name in ("no.pem", "none.pem"):
        options = Options(target="https://127.0.0.1:9", keys=key, catalog=CATALOG_FILE, authority=tmp_path / name)
        code, printed = loaded(options)
        assert code == 2
        assert f"--authority {tmp_path / name}: no PEM file" in printed
    code, printed = loaded(Options(target="http://127.0.0.1:9", keys=(*key, "hc_live_\r\nX: y"), catalog=CATALOG_FILE))
    assert (code, "Key 2 is no app key" in printed) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--data", "x"], "--data is for a deployment"),
        (["--i-own", "x", "--admin", "y"], "--admin and --i-own"),
        (["--target", ""], "--target is empty"),
    ],
)
def test_what_is_for_a_deployment_needs_its_name(arguments: list[str], sentence: str) -> None:
    """An option about a target without one loads no house instead, in silence."""
    found = CliRunner().invoke(app, ["load", *arguments], env={"COLUMNS": "200"})
    assert found.exit_code == 2
    assert sentence in found.output

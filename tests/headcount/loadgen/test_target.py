"""Targets: this machine, or one that the user says is theirs."""

from __future__ import annotations

import socket

import pytest
from headcount.command import app
from headcount.loadgen.target import NotOurs, Target, parse_target
from typer.testing import CliRunner

AT_HOME = ("http://127.0.0.1:8700", "http://127.8.9.1:8700/", "http://localhost:8700", "http://[::1]:8700")


@pytest.mark.parametrize("url", AT_HOME)
def test_this_machine_is_loaded(url: str) -> None:
    """A loopback address needs no word more."""
    target = parse_target(url, "")
    assert isinstance(target, Target)
    assert target.port == 8700


@pytest.mark.parametrize("url", ["http://192.0.2.7:8700", "https://192.0.2.7", "http://0.0.0.0:1"])
def test_another_machine_is_not_unless_it_is_named_as_one_s_own(url: str) -> None:
    """What is not loopback is refused, with the words that would allow it; another host's name does not allow it."""
    refused = parse_target(url, "")
    assert isinstance(refused, NotOurs)
    assert "--i-own" in refused.sentence
    assert isinstance(parse_target(url, "192.0.2.8"), NotOurs)
    host = url.split("/")[2].split(":")[0]
    owned = parse_target(url, host)
    assert isinstance(owned, Target)
    assert owned.address == host, "it is connected to what was looked at"


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8700",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:8700/v1",
        "http://a@127.0.0.1",
        "http://127.0.0.1:x",
        "http://127.0.0.1:0",
        "http://[::1",
        "http://.x",
        "http://" + "a" * 70,
    ],
)
def test_what_is_no_address_of_an_edge_is_refused(url: str) -> None:
    """A scheme, a host, a port and nothing else."""
    assert isinstance(parse_target(url, ""), NotOurs)


def test_nothing_is_sent_to_a_machine_that_is_not_one_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command ends with 2 before any connection is made."""
    made: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda *given: made.append(given))
    options = ["load", "--target", "http://192.0.2.7:8700", "--key", "hc_live_" + "a" * 43]
    found = CliRunner().invoke(app, options)
    assert found.exit_code == 2
    assert "--i-own 192.0.2.7" in found.output
    assert made == []
    admin = CliRunner().invoke(app, [*options[:2], "http://127.0.0.1:1", *options[3:], "--admin", "http://192.0.2.7:1"])
    assert admin.exit_code == 2
    assert made == []


OUT_OF_BOUNDS = (
    ["--devices", "100001"],
    ["--rate", "100001"],
    ["--duration", "86401"],
    ["--rate", "9000", "--duration", "86000"],
)


@pytest.mark.parametrize("options", OUT_OF_BOUNDS, ids=" ".join)
def test_a_load_is_bounded(options: list[str]) -> None:
    """No more devices, reports a second, seconds or reports in all than a load may have."""
    assert CliRunner().invoke(app, ["load", *options]).exit_code == 2


def test_a_key_is_needed_for_somebody_s_deployment() -> None:
    """Without an app key nothing could be accepted, so nothing is sent."""
    found = CliRunner().invoke(app, ["load", "--target", "http://127.0.0.1:1"])
    assert found.exit_code == 2
    assert "--key" in found.output

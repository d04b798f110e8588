"""The command: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import io
import json
import random
import signal
from pathlib import Path

import pytest
from headcount.command import app
from headcount.logtap.combined import Combined
from headcount.logtap.command import app as logtap_app
from headcount.logtap.follow import Followed
from headcount.logtap.outcomes import LineOutcome, Trouble
from headcount.logtap.run import KEY_VARIABLE, Exit, look, run, tell, write_catalog
from headcount_sdk.testing import ManualClock
from headcount_wire import days
from headcount_wire.clock import SystemClock
from rich.console import Console
from typer.testing import CliRunner

from tests.headcount.logtap.processes import PROGRAM, lives_on, prepared, tap
from tests.headcount.logtap.test_ledger import Reached
from tests.headcount.logtap.world import DECLARED, KEY, NOON, Log, never
from tests.sdk.conftest import policy


class Terminal:
    """What a command said, and where it was run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said = folder, list[str]()
        self.out = Console(file=io.StringIO(), width=120)
        self.network = Reached()

    @property
    def printed(self) -> str:
        found = self.out.file
        assert isinstance(found, io.StringIO)
        return found.getvalue()

    def run(self, *, once: bool = True, as_json: bool = False) -> Exit:
        return run(
            self.folder / "logtap.toml",
            self.out,
            self.said.append,
            never(),
            once=once,
            from_start=False,
            as_json=as_json,
            clock=ManualClock(NOON),
            transport=self.network,
        )

    def look(self) -> Exit:
        return look(self.folder / "logtap.toml", self.out, self.said.append, as_json=False, clock=ManualClock(NOON))

    def catalog(self, *, check: bool = False) -> Exit:
        return write_catalog(self.folder / "logtap.toml", self.out, self.said.append, check=check)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A folder with all that is needed, and a log of 50 lines and one that is none."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    prepared(tmp_path, "https://edge.example")
    log = Log(random.Random(1))
    (tmp_path / "access.log").write_bytes(b"".join(log.line() for _ in range(50)) + b"junk\n")
    return Terminal(tmp_path)


def test_once_counts_all_and_says_what_became_of_it(terminal: Terminal) -> None:
    """Each outcome stands with its number and its sentence; what is handed over is said; a second run finds nothing."""
    assert terminal.run() == Exit.DONE
    assert not terminal.said
    assert "51 lines" in " ".join(terminal.printed.split())
    assert LineOutcome.UNREADABLE.sentence in terminal.printed
    assert "50 accepted" in " ".join(terminal.printed.split())
    assert len(terminal.network.spooled) == 1
    assert terminal.run() == Exit.DONE
    assert len(terminal.network.spooled) == 1


def test_the_account_is_data_too(terminal: Terminal) -> None:
    """``--json`` prints every outcome, 0 or not."""
    assert terminal.run(as_json=True) == Exit.DONE
    found = json.loads(terminal.printed)
    assert found["lines"] == {outcome.value: 0 for outcome in LineOutcome} | {"counted": 50, "unreadable": 1}
    assert found["requests"]["accepted"] == 50
    assert found["troubles"] == {}


def test_the_account_can_be_asked_for(terminal: Terminal) -> None:
    """``account`` prints the same from the state alone; without a state, or with a damaged one, it says so."""
    config, said = terminal.folder / "logtap.toml", terminal.said.append
    assert tell(config, terminal.out, said, as_json=True) == Exit.MISDECLARED
    assert terminal.run(as_json=True) == Exit.DONE
    before = terminal.printed
    assert tell(config, terminal.out, said, as_json=True) == Exit.DONE
    assert terminal.printed == before * 2
    (terminal.folder / "state/state").write_bytes(b"x")
    assert tell(config, terminal.out, said, as_json=False) == Exit.MISDECLARED
    assert "No such file" in terminal.said[0]
    assert terminal.said[1] == "The state is damaged; a start sets it aside."


def test_what_could_not_be_handed_over_is_an_exit_code(terminal: Terminal) -> None:
    """When the lines ended and the edge did not answer, the command says so and ends with 1; a second run goes on."""
    terminal.network.draw = random.Random()
    terminal.network.draw.random = lambda: 0.0  # type: ignore[method-assign]  # every answer gets lost
    assert terminal.run() == Exit.WAITS
    assert terminal.said == ["The edge did not answer; it is tried again."]
    terminal.network.draw = None
    assert terminal.run() == Exit.DONE
    assert len(terminal.network.spooled) == 1


def test_a_first_try_under_a_policy_without_the_purpose_reads_nothing(terminal: Terminal) -> None:
    """A first run whose purpose the policy does not allow ends with 5 and leaves every line to the run after."""
    terminal.network.policy = policy(consent_since={"usage": 1})
    assert terminal.run() == Exit.DENIED
    assert Trouble.NOT_ALLOWED.sentence in terminal.said
    assert not terminal.network.spooled
    terminal.network.policy = policy(consent_since={"service": 1}, version=2)
    assert terminal.run() == Exit.DONE
    assert "50 accepted" in " ".join(terminal.printed.split())


@pytest.mark.parametrize(
    "changes", [{"consent_since": {"usage": 1}}, {"consent_since": {"service": 1}, "paused": True}]
)
def test_a_customer_s_no_is_an_exit_code(terminal: Terminal, changes: dict[str, object]) -> None:
    """Once lines were counted, those of a time in which the policy says no never are, and the command ends with 5."""
    terminal.network.policy = policy(consent_since={"service": 1})
    assert terminal.run() == Exit.DONE
    log = terminal.folder / "access.log"
    log.write_bytes(log.read_bytes() + Log(random.Random(2)).line())
    terminal.network.policy = policy(version=2, **changes)
    assert terminal.run() == Exit.DENIED
    terminal.network.policy = policy(consent_since={"service": 1}, version=3)
    assert terminal.run() == Exit.DONE
    assert len(terminal.network.spooled) == 1


def test_a_log_of_another_format_is_an_exit_code(terminal: Terminal) -> None:
    """Not one readable line means a wrong declaration: 3."""
    (terminal.folder / "access.log").write_bytes(b"junk\n" * 9)
    assert terminal.run() == terminal.look() == Exit.UNREADABLE


def test_a_look_keeps_and_sends_nothing(terminal: Terminal) -> None:
    """``--dry-run`` shows classes, statuses and times without key, catalog, state or edge."""
    (terminal.folder / "meet-logs.toml").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(KEY_VARIABLE)
        before = sorted(terminal.folder.iterdir())
        assert terminal.look() == Exit.DONE
    assert sorted(terminal.folder.iterdir()) == before
    rows = {line.split()[0]: line.split() for line in terminal.printed.splitlines() if line.strip()}
    assert sum(int(n) for name in ("other", "avatar", "api", "home") for n in rows[name][1:7]) == 50
    assert rows["avatar"][-1] == "ms"
    assert not terminal.network.requests


def test_the_catalog_command_keeps_the_catalog_in_step(terminal: Terminal) -> None:
    """It writes, says when nothing changed, refuses another's file, and ``--check`` tells a stale one."""
    assert terminal.catalog() == terminal.catalog(check=True) == Exit.DONE
    config, catalog = terminal.folder / "logtap.toml", terminal.folder / "meet-logs.toml"
    config.write_text(config.read_text() + '[[routes]]\nclass = "more"\npatterns = ["/more"]\n')
    before = catalog.read_text()
    assert terminal.catalog(check=True) == Exit.WAITS
    assert terminal.run() == Exit.MISDECLARED
    assert catalog.read_text() == before
    assert terminal.catalog() == Exit.DONE
    assert "version 2. Give it to the edge first" in terminal.printed
    assert terminal.run() == Exit.DONE
    catalog.write_bytes(CliRunner().invoke(app, ["catalog", "example"]).stdout_bytes)
    assert terminal.catalog() == Exit.MISDECLARED
    assert terminal.said[-1].endswith("is the catalog of something else; name a file of its own.")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "logtap.toml").unlink(), "logtap.toml: cannot be used (No such file"),
        (lambda folder: (folder / "logtap.toml").write_text("x"), "is not valid TOML"),
        (lambda folder: (folder / "logtap.toml").write_text(DECLARED), "must be an https:// address"),
        (lambda folder: (folder / "meet-logs.toml").unlink(), "is not there. Run: headcount logtap catalog"),
        (lambda folder: (folder / "meet-logs.toml").write_text("x"), "is not valid TOML"),
        (lambda folder: (folder / "access.log").unlink(), "access.log: cannot be used (No such file"),
        (lambda folder: ((folder / "access.log").unlink(), (folder / "access.log").mkdir()), "Is a directory"),
        (lambda folder: (folder / "state").write_text("x"), "state: cannot be used (File exists)"),
    ],
)
def test_what_is_in_the_way_is_said(terminal: Terminal, spoil: object, said: str) -> None:
    """Whatever is missing or wrong is said in a sentence that names it; the exit code is 2."""
    assert callable(spoil)
    spoil(terminal.folder)
    assert terminal.run() == Exit.MISDECLARED
    assert len(terminal.said) == 1
    assert said in terminal.said[0]


def test_a_key_is_needed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key, or with something else in its place, the tap does not start; the text in its place is not said."""
    monkeypatch.delenv(KEY_VARIABLE)
    assert terminal.run() == Exit.MISDECLARED
    config, key = terminal.folder / "logtap.toml", terminal.folder / "key"
    config.write_text(config.read_text().replace("[log]", 'key_file = "key"\n[log]', 1))
    key.write_text("hc_read_something")
    assert terminal.run() == Exit.MISDECLARED
    key.write_text(f"{KEY}\n")
    assert terminal.run() == Exit.DONE
    assert [said.partition(":")[0] for said in terminal.said] == [KEY_VARIABLE, str(key)]
    assert "something" not in "".join(terminal.said)


def test_what_fails_inside_is_said_by_its_kind(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the program ends it with 4, and its text, which can hold a line, is not said."""

    def failing(self: Combined, lines: bytes) -> None:
        raise ValueError(lines)

    monkeypatch.setattr(Combined, "count", failing)
    assert terminal.run() == Exit.FAILED
    assert terminal.said == ["Something inside failed; the counts are kept. (ValueError)"]


def test_the_last_line_may_wait(terminal: Terminal) -> None:
    """A line without its end is not counted yet, and that is said."""
    with (terminal.folder / "access.log").open("ab") as out:
        out.write(b"half a line")
    assert terminal.run() == Exit.DONE
    assert terminal.said == ["The last line has no end yet, and waits for it."]


def test_a_second_tap_in_one_folder_is_refused_and_sigterm_ends_the_first(tmp_path: Path) -> None:
    """A state folder is one tap's; told to stop, it keeps what it counted, prints the account and ends with 0."""
    prepared(tmp_path)
    log = Log(random.Random(1), day=days.utc_day(SystemClock().now()))
    (tmp_path / "access.log").write_bytes(log.lines(50))
    with tap(tmp_path, "--from-start", "--json") as first:
        state = tmp_path / "state/state"
        while not state.exists() or b'"counted"' not in state.read_bytes():
            lives_on(first, 0.02)
        with tap(tmp_path) as second:
            _, err = second.communicate(timeout=60)
            assert second.returncode == Exit.MISDECLARED
            assert err.decode().strip() == "Another tap has this state folder; give each its own."
        first.send_signal(signal.SIGTERM)
        out, _ = first.communicate(timeout=60)
        assert first.returncode == Exit.DONE
        assert json.loads(out)["lines"]["counted"] == log.requests


def test_the_real_program_has_no_shorter_breath() -> None:
    """What processes of tests change for speed is there in the command: the names have not moved."""
    import headcount.logtap.follow as follow
    import headcount.logtap.tap as taps

    assert taps.CHECKPOINT_SECONDS == 2.0
    assert taps.WAKE_SECONDS == 5.0
    assert follow.QUIET_SECONDS == 5.0
    assert all(name in PROGRAM for name in ("CHECKPOINT_SECONDS", "WAKE_SECONDS", "QUIET_SECONDS"))
    assert Followed.__module__ == follow.__name__


def test_the_example_is_printed(tmp_path: Path) -> None:
    """``headcount logtap example`` prints the file that the documents show, byte for byte."""
    from importlib.resources import files

    found = CliRunner().invoke(logtap_app, ["example"])
    assert found.exit_code == 0
    assert found.stdout_bytes == files("headcount.logtap").joinpath("example.toml").read_bytes()

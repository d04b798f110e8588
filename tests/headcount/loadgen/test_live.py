"""What a load shows while it runs and when it is over, in wide terminals and narrow ones."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from headcount.loadgen.account import Check
from headcount.loadgen.live import BARS, View, spark, told, warnings
from headcount.loadgen.measured import Measured, Second
from headcount.loadgen.profiles import Plan, Profile
from headcount.loadgen.result import Result
from rich.console import Console

from tests.headcount.loadgen.conftest import sound

WIDTHS = (40, 60, 80, 200)
PLAN = Plan(Profile.SOAK, 1_000.0, 600.0)
CHECKS = (
    Check("reports = accepted + refused for good + still waiting", "1,300,000 = 1,290,000 + 9,000 + 1,000", holds=True),
    Check("sent = accepted + refused + failed", "1,400,000 = 1,290,000 + 9,000 + 1,000", holds=False),
)


def second(at: int, accepted: int) -> Second:
    return Second(at, 1_000, 1_001, accepted, 3, 0, 12, 256, 1.5, 22.4, 100.0)


def terminal(width: int, *, live: bool) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=live, color_system=None, legacy_windows=False)


def lines_of(out: Console) -> list[str]:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue().splitlines()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_terminal_shows_the_last_seconds_whatever_its_width(width: int) -> None:
    """Headings stand over their numbers, nothing is cut, and the newest second is the last bar."""
    view = View(PLAN, sound(), terminal(width, live=True))
    shown = view._out
    for at in range(70):
        view._recent.append(second(at, 1_000 if at < 69 else 500))
    shown.print(view._whole(view._recent[-1]))
    title, bar, heading, *rows = lines_of(shown)
    assert title.startswith("soak, 69 of 600 s, 256 connections")
    assert not set(bar.strip()) & set("abcdefghijklmnopqrstuvwxyz"), "the headings have a line of their own"
    accepted = next(row for row in rows if "accepted" in row)
    assert heading.index("in all") + len("in all") == accepted.index(" 98 ") + 3
    assert accepted.rstrip()[-1] == BARS[4], "half of the highest, which is the newest"
    assert not any("\N{HORIZONTAL ELLIPSIS}" in line for line in (title, heading, *rows))
    assert len(rows) == 6


@pytest.mark.parametrize("width", WIDTHS)
def test_the_account_is_told_whole_in_every_width(width: int) -> None:
    """Each claim, its numbers, whether it holds, and each percentile stand there; no number is cut."""
    measured = Measured(took=60.0, accepted_in_time=60_000)
    for latency in (measured.intended, measured.served, measured.taken):
        latency.record(0.0123)
    out = terminal(width, live=False)
    for part in told(Result({"seconds": 60.0}, sound(), None, None, CHECKS, measured), width):
        out.print(part)
    said = lines_of(out)
    plain = " ".join(" ".join(said).split())
    assert max(map(len, said)) <= width
    assert "\N{HORIZONTAL ELLIPSIS}" not in plain
    assert plain.count("does not hold") == 1
    for text in ("1,300,000 = 1,290,000 + 9,000 + 1,000", "1,000 accepted a second", "p99.9", "p100"):
        assert text in plain, said
    assert plain.count("12.3") == 15


def test_with_no_terminal_a_line_each_ten_seconds() -> None:
    """A log has a line each ten seconds, and nothing that draws."""
    out = terminal(200, live=False)
    with View(PLAN, sound(), out) as view:
        for at in range(25):
            view.show(second(at, 900))
    assert [line.split(" s ")[0].strip() for line in lines_of(out)] == ["0", "10", "20"]
    assert "900 accepted, 3 refused" in lines_of(out)[0]


def test_what_nobody_waits_for_is_not_shown_as_waiting() -> None:
    """Of 100 reports one waits: three were refused for good. Where nothing was accepted there is no latency."""
    out = terminal(80, live=True)
    out.print(View(PLAN, sound(), out)._whole(replace(second(700, 0), p50=0.0, p99=0.0)))
    said = "\n".join(lines_of(out))
    assert re.search(r"waiting +12 +1\b", said), said
    assert re.search(r"p50, p99 ms +- +-", said), said
    assert "600 of 600 s, 256 connections: waiting for what is under way" in said


def test_a_load_that_was_not_taken_says_so() -> None:
    """A tenth of the attempts that a device would have got through were not taken: a sentence says what that means."""
    account = sound()
    account.failed["connection lost"] += 10
    result = Result({"seconds": 60.0}, account, None, None, CHECKS, Measured(took=60.0))
    assert any(sentence.startswith("17% of the attempts") for sentence in warnings(result))
    account.failed["connection lost"] = 0
    account.refused["overloaded"] = 2
    account.failed["no network"] = 50
    assert not any("of the attempts" in sentence for sentence in warnings(result))


def test_a_terminal_of_few_signs_shows_other_bars() -> None:
    """Where there is only ASCII the bars are of it, and nothing fails."""
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    out = Console(file=file, width=80, force_terminal=True, color_system=None)
    with View(PLAN, sound(), out) as view:
        view.show(second(1, 900))
        out.print(view._whole(second(2, 450)))
    file.flush()
    assert file.buffer.getvalue().decode("ascii").count("@") >= 5


def test_bars_are_of_what_is_shown() -> None:
    """The highest that is shown is as high as it gets; of no room there is nothing."""
    assert spark([100.0, 4.0, 8.0], room=2) == BARS[4] + BARS[8]
    assert spark([1.0], room=0) == ""
    assert spark([0.0, 0.0]) == "  "

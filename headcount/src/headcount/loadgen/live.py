"""The load while it runs, and the account when it is over, in a terminal."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from headcount.loadgen.account import NOBODY, Account, Check
from headcount.loadgen.measured import PERCENTILES, Measured, Second
from headcount.loadgen.profiles import Plan
from headcount.loadgen.result import Result

BARS = " ▁▂▃▄▅▆▇█"
PLAIN_BARS = " .:-=+*#@"
"""Where a terminal has no other signs."""
WIDTH = 60
BESIDE_BARS = 37
"""Columns of a terminal that numbers and their names take; the bars get the rest."""
NARROW = 76
"""Below so many columns the latencies are told one after the other, not as a table."""
NOTABLE = 0.05
"""Of the attempts, refused or failed: more is said to be so."""
CORE_MOST = 0.9
"""Beyond this share of a core the load generator may be what is measured."""


class View:
    """What is shown while it runs; with no terminal a line each ten seconds."""

    def __init__(self, plan: Plan, account: Account, out: Console) -> None:
        self._plan, self._account, self._out = plan, account, out
        self._recent: deque[Second] = deque(maxlen=WIDTH)
        self._live = Live(console=out, auto_refresh=False, transient=True) if out.is_terminal else None

    def __enter__(self) -> View:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, second: Second) -> None:
        """A second is over."""
        self._recent.append(second)
        if self._live:
            self._live.update(self._whole(second), refresh=True)
        elif int(second.at) % 10 == 0:
            self._out.print(
                f"{second.at:5.0f} s  {second.sent:,} sent, {second.accepted:,} accepted, {second.refused:,} refused, "
                f"{second.failed:,} failed in this second; p99 {_ms(second.p99)} ms",
                highlight=False,
            )

    def _whole(self, second: Second) -> RenderableType:
        shown = Table.grid(padding=(0, 2))
        for _ in range(3):
            shown.add_column(justify="right", no_wrap=True)
        shown.add_column(no_wrap=True)
        room = max(0, self._out.width - BESIDE_BARS)
        bars = BARS if self._out.encoding.startswith("utf") else PLAIN_BARS
        account = self._account
        shown.add_row("", "a second", "in all", "")
        rows: tuple[tuple[str, int, int, list[float]], ...] = (
            ("sent", second.sent, account.sent, [one.sent for one in self._recent]),
            ("accepted", second.accepted, account.accepted, [one.accepted for one in self._recent]),
            ("refused", second.refused, account.refused.total(), [one.refused for one in self._recent]),
            ("failed", second.failed, account.failed.total(), [one.failed for one in self._recent]),
            (
                "waiting",
                second.waiting,
                account.made - account.counted - account.refused_for_good,
                [one.waiting for one in self._recent],
            ),
        )
        for name, now, total, line in rows:
            shown.add_row(name, f"{now:,}", f"{total:,}", Text(spark(line, room, bars)))
        p99s = [one.p99 for one in self._recent]
        shown.add_row("p50, p99 ms", _ms(second.p50), _ms(second.p99), Text(spark(p99s, room, bars)))
        bar = ProgressBar(
            total=self._plan.seconds, completed=min(second.at, self._plan.seconds), width=min(WIDTH, self._out.width)
        )
        plan = self._plan
        over = "" if second.at < plan.seconds + 1 else ": waiting for what is under way"
        at = f"{min(second.at, plan.seconds):,.0f} of {plan.seconds:,.0f} s"
        title = f"{plan.profile.value}, {at}, {second.lines:,} connections{over}"
        # Padding ends the bar's line, which the bar by itself does not.
        return Group(Text(title, style="bold"), Padding(bar), shown)


def _ms(latency: float) -> str:
    """Of a second in which nothing was accepted there is none."""
    return f"{latency:,.1f}" if latency else "-"


def spark(values: Sequence[float], room: int = WIDTH, bars: str = BARS) -> str:
    """A row of small bars, the highest as high as it gets: the last ``room`` of them."""
    shown = values[-room:] if room else ()
    most = max(shown, default=0) or 1
    return "".join(bars[round(value / most * (len(bars) - 1))] for value in shown)


def told(result: Result, width: int) -> Iterator[RenderableType]:
    """The account and the figures, as people read them in so many columns."""
    account, measured = result.account, result.measured
    yield from _account(result.checks)
    if not result.edge and not result.settings.get("admins"):
        yield Text("Of the edge's own count nothing is known: name its operator ports with --admin.", style="dim")
    if not result.centre and not result.settings.get("data"):
        yield Text("What became of it behind the edge is not known: name the house's folder with --data.", style="dim")
    yield from (_figures(measured) if width >= NARROW else _figures_narrow(measured))
    for name, counts in (
        ("refused", account.refused),
        ("failed", account.failed),
        ("hostile, otherwise", account.otherwise),
    ):
        if counts:
            yield Text(f"{name}: {_listed(counts)}")
    if account.refused["too-late"]:
        yield Text("too-late: clocks of a few devices are wrong; these reports are meant to be refused.", style="dim")
    yield from (Text(warning, style="yellow") for warning in warnings(result))


def _account(checks: Sequence[Check]) -> Iterator[RenderableType]:
    yield Text("the account", style="bold")
    for check in checks:
        yield Text(check.claim)
        verdict = ("holds", "green") if check.holds else ("does not hold", "red")
        yield Padding(Text.assemble(verdict, f": {check.numbers}"), (0, 0, 0, 2))


def _figures(measured: Measured) -> Iterator[RenderableType]:
    shown = Table(f"{measured.rate:,.0f} accepted a second", *(f"p{share:g}" for share in PERCENTILES))
    for name, numbers in _latencies(measured):
        shown.add_row(name, *numbers)
    yield shown


def _figures_narrow(measured: Measured) -> Iterator[RenderableType]:
    yield Text(f"{measured.rate:,.0f} accepted a second", style="bold")
    for name, numbers in _latencies(measured):
        yield Text(name)
        said = [f"p{share:g} {number}" for share, number in zip(PERCENTILES, numbers, strict=True)]
        yield Padding(Columns(map(Text, said), padding=(0, 2)), (0, 0, 0, 2))


def _latencies(measured: Measured) -> Iterator[tuple[str, list[str]]]:
    """Each latency by its name, and its percentiles as they are shown."""
    rows = {
        "from when it should have left, ms": measured.intended,
        "from when it left, ms": measured.served,
        "until it was accepted, with all pauses, ms": measured.taken,
        "the load generator's own delay, ms": measured.lag,
    }
    for name, latency in rows.items():
        yield name, [f"{latency.at(share):,.1f}" if latency.count else "-" for share in PERCENTILES]


def warnings(result: Result) -> Iterator[str]:
    """What makes the figures hard to believe, or shows that the load was not taken."""
    account, measured, asked = result.account, result.measured, result.settings
    if asked.get("ended_early"):
        why = ", since no report can be accepted" if account.hopeless else ""
        yield f"It was ended early{why}: {measured.took:,.0f} of {asked['seconds']:,.0f} seconds."
    if account.made and not account.counted:
        yield f"Nothing was accepted: {_advice(account)}"
    yield from _behind(result)
    yield from _not_taken(account)
    if account.dropped:
        yield f"{account.dropped:,} tallies were not counted: the catalog or the policy is another one over there."
    if account.silent:
        yield f"{account.silent:,} refusals did not say when to come back."
    if measured.core_share > CORE_MOST:
        yield f"The load generator used {measured.core_share:.0%} of a core: it may be what was measured."
    if measured.lag.at(99) > 50:
        yield f"The load generator itself was {measured.lag.at(99):,.0f} ms late (p99): its machine is too busy."


ADVICE = {
    "key-unknown": "the target does not know this key; is it one of its own organisation's?",
    "key-revoked": "the key is revoked; take another.",
    "region": "the key's Customer is at home in another region; load its edge.",
    "policy-old": "the Customer's policy is of another version; say which with --policy.",
    "nothing-admissible": "the target's catalog or policy is another one; name them with --catalog and --policy.",
    "paused": "the Customer's policy has paused counting.",
    "rate": "the edge takes no more of one address or key; see --addresses, and the bounds in docs/load.md.",
    NOBODY: "nobody listens at the target; is the edge running, and is it this port?",
    "no connection (SSLCertVerificationError)": "nobody vouches for its certificate; name who does with --authority.",
    "no connection (SSLError)": "it speaks no TLS; is it http://?",
    "connection lost": "it ends connections; does it speak TLS (https://)?",
}
"""What to do when nothing was accepted, by what most attempts came to."""


def _advice(account: Account) -> str:
    ((most, _),) = (account.refused + account.failed).most_common(1) or (("", 0),)
    return ADVICE.get(most, "is it the right target, key and catalog?")


def _behind(result: Result) -> Iterator[str]:
    """What a line that does not hold may mean, where it need not be a loss."""
    centre, edge = result.centre, result.edge
    if edge and edge.restarted:
        yield "A worker of the edge was started anew meanwhile: what it counted before cannot be compared."
    if centre and (centre.segments or centre.units):
        yield "What waits for the loader is not lost: give it longer with --patience, and see whether the store runs."
    if not result.settings.get("others") and any(check.surplus and not check.holds for check in result.checks):
        yield "More arrived than was sent: if others send to it too, say so with --others."


def _not_taken(account: Account) -> Iterator[str]:
    """What was refused or failed though a device would have got it through: neither too late nor without a network."""
    lost = account.refused.total() - account.refused["too-late"] + account.failed.total() - account.failed["no network"]
    if account.accepted and lost > NOTABLE * account.sent:
        yield (
            f"{lost / account.sent:.0%} of the attempts were refused or failed: more was asked than the target takes, "
            "or it was disturbed. An edge that cannot even refuse shuts its port for moments (docs/operate.md)."
        )


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in counts.most_common())

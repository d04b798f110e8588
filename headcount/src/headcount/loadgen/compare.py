"""Two results side by side: what changed, by how much, and whether that is more than their own unrest."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headcount.loadgen.measured import PERCENTILES, WHOLE_SECOND
from headcount.loadgen.result import Earlier, read

DRAWS = 2_000
BLOCK_SECONDS = 5
"""Seconds hang together: they are drawn anew in blocks of so many."""
SECONDS_LEAST = 3 * BLOCK_SECONDS
"""Of fewer seconds nothing is said but the ratio: their own unrest cannot be known."""
NOTABLE = 0.5
"""Of 100 sent: so many more refused or failed are worse, if they are more by more than the tolerance as well."""
SURE = 0.95
LIKE = ("profile", "rate", "seconds", "devices", "lines", "each")
"""Settings that have to be the same for two loads to be compared."""


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of both. ``ratio`` of the second to the first; ``least`` and ``most`` hold it in 95 of 100 draws.

    ``worse``: whether the second is worse by more than what is let pass, even at the better end.
    """

    what: str
    first: float
    second: float
    ratio: float
    least: float | None = None
    most: float | None = None
    worse: bool = False


def compare(first: Earlier, second: Earlier, tolerance: float) -> list[Change]:
    """Every figure of two results; ``tolerance`` is how much worse the second may be, 0.1 for a tenth."""
    found = [_by_seconds("accepted a second", "accepted", first, second, tolerance, better_high=True)]
    for_a_second = (("p50 of a second, mean, ms", "p50"), ("p99 of a second, mean, ms", "p99"))
    found += [_by_seconds(what, key, first, second, tolerance) for what, key in for_a_second]
    for share in PERCENTILES[:4]:
        a, b = first.intended.at(share), second.intended.at(share)
        found.append(Change(f"p{share:g} of all, ms", a, b, b / a if a else 0.0))
    for what, key in (("refused", "refused"), ("failed", "failed")):
        a, b = (
            sum(one.plain["account"][key].values()) / max(1, one.plain["account"]["sent"]) for one in (first, second)
        )
        worse = 100 * (b - a) > NOTABLE and b > a * (1 + tolerance)
        found.append(Change(f"{what}, of 100 sent", 100 * a, 100 * b, b / a if a else 0.0, worse=worse))
    return found


def _by_seconds(
    what: str, key: str, first: Earlier, second: Earlier, tolerance: float, *, better_high: bool = False
) -> Change:
    a, b = _steady(first, key), _steady(second, key)
    if not a or not b:
        return Change(what, 0.0, 0.0, 0.0)
    if min(len(a), len(b)) < SECONDS_LEAST:
        return Change(what, _mean(a), _mean(b), _mean(b) / max(1e-9, _mean(a)))
    draw = random.Random(1)
    ratios = sorted(_mean(_redrawn(b, draw)) / max(1e-9, _mean(_redrawn(a, draw))) for _ in range(DRAWS))
    least, most = ratios[int((1 - SURE) / 2 * DRAWS)], ratios[int((1 + SURE) / 2 * DRAWS) - 1]
    worse = most < 1 - tolerance if better_high else least > 1 + tolerance
    return Change(what, _mean(a), _mean(b), _mean(b) / max(1e-9, _mean(a)), least, most, worse)


def _steady(one: Earlier, key: str) -> list[float]:
    """The seconds of the load itself, without the first, in which connections are made, and those after the end.

    Of a second in which nothing was accepted there is no latency.
    """
    seconds = [
        second
        for before, second in pairwise(one.plain["seconds"])
        if second["at"] <= one.plain["took_seconds"] + 0.5 and second["at"] - before["at"] >= WHOLE_SECOND
    ]
    return [float(second[key]) for second in seconds if key == "accepted" or second["accepted"]]


def _redrawn(values: Sequence[float], draw: random.Random) -> list[float]:
    found: list[float] = []
    around = [*values, *values[:BLOCK_SECONDS]]  # so that each second is drawn as often as any other
    while len(found) < len(values):
        at = draw.randrange(len(values))
        found += around[at : at + BLOCK_SECONDS]
    return found[: len(values)]


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values)


def unlike(first: Earlier, second: Earlier) -> Iterator[str]:
    """What makes two results hard to compare."""
    for name in LIKE:
        a, b = (one.plain["settings"].get(name) for one in (first, second))
        if a != b:
            yield f"{name} differs: {a} and {b}"
    for one in (first, second):
        if not one.plain["balances"]:
            yield f"the account of {one.name} does not add up"
        if one.plain["settings"].get("ended_early"):
            yield f"{one.name} was ended early"
        if len(_steady(one, "accepted")) < SECONDS_LEAST:
            least = SECONDS_LEAST + 2
            yield f"{one.name} is too short to tell a change from its unrest: load for {least} seconds at least"


def run_compare(first: Path, second: Path, tolerance: float, out: Console, fail: Console) -> int:
    """Print the comparison; 1 when the second is worse, or its account does not add up.

    2 when nothing can be said: a file is no result, or the two are not of the same load, whole and long enough.
    """
    try:
        a, b = read(first), read(second)
    except OSError as error:
        fail.print(f"{error.filename}: cannot be read ({error.strerror})", style="red", markup=False, soft_wrap=True)
        return 2
    except ValueError as error:
        fail.print(str(error), style="red", markup=False, soft_wrap=True)
        return 2
    reasons = list(unlike(a, b))
    for sentence in reasons:
        out.print(sentence, style="yellow", markup=False)
    changes = compare(a, b, tolerance)
    shown = Table("", escape(a.name), escape(b.name), "ratio", "95 of 100", "")
    for change in changes:
        span = f"{change.least:.2f} to {change.most:.2f}" if change.least is not None else ""
        ratio = f"{change.ratio:.2f}" if change.ratio else ""
        mark = "[red]worse[/]" if change.worse else ""
        shown.add_row(change.what, f"{change.first:,.2f}", f"{change.second:,.2f}", ratio, span, mark)
    out.print(shown)
    for one in (a, b):
        builds = (one.plain.get("edge") or {}).get("builds")
        if builds:
            out.print(f"{one.name}: edge {' and '.join(builds)}", style="dim", markup=False, highlight=False)
    if not b.plain["balances"]:
        return 1
    if reasons:
        out.print("So nothing is said of which is worse.", style="yellow")
        return 2
    return int(any(change.worse for change in changes))

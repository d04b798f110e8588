"""How far the demo has come: a bar on a terminal, plain lines in a pipe or a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINES = 10
"""About how many lines a whole run prints where there is no terminal."""

Step = Callable[[int], None]
"""Called once a simulated day is over, with the reports that are on disk by then."""


@contextmanager
def progress_of(out: Console, days: int) -> Iterator[Step]:
    """What to call after each day."""
    if not out.is_terminal:
        yield _lines(out, days)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out) as progress:
        task = progress.add_task("simulated days", total=days)
        yield lambda reports: progress.update(
            task, advance=1, description=f"simulated days, {reports:,} reports on disk"
        )


def _lines(out: Console, days: int) -> Step:
    done = 0
    every = max(1, days // LINES)

    def step(reports: int) -> None:
        nonlocal done
        done += 1
        if done % every == 0 or done == days:
            out.print(f"day {done} of {days}: {reports:,} reports on disk", highlight=False)

    return step

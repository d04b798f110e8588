"""Why a target is missed: where a process spends its time, by py-spy, as a table of modules and a flame graph."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench.chapter import Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAMPLES_A_SECOND = 250
IDLE = "concurrent/futures/thread.py:81)"
LEAST_SHARE, ROWS = 0.004, 14
_PLACE = re.compile(r"\(headcount_\w+/([\w/]+)\.py:\d+\)$")
_COLOURS = ("#e4a05c", "#d98048", "#e8b974", "#cf6a3c", "#e2956b")

Stacks = Counter[tuple[str, ...]]
"""Samples by stack, outermost frame first."""


@dataclass(frozen=True)
class Recording:
    """A profile that is being taken beside a load."""

    process: subprocess.Popen[bytes]
    file: Path

    def stacks(self) -> Stacks:
        """The samples, once it is over; none where nothing could be recorded."""
        self.process.wait(120)
        found = Stacks()
        for line in self.file.read_text("utf-8").splitlines() if self.file.exists() else ():
            stack, _, count = line.rpartition(" ")
            frames = tuple(stack.split(";"))
            if not frames[-1].endswith(IDLE):  # a thread that waits for work
                found[frames] += int(count)
        return found


def recording(pid: int, seconds: float, folder: Path) -> Recording | None:
    """Begin to record a process; ``None`` without py-spy."""
    program = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if program is None:
        return None
    file = folder / f"{pid}.raw"
    command = [program, "record", "--pid", str(pid), "--duration", str(max(1, int(seconds)))]
    command += ["--rate", str(SAMPLES_A_SECOND), "--format", "raw", "--output", str(file)]
    return Recording(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), file)


def by_module(stacks: Stacks, title: str = "Where a worker's time goes", outside: str = "event loop, sockets") -> Sheet:
    """Shares by the innermost module of ours that was at work; ``outside``: what the rest is."""
    found = Counter[str]()
    for frames, count in stacks.items():
        mine = (match.group(1) for frame in reversed(frames) if (match := _PLACE.search(frame)))
        found[next(mine, outside)] += count
    total = max(1, found.total())
    rows = [(name, f"{count / total:.1%}") for name, count in found.most_common(ROWS)]
    return Sheet(f"{title} ({total:,} samples)", ("module", "share"), rows)


def within(stacks: Stacks, function: str) -> Stacks:
    """What a function and all that it calls took, from it on."""
    found = Stacks()
    for frames, count in stacks.items():
        at = next((number for number, frame in enumerate(frames) if _function(frame) == function), None)
        if at is not None:
            found[frames[at:]] += count
    return found


def draw(axes: Axes, stacks: Stacks, title: str = "A worker under load: where its time goes") -> None:
    """A flame graph: width is time, what lies above was called by what lies below."""
    total = max(1, stacks.total())
    deepest = 0
    for number, (name, depth, left, width) in enumerate(boxes(stacks)):
        share = width / total
        if share < LEAST_SHARE:
            continue
        deepest = max(deepest, depth)
        colour = _COLOURS[number % len(_COLOURS)]
        axes.barh(depth, share, left=left / total, height=1.0, color=colour, edgecolor="white", linewidth=0.3)
        if share > 0.05:
            short = _function(name)[: int(share * 120)]
            axes.text((left + 0.003 * total) / total, depth, short, fontsize=5, va="center", clip_on=True)
    axes.set(title=title, xlim=(0, 1), ylim=(-0.6, deepest + 0.6))
    axes.set(yticks=[], xticks=[])


def _function(frame: str) -> str:
    return frame.partition(" (")[0].rpartition(".")[2]


def boxes(stacks: Stacks) -> Iterator[tuple[str, int, int, int]]:
    """``(frame, depth, left, width)`` in samples: of the stacks in order, frames that are shared side by side."""
    yield from _boxes(sorted(stacks.items()), 0, 0)


def _boxes(stacks: Sequence[tuple[tuple[str, ...], int]], depth: int, left: int) -> Iterator[tuple[str, int, int, int]]:
    at = 0
    while at < len(stacks):
        frames, _ = stacks[at]
        if len(frames) <= depth:
            left += stacks[at][1]
            at += 1
            continue
        end = at
        while end < len(stacks) and len(stacks[end][0]) > depth and stacks[end][0][depth] == frames[depth]:
            end += 1
        width = sum(count for _, count in stacks[at:end])
        yield frames[depth], depth, left, width
        yield from _boxes(stacks[at:end], depth + 1, left)
        left += width
        at = end

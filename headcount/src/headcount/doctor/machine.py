"""Checks of the machine: processors, limits, clock, parser."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from aiohttp import http_parser
from headcount_ingest.machine_clock import synchronised

from headcount.doctor.checks import Check, Result, Verdict
from headcount.process_limits import DESCRIPTORS
from headcount.settings import Settings

DESCRIPTORS_LEAST, DESCRIPTORS_GOOD = 1_024, 8_192
HEEDING = ("systemd-coredump", "apport")
"""Programs that take core dumps, and none where the limit is 0."""


def workers(settings: Settings) -> Result:
    """Whether each worker has a processor."""
    processors = available(Path("/sys/fs/cgroup/cpu.max"))
    text = f"{settings.workers} workers, {processors:g} processors"
    return Result(Check.WORKERS, Verdict.WARN if settings.workers > processors else Verdict.OK, text)


def available(quota: Path) -> float:
    """Processors that this process may use: those it may run on, and its container's share of time."""
    processors = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    try:
        most, period = quota.read_text("utf-8").split()
        return min(processors, int(most) / int(period))
    except (OSError, ValueError):  # no control group, or "max"
        return processors


def descriptors() -> Result:
    """How many files the processes of the house may open: they raise their own limit as far as they may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    have = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    verdict = Verdict.FAIL if have < DESCRIPTORS_LEAST else Verdict.WARN if have < DESCRIPTORS_GOOD else Verdict.OK
    return Result(Check.DESCRIPTORS, verdict, f"{have:,} a process")


def core_dumps(pattern: Path = Path("/proc/sys/kernel/core_pattern")) -> Result:
    """Whether something takes core dumps although the limit is 0: a program in a pipe may."""
    try:
        taker = pattern.read_text("utf-8").strip()
    except OSError:
        taker = ""
    if taker.startswith("|") and not any(name in taker for name in HEEDING):
        return Result(Check.CORE_DUMPS, Verdict.WARN, f"the kernel hands them to {taker[1:].split()[0]}")
    return Result(Check.CORE_DUMPS, Verdict.OK, "off")


def clock() -> Result:
    """Whether a time service keeps the clock."""
    kept = synchronised()
    if kept:
        return Result(Check.CLOCK, Verdict.OK, "synchronised")
    return Result(Check.CLOCK, Verdict.WARN, "the kernel does not tell" if kept is None else "not synchronised")


def parser() -> Result:
    """Whether aiohttp has its compiled parser, which is strict and quick; the edge's own is always one."""
    compiled = http_parser.HttpRequestParser.__module__ != http_parser.__name__
    return Result(Check.PARSER, Verdict.OK if compiled else Verdict.FAIL, "compiled" if compiled else "pure Python")

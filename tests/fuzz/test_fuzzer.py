"""The fuzzer itself: it runs, it finds nothing, and it would find what is wrong."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from headcount_ingest.decode import Malformed, Plain, decode_body
from headcount_ingest.decompress import Undecodable, decompress
from headcount_ingest.said import Said

from tests.fuzz import promises
from tests.fuzz.mutations import mutated

ROOT = Path(__file__).parents[2]
SECONDS = 12
MOST_TRIES = 20_000


@pytest.mark.parametrize("more", [[], ["--by-chance"]], ids=["by_coverage", "by_chance"])
def test_the_fuzzer_finds_nothing(more: list[str]) -> None:
    """Seconds of fuzzing from the vectors break no promise, and take thousands of bodies."""
    seconds = SECONDS if not more else SECONDS // 4
    command = [sys.executable, "-m", "tests.fuzz", "--seconds", str(seconds), *more]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 120, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    (done,) = re.findall(r"stat::number_of_executed_units: (\d+)", ended.stderr)
    assert int(done) > 1000


def search() -> None:
    """Look at mutated bodies until a promise is broken, or there were enough of them."""
    draw = random.Random(1)
    for _ in range(MOST_TRIES):
        promises.keep(mutated(draw))


def _crashes(plain: bytes, media: str) -> Plain:
    found = decode_body(plain, media)
    return _saying(found, policy=found.said.policy // len(found.said.purposes))


def _talks(plain: bytes, media: str) -> Plain:
    try:
        return decode_body(plain, media)
    except Malformed:
        raise Malformed(plain[:20]) from None


def _is_lenient(plain: bytes, media: str) -> Plain:
    return decode_body(plain.rstrip(b"\0 "), media)


def _misreads(plain: bytes, media: str) -> Plain:
    found = decode_body(plain, media)
    return _saying(found, catalog=min(found.said.catalog, 65_535))


def _saying(found: Plain, **otherwise: int) -> Plain:
    """The same report, but for what it says otherwise."""
    names = ("catalog", "policy", "purposes", "created", "context", "origin", "sdk")
    said = {name: getattr(found.said, name) for name in names} | otherwise
    return Plain(Said(**said), found.days, found.tallies)


@pytest.mark.parametrize("planted", [_crashes, _talks, _is_lenient, _misreads])
def test_a_planted_fault_of_a_decoder_is_found(
    planted: Callable[[bytes, str], Plain], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoder that fails at what is rare, repeats what was sent, takes too much or misreads is found out."""
    monkeypatch.setattr(promises, "decode_body", planted)
    with pytest.raises((promises.Broken, ZeroDivisionError)):
        search()


def _partial(body: bytes, coding: str) -> bytes:
    return decompress(body, coding)[:-1]


def _unbounded(body: bytes, coding: str) -> bytes:
    try:
        return promises.WHOLE[coding](body)
    except (zlib.error, zstandard.ZstdError, OSError, EOFError):
        raise Undecodable from None


@pytest.mark.parametrize("planted", [_partial, _unbounded])
def test_a_planted_fault_of_decompression_is_found(
    planted: Callable[[bytes, str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decompression that gives less than there is, or more than may be, is found out."""
    monkeypatch.setattr(promises, "decompress", planted)
    with pytest.raises(promises.Broken):
        search()

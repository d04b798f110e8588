"""Whatever arrives, the decoders answer with a report or a refusal, agree with each other, and cost little."""

from __future__ import annotations

import random

import pytest
from headcount_ingest.decompress import TooLarge, Undecodable, decompress
from headcount_wire import codec, limits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import costly
from tests.fuzz.mutations import AROUND_IT, IN_THE_BODY, SOUND, Body, mutated
from tests.fuzz.promises import MOST_BYTES, by_edge, cpu_of, keep, keep_decoded, keep_unpacked, peak_of

CHANCE = st.randoms(use_true_random=False)
COSTLY = {**costly.BODIES, **costly.PACKED}
MOST_TIMES_THE_CONTROL = 30
fuzzed = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much])


@pytest.mark.parametrize("kind", [*IN_THE_BODY, *AROUND_IT])
@settings(fuzzed, max_examples=50)
@given(draw=CHANCE)
def test_each_kind_of_damage_is_read_or_refused_alike(kind: str, draw: random.Random) -> None:
    """After one kind of damage both decoders read the same report or both refuse, and neither says what was there."""
    damage = {**IN_THE_BODY, **AROUND_IT}[kind]
    keep(damage(draw, draw.choice(SOUND)))


@settings(fuzzed, max_examples=400)
@given(draw=CHANCE)
def test_damage_upon_damage_keeps_every_promise(draw: random.Random) -> None:
    """Several kinds of damage on any vector, packed or not, break no promise and hold less than 5 MB."""
    body = mutated(draw)
    keep(body)
    assert peak_of(body) < MOST_BYTES


@settings(fuzzed, max_examples=100)
@given(data=st.binary(max_size=400), media=st.sampled_from([codec.JSON, codec.MSGPACK]))
def test_noise_keeps_every_promise(data: bytes, media: str) -> None:
    """Bytes that never were a report are refused alike, in every coding."""
    keep_decoded(Body(media, data))
    for coding in ("gzip", "deflate", "zstd"):
        keep_unpacked(Body(media, data, coding))


def test_sound_reports_are_among_the_damaged() -> None:
    """Enough of what the mutations make is still a report: the decoders agree on more than refusals."""
    draw = random.Random(1)
    read = sum(keep(mutated(draw)) is not None for _ in range(1000))
    assert read > 30


@pytest.mark.parametrize("media", [codec.JSON, codec.MSGPACK])
def test_the_control_is_the_largest_report(media: str) -> None:
    """What costs are compared with is a report, as large as one can be."""
    found = by_edge(costly.control(media))
    assert found.tallies == limits.TALLIES_PER_REPORT
    assert len(found.days) == limits.DAYS_PER_REPORT


@pytest.mark.parametrize("name", COSTLY)
def test_nothing_costs_more_than_a_few_reports(name: str) -> None:
    """A body made to cost is refused for less than 5 MB and a bounded number of times what the largest report costs."""
    body = COSTLY[name]
    assert keep(body) is None
    assert peak_of(body) < MOST_BYTES
    most = MOST_TIMES_THE_CONTROL * cpu_of(costly.control(body.media))
    assert cpu_of(body) < most


@pytest.mark.parametrize("name", costly.PACKED)
def test_what_lies_about_its_size_is_refused(name: str) -> None:
    """A bomb fits into a body, and is told by what comes out of it, whatever its header says."""
    body = costly.PACKED[name]
    assert len(body.data) <= limits.BODY_BYTES
    with pytest.raises((TooLarge, Undecodable)):
        decompress(body.data, body.coding)

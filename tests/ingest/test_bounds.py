"""Every bound of the closed list of limits, on both of its sides and on a socket; a limit without a test fails here."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass
from pathlib import Path

import pytest
from headcount_ingest.answers import AcceptedAnswer
from headcount_wire import codec, limits
from headcount_wire.facts import Fact
from headcount_wire.problems import Dropped, Problem
from headcount_wire.report import ReportDay, Tally
from headcount_wire.segment import encode_record

from tests.ingest import world
from tests.ingest.conftest import TODAY, Worker
from tests.ingest.exchange import PATIENCE_SECONDS, ask, chunked, request
from tests.ingest.world import sound

ROOT = Path(__file__).parents[2]
SHARED = Tally(world.SHARED, 0, Fact.DEVICES, 0, 1)
Outcome = Problem | Dropped | None
"""What becomes of a report: a problem, one tally dropped, or ``None``: admitted whole."""


@dataclass(frozen=True)
class Bound:
    """What stands at a bound and what goes beyond it, and what becomes of each."""

    within: bytes
    beyond: bytes
    refusal: Outcome
    otherwise: Outcome = None


def padded(size: int) -> bytes:
    """A report of exactly so many bytes: white space around it is allowed, and counts."""
    return codec.encode_json(sound()).ljust(size)


def packed(size: int) -> bytes:
    return request(gzip.compress(padded(size), mtime=0), b"Content-Encoding: gzip")


def said(*tallies: Tally, **changes: object) -> bytes:
    return request(sound(*tallies, **changes))


def beside(tally: Tally) -> bytes:
    """A tally beside one that is admitted."""
    return said(SHARED, tally)


def of_days(number: int) -> bytes:
    """A report of so many days, the last of them tomorrow."""
    first = TODAY + 2 - number
    return request(sound(days=tuple(ReportDay(day, (SHARED,)) for day in range(first, first + number))))


def on_day(day: int) -> bytes:
    return request(sound(days=tuple(ReportDay(at, (SHARED,)) for at in sorted({day, TODAY}))))


def purposes(number: int) -> dict[str, int]:
    return {"usage": 4, **{f"purpose_{at}": 4 for at in range(number - 1)}}


def wide(n: int, label: int = 2) -> Tally:
    return Tally(world.WIDE, label, Fact.COUNT, 0, n)


def over_two_days(tallies: int) -> bytes:
    lines = (wide(1),) * (tallies // 2), (wide(1),) * (tallies - tallies // 2)
    return request(sound(days=tuple(ReportDay(TODAY - 1 + at, found) for at, found in enumerate(lines))))


BOUNDS: dict[str, Bound] = {
    "body_bytes": Bound(request(padded(limits.BODY_BYTES)), request(padded(limits.BODY_BYTES + 1)), Problem.TOO_LARGE),
    "decoded_bytes": Bound(packed(limits.DECODED_BYTES), packed(limits.DECODED_BYTES + 1), Problem.TOO_LARGE),
    "days_per_report": Bound(of_days(36), of_days(37), Problem.MALFORMED),
    "tallies_per_report": Bound(over_two_days(4096), over_two_days(4097), Problem.MALFORMED),
    "purposes_per_report": Bound(said(purposes=purposes(16)), said(purposes=purposes(17)), Problem.MALFORMED),
    "name_characters": Bound(
        said(purposes={"usage": 4, "a" * 64: 1}), said(purposes={"usage": 4, "a" * 65: 1}), Problem.MALFORMED
    ),
    "value_characters": Bound(said(context={"os": "a" * 40}), said(context={"os": "a" * 41}), Problem.MALFORMED),
    "sdk_characters": Bound(said(sdk="a" * 32), said(sdk="a" * 33), Problem.MALFORMED),
    "labels_per_measure": Bound(said(wide(1, 65)), said(wide(1, 66)), Problem.MALFORMED),
    "code_max": Bound(
        beside(Tally(65_535, 0, 1, 0, 1)),
        beside(Tally(65_536, 0, 1, 0, 1)),
        Problem.MALFORMED,
        Dropped.UNKNOWN_MEASURE,
    ),
    "cap_max": Bound(said(wide(1_000_000)), said(wide(1_000_001)), Problem.MALFORMED),
    "version_max": Bound(
        said(catalog=1_000_000), said(catalog=1_000_001), Problem.MALFORMED, Problem.NOTHING_ADMISSIBLE
    ),
    "gap_max_days": Bound(
        beside(Tally(world.ACTIVE_USE, 0, Fact.GAP, 31, 1)),
        beside(Tally(world.ACTIVE_USE, 0, Fact.GAP, 32, 1)),
        Dropped.OUT_OF_BOUNDS,
    ),
    "age_max_days": Bound(
        beside(Tally(world.ACTIVE_USE, 0, Fact.AGE, 31, 1)),
        beside(Tally(world.ACTIVE_USE, 0, Fact.AGE, 32, 1)),
        Dropped.OUT_OF_BOUNDS,
    ),
    "week_age_max": Bound(
        beside(Tally(world.ACTIVE_USE, 0, Fact.WEEK_AGE, 53, 1)),
        beside(Tally(world.ACTIVE_USE, 0, Fact.WEEK_AGE, 54, 1)),
        Dropped.OUT_OF_BOUNDS,
    ),
    "bucket_max": Bound(
        said(Tally(world.WAITED, 0, Fact.BUCKET, 511, 1)),
        said(Tally(world.WAITED, 0, Fact.BUCKET, 512, 1)),
        Problem.MALFORMED,
    ),
    "created_past_days": Bound(said(created=TODAY - 7), said(created=TODAY - 8), Problem.TOO_LATE),
    "created_future_days": Bound(said(created=TODAY + 1), said(created=TODAY + 2), Problem.TOO_LATE),
    "tally_past_days": Bound(on_day(TODAY - 35), on_day(TODAY - 36), Dropped.DAY_TOO_OLD),
    "tally_future_days": Bound(on_day(TODAY + 1), on_day(TODAY + 2), Dropped.DAY_AHEAD),
    "catalogs_behind": Bound(
        said(catalog=world.OLDEST_ADMITTED), said(catalog=world.OLDEST_ADMITTED - 1), Problem.NOTHING_ADMISSIBLE
    ),
}
"""The limits that a report can reach, each exactly at its value and one beyond it."""


async def outcome_of(worker: Worker, data: bytes) -> tuple[Outcome, AcceptedAnswer | None]:
    """What became of a report, by its answer and, where a tally was dropped, by the metrics."""
    answer = await ask(worker.settings.port, data)
    if not isinstance(answer.shape, AcceptedAnswer):
        return answer.problem, None
    reasons = [name for name in await worker.metrics() if name.startswith("headcount_edge_tallies_dropped_total")]
    dropped = [reason for reason in Dropped if any(f'reason="{reason}"' in name for name in reasons)]
    assert len(dropped) == answer.shape.dropped
    return (dropped[0] if dropped else None), answer.shape


@pytest.mark.parametrize("name", BOUNDS)
async def test_a_report_at_a_bound_is_taken(served_world: Worker, name: str) -> None:
    """Exactly at the limit a report is sound."""
    bound = BOUNDS[name]
    outcome, accepted = await outcome_of(served_world, bound.within)
    assert outcome is bound.otherwise
    assert len(served_world.spooled()) == (accepted is not None)


@pytest.mark.parametrize("name", BOUNDS)
async def test_a_report_beyond_a_bound_is_not(served_world: Worker, name: str) -> None:
    """One beyond the limit it is refused, or the tally that goes beyond it dropped, and nothing of that is kept."""
    bound = BOUNDS[name]
    outcome, accepted = await outcome_of(served_world, bound.beyond)
    assert outcome is bound.refusal
    kept = [record.tallies for _, record in served_world.spooled()]
    assert kept == ([((TODAY, *SHARED),)] if accepted else [])


@pytest.mark.parametrize("size", [limits.BODY_BYTES, limits.BODY_BYTES + 1])
async def test_a_body_that_does_not_announce_its_size_has_the_same_bound(served_world: Worker, size: int) -> None:
    """A chunked body is counted as it comes."""
    data = request(b"", b"Transfer-Encoding: chunked", framed=False) + chunked(padded(size), 5000)
    outcome, _ = await outcome_of(served_world, data)
    assert outcome is (None if size == limits.BODY_BYTES else Problem.TOO_LARGE)


async def test_the_largest_report_is_a_record_that_fits(served_world: Worker) -> None:
    """What a report can say at most, in every field, is within ``record_bytes``: no report is refused at the disk."""
    longest = "2024.1234.5678.9012-alpha.999"[:40]
    context = {"os": "chromeos", "os_version": "99", "language": "de", "time_zone": "America/Argentina/ComodRivadavia"}
    context |= {"app_version": longest, "device_class": "desktop"}
    sent = sound(*[wide(1)] * limits.TALLIES_PER_REPORT, context=context, origin=context)
    assert await outcome_of(served_world, request(sent)) == (None, AcceptedAnswer(4096, 0, [], 1))
    ((report_id, record),) = served_world.spooled()
    assert len(encode_record(report_id, record)) <= limits.RECORD_BYTES


def measures(number: int) -> str:
    """A catalog of so many measures."""
    entry = (
        '[measures."m{at}"]\ncode = {at}\nkind = "flag"\npurpose = "usage"\ndescription = "D."\nowner = "o@x.example"\n'
    )
    own = len(world.measure_names())
    return world.catalog_text(5) + "".join(entry.format(at=at) for at in range(own + 1, number + 1))


def one_measure(text: str) -> str:
    entry = '[measures."more"]\ncode = 900\npurpose = "usage"\ndescription = "D."\nowner = "o@x.example"\n'
    return world.catalog_text(5) + entry + text


def cut_by(number: int) -> str:
    pairs = ["os", "os_version", "language", "time_zone", "app_version", "device_class", "os x language"]
    pairs += ["os x time_zone", "os x app_version"]
    return one_measure(f'kind = "flag"\nbreakdowns = {pairs[:number]}\n'.replace("'", '"'))


def funnel(steps: int, minutes: int) -> str:
    named = [f"wide=v{at}" for at in range(steps)]
    return one_measure(f'kind = "funnel"\nsteps = {named}\nwindow_minutes = {minutes}\n'.replace("'", '"'))


def commented(size: int) -> str:
    text = world.catalog_text(5) + "#"
    return text.ljust(size, "x")


FILES: dict[str, tuple[str, str]] = {
    "measures_per_catalog": (measures(512), measures(513)),
    "breakdowns_per_measure": (cut_by(8), cut_by(9)),
    "steps_per_funnel": (funnel(16, 30), funnel(17, 30)),
    "funnel_window_minutes": (funnel(2, 10_080), funnel(2, 10_081)),
    "catalog_bytes": (commented(524_288), commented(524_289)),
}
"""The limits of a catalog, each as a file at its value and one beyond it."""


async def reloaded(worker: Worker, file: Path, text: str) -> str:
    """Replace a declared file of a running worker; whether it was ``taken`` or is ``faulty``."""
    start = 'headcount_edge_reloads_total{result="'
    before = await worker.metrics()
    file.with_suffix(".new").write_text(text)
    file.with_suffix(".new").rename(file)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            after = await worker.metrics()
            changed = [name for name in after if name.startswith(start) and after[name] > before.get(name, 0)]
            if changed:
                return changed[0][len(start) : -2]


@pytest.mark.parametrize("name", FILES)
async def test_a_catalog_at_a_bound_is_taken_over_and_one_beyond_it_is_not(served_world: Worker, name: str) -> None:
    """A running edge takes over a catalog at the limit; one beyond it leaves the one before in force."""
    within, beyond = FILES[name]
    file = served_world.settings.organisation.parent / "catalog-5.toml"
    assert await reloaded(served_world, file, within) == "taken"
    assert await reloaded(served_world, file, beyond) == "faulty"
    assert (await ask(served_world.settings.port, request(sound()))).status == 202


@pytest.mark.parametrize(("k", "result"), [(limits.K_MIN, "taken"), (limits.K_MIN - 1, "faulty")])
async def test_an_organisation_cannot_lower_the_threshold(served_world: Worker, k: int, result: str) -> None:
    """A Customer's k is at least ``k_min`` in a file that an edge takes over."""
    file = served_world.settings.organisation
    text = file.read_text().replace("code = 11\n", f"code = 11\nk = {k}\n")
    assert await reloaded(served_world, file, text) == result


ELSEWHERE = {
    "segment_bytes": ("tests/ingest/test_spool.py", "test_a_segment_is_sealed_when_full_and_when_old"),
    "id_memory_days": (
        "tests/aggregator/test_rollup.py",
        "test_ids_are_forgotten_one_by_one_and_not_before_the_spool_is_drained",
    ),
    "live_app_versions": ("tests/aggregator/test_versions.py", "limits.LIVE_APP_VERSIONS"),
    "group_reports_min": ("tests/aggregator/test_loader.py", "test_small_groups_wait_and_then_go_as_totals"),
}
"""The limits that no request and no declared file can reach, each with the test that does."""
HERE = {
    "record_bytes": test_the_largest_report_is_a_record_that_fits,
    "k_min": test_an_organisation_cannot_lower_the_threshold,
}


@pytest.mark.parametrize("limit", limits.LIMITS, ids=lambda limit: limit.name)
def test_every_limit_has_its_test(limit: limits.Limit) -> None:
    """A limit of the closed list is met on a socket above, in a file above, or in the test that is named."""
    assert [*BOUNDS, *FILES, *HERE, *ELSEWHERE].count(limit.name) == 1
    if limit.name in ELSEWHERE:
        file, words = ELSEWHERE[limit.name]
        assert words in (ROOT / file).read_text("utf-8")


def test_no_test_is_of_a_limit_that_is_not_listed() -> None:
    """What is tested above is what is listed, no more."""
    assert {*BOUNDS, *FILES, *HERE, *ELSEWHERE} == {limit.name for limit in limits.LIMITS}

"""The store: loads, releases what is frozen, once, and starts again where it was."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from headcount_aggregator.load.spool_reader import unsealed
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.released import Question, State, Statistic
from headcount_aggregator.sealed_reader import SealedReader, verify
from headcount_aggregator.settings import StoreSettings
from headcount_aggregator.store import Store
from headcount_ingest.disk import Disk
from headcount_ingest.spool import SegmentWriter
from headcount_wire.clock import ManualClock
from headcount_wire.facts import Fact
from headcount_wire.segment import Stream, encode_record

from tests.aggregator.conftest import CUT_CATALOG, ORGANISATION, TODAY, Spooled, record_of, spool

DAY = 86_400.0


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    (tmp_path / "catalog.toml").write_text(CUT_CATALOG)
    (tmp_path / "organisation.toml").write_text(ORGANISATION)
    settings = StoreSettings(organisation=tmp_path / "organisation.toml", data=tmp_path / "data")
    settings.spool.mkdir(parents=True)
    return settings


def fill(settings: StoreSettings, day: int, devices: int, seed: int, count: Spooled) -> None:
    draw = random.Random(seed)
    records = [(draw.randbytes(16), record_of(draw, day=day)) for _ in range(devices)]
    spool(settings.spool, records, f"w{seed % 2}", count=count)


async def question(
    settings: StoreSettings, clock: ManualClock, statistic: Statistic, period: PeriodKind
) -> dict[int, object]:
    reader = SealedReader(settings.releases, clock)
    asked = Question(11, 3, (statistic,), (period,), 0, 65_000, 1, 0, 0)
    return {number.last: number.value for number in await reader.numbers(asked)}


async def test_a_frozen_day_is_released_once_and_never_revised(settings: StoreSettings, clock: ManualClock) -> None:
    """Before its freeze a day is only provisional; then it is sealed; what comes later changes no byte of it."""
    count = Spooled()
    store = Store(settings, clock)
    fill(settings, TODAY, 57, 1, count)
    store.tick()
    assert await question(settings, clock, Statistic.PEOPLE, PeriodKind.DAY) == {}
    reader = SealedReader(settings.releases, clock)
    open_days = await reader.provisional(11, 3)
    assert {(n.measure, n.statistic, n.period): n.value for n in open_days}[1, Statistic.PEOPLE, PeriodKind.DAY] == 50

    clock.advance(4 * DAY)
    store.tick()
    assert (await question(settings, clock, Statistic.PEOPLE, PeriodKind.DAY))[TODAY] == 57
    sealed = {path.name: path.read_bytes() for path in (settings.releases / "11-3").glob("*.json")}
    fill(settings, TODAY, 40, 2, count)
    clock.advance(12 * DAY)
    store.tick()
    store.tick()
    store.close()
    after = {path.name: path.read_bytes() for path in (settings.releases / "11-3").glob("*.json")}
    assert sealed.items() <= after.items()
    assert verify(settings.releases / "11-3") == len(after) > len(sealed)
    week = next(json.loads(data) for name, data in after.items() if "week" in name)
    assert week["late_dropped"] == 40


async def test_a_restart_releases_what_is_missing_and_nothing_twice(
    settings: StoreSettings, clock: ManualClock
) -> None:
    """After an outage of weeks every frozen period is sealed, in order, each once, the chain unbroken."""
    count = Spooled()
    for day in range(3):
        fill(settings, TODAY + day, 30, day, count)
    clock.advance(2 * DAY)
    first = Store(settings, clock)
    first.tick()
    first.close()
    clock.advance(20 * DAY)
    second = Store(settings, clock)
    second.tick()
    second.close()
    third = Store(settings, clock)
    third.tick()
    third.close()
    names = [
        json.loads(path.read_bytes())["release"][7:] for path in sorted((settings.releases / "11-3").glob("*.json"))
    ]
    assert len(names) == len(set(names))
    days = sorted(int(name.split("-")[1]) for name in names if name.startswith("day"))
    assert days == list(range(TODAY, max(days) + 1))
    assert (await question(settings, clock, Statistic.PEOPLE, PeriodKind.DAY))[TODAY + 1] == 30
    verify(settings.releases / "11-3")


def test_a_changed_release_is_found(settings: StoreSettings, clock: ManualClock) -> None:
    """One changed digit in a sealed file breaks the chain at the file after it."""
    count = Spooled()
    fill(settings, TODAY, 30, 1, count)
    store = Store(settings, clock)
    store.tick()
    clock.advance(8 * DAY)
    store.tick()
    store.close()
    first = min((settings.releases / "11-3").glob("*.json"))
    assert verify(settings.releases / "11-3") > 3
    first.write_bytes(first.read_bytes().replace(b'"shown",30,', b'"shown",31,', 1))
    with pytest.raises(ValueError, match="does not follow"):
        verify(settings.releases / "11-3")


def test_nothing_is_released_while_a_worker_still_writes(settings: StoreSettings, clock: ManualClock) -> None:
    """As long as a segment from before the freeze is open, its period waits."""
    count = Spooled()
    fill(settings, TODAY, 30, 1, count)
    worker = SegmentWriter(settings.spool / "w9", ManualClock((TODAY + 1) * DAY), Disk())
    worker.commit(encode_record(bytes(16), record_of(random.Random(2), day=TODAY)))
    clock.advance(5 * DAY)
    store = Store(settings, clock)
    status = store.tick()
    assert unsealed(settings.spool, clock.now())
    assert "settled_through" not in status
    assert status["waits_for"] == ["w9"]
    assert not list((settings.releases).glob("*/*.json"))
    worker.close()
    assert store.tick()["settled_through"] == clock.now()
    assert list((settings.releases).glob("*/day-*")) or list((settings.releases).glob("*/*.json"))
    store.close()


async def test_what_comes_after_a_provisional_total_is_in_the_sealed_number(
    settings: StoreSettings, clock: ManualClock
) -> None:
    """A day is read again when it is sealed, however often its provisional total was written before."""
    count = Spooled()
    store = Store(settings, clock)
    for seed, devices in enumerate((30, 25, 5)):
        fill(settings, TODAY, devices, seed, count)
        store.tick()
        clock.advance(DAY)
    clock.advance(DAY)
    store.tick()
    store.close()
    assert (await question(settings, clock, Statistic.PEOPLE, PeriodKind.DAY))[TODAY] == 60


async def test_small_days_are_hidden_and_say_so(settings: StoreSettings, clock: ManualClock) -> None:
    """A day of nineteen is released as hidden; a week that holds enough people is shown, in tens."""
    count = Spooled()
    fill(settings, TODAY, 19, 1, count)
    store = Store(settings, clock)
    store.tick()
    clock.advance(12 * DAY)
    store.tick()
    store.close()
    reader = SealedReader(settings.releases, clock)
    asked = Question(11, 3, (Statistic.PEOPLE,), (PeriodKind.DAY,), TODAY, TODAY, 1, 0)
    numbers = await reader.numbers(asked)
    assert [number.state for number in numbers] == [State.FEWER_THAN_K]
    assert all(number.value is None for number in numbers)
    assert b",19,1," not in b"".join(path.read_bytes() for path in settings.releases.glob("*/*.json"))


@pytest.mark.parametrize("name", ["organisation.toml", "catalog.toml"])
@pytest.mark.parametrize("added", [b"# caf\xe9\n", b"x = " + b"[" * 50_000, b"code = "], ids=["utf8", "deep", "toml"])
def test_a_file_an_operator_broke_stops_no_tick(
    settings: StoreSettings, clock: ManualClock, capfd: pytest.CaptureFixture[str], name: str, added: bytes
) -> None:
    """While the organisation or a catalog cannot be read the store goes on with the one before, and says why."""
    count = Spooled()
    store = Store(settings, clock)
    file = settings.organisation.parent / name
    good = file.read_bytes()
    file.write_bytes(good + added)
    (file.parent / ".#organisation.toml").symlink_to("me@host.1:1")
    fill(settings, TODAY, 30, 1, count)
    store.tick()
    assert not list(settings.spool.glob("*/*.seg"))
    said = capfd.readouterr().out
    assert "organisation_faulty" in said
    assert f"{file}, line " in said
    file.write_bytes(good)
    store.tick()
    assert "organisation_taken" in capfd.readouterr().out
    store.close()
    Store(settings, clock).close()


async def test_debug_counts_are_read_for_a_day_and_meet_nothing_live(
    settings: StoreSettings, clock: ManualClock
) -> None:
    """One debug device shows at once; live numbers are the same without it; it is gone the day after next."""
    draw, count = random.Random(3), Spooled()
    store = Store(settings, clock)
    fill(settings, TODAY, 30, 1, count)
    record = record_of(draw, day=TODAY, stream=Stream.DEBUG)
    spool(settings.spool, [(draw.randbytes(16), record)], "w5", count=count)
    store.tick()
    reader = SealedReader(settings.releases, clock)
    found = await reader.debug(11, 3)
    assert found.seen == clock.now()
    whole = {(c.measure, c.fact): c.n for c in found.counts if c.breakdown == 0}
    assert (whole[1, Fact.GAP], whole[2, Fact.DEVICES]) == (1, 1)
    assert {c.value for c in found.counts if c.breakdown == 8 and c.measure == 1 and c.fact == Fact.GAP} == {
        record.context[0]
    }
    assert (await reader.debug(11, 4)).counts == ()
    seen = clock.now()
    clock.advance(DAY)
    store.tick()
    assert ((await reader.debug(11, 3)).seen, bool((await reader.debug(11, 3)).counts)) == (seen, True)
    clock.advance(DAY)
    assert (await reader.debug(11, 3)).counts == ()  # before the store has looked, too
    store.tick()
    assert list((settings.releases / "debug").iterdir()) == []
    clock.advance(2 * DAY)
    store.tick()
    store.close()
    assert (await question(settings, clock, Statistic.PEOPLE, PeriodKind.DAY))[TODAY] == 30
    verify(settings.releases / "11-3")


@pytest.mark.parametrize("change", ["changed", "gone", "cut"])
def test_nothing_is_sealed_over_a_broken_chain(
    settings: StoreSettings, clock: ManualClock, capfd: pytest.CaptureFixture[str], change: str
) -> None:
    """A newest release that is not what was sealed holds the releases back, and says so, until it is back."""
    count = Spooled()
    for day in range(4):
        fill(settings, TODAY + day, 30, day, count)
    clock.advance(5 * DAY)
    store = Store(settings, clock)
    store.tick()
    store.close()
    folder = settings.releases / "11-3"
    newest = max(folder.glob("*.json"))
    data = newest.read_bytes()
    match change:
        case "changed":
            newest.write_bytes(data.replace(b'"k":20', b'"k":21'))
        case "gone":
            newest.unlink()
        case _:
            newest.write_bytes(data[:100])
    left = {path.name for path in folder.glob("*.json")}

    clock.advance(5 * DAY)
    again = Store(settings, clock)
    for _ in range(2):
        status = again.tick()
        assert "settled_through" not in status
        assert any(newest.name in reason for reason in status["reasons"])
    assert {path.name for path in folder.glob("*.json")} == left
    assert capfd.readouterr().out.count("release_chain_broken") == 1

    newest.write_bytes(data)
    status = again.tick()
    assert "reasons" not in status
    assert status["settled_through"] == clock.now()
    again.close()
    assert verify(folder) > len(left) + 1


class _Ticking(ManualClock):
    """A clock under which each look at the real time takes a second."""

    def monotonic(self) -> float:
        self._monotonic += 1.0
        return self._monotonic


async def test_provisional_totals_take_a_tenth_of_the_time(settings: StoreSettings, clock: ManualClock) -> None:
    """An hour of a fast clock brings no new totals at once; real time does, and so does a clock set back."""
    fast = _Ticking(clock.now())
    store, count = Store(settings, fast), Spooled()
    reader = SealedReader(settings.releases, fast)

    async def people() -> int | None:
        found = await reader.provisional(11, 3)
        wanted = (n.value for n in found if (n.statistic, n.period, n.measure) == (Statistic.PEOPLE, PeriodKind.DAY, 1))
        return next(wanted, None)

    fill(settings, TODAY, 30, 1, count)
    store.tick()
    assert await people() == 30
    fill(settings, TODAY, 30, 2, count)
    fast.set_now(fast.now() + 7200.0)
    store.tick()
    assert await people() == 30
    for _ in range(9):
        store.tick()
    assert await people() == 60
    fill(settings, TODAY, 30, 3, count)
    for _ in range(9):
        store.tick()
    assert await people() == 60
    fast.set_now(fast.now() - 60.0)
    store.tick()
    store.close()
    assert await people() == 90

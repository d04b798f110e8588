"""What an operator is shown: readiness with its reasons, metrics, and the bound of the spool."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from headcount_ingest import disk_look
from headcount_ingest.disk import Disk
from headcount_ingest.disk_look import DiskLook
from headcount_ingest.fates import NO_REPORT
from headcount_ingest.machine_clock import synchronised
from headcount_ingest.metrics import Metrics
from headcount_ingest.readiness import Reason
from headcount_ingest.skew import Skew, skew_of
from headcount_wire import limits
from headcount_wire.clock import ManualClock
from headcount_wire.problems import Problem
from headcount_wire.report import new_report_id

from tests.ingest.conftest import KEY, ORGANISATION, TODAY, Worker, report, running, settings_in

EVERYWHERE = {Reason.CLOCK_UNSYNCHRONISED.slug}
"""What may hold on the machine that runs the tests."""


async def readyz(worker: Worker) -> tuple[int, set[str], set[str]]:
    """The status of /readyz, the reasons it gives, and its warnings but those of the machine."""
    async with worker.session.get(f"{worker.admin}/readyz") as answer:
        plain = await answer.json()
    for found in (*plain["reasons"], *plain["warnings"]):
        assert found["sentence"] == Reason[found["reason"].upper()].sentence
    reasons, warnings = ({found["reason"] for found in plain[name]} for name in ("reasons", "warnings"))
    assert plain["ready"] is not bool(reasons)
    return answer.status, reasons, warnings - EVERYWHERE


async def until(worker: Worker, holds: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    """The metrics, once something holds of them."""
    async with asyncio.timeout(20):
        while not holds(found := await worker.metrics()):
            pass
    return found


async def slow_request(worker: Worker) -> asyncio.StreamWriter:
    """A request whose body does not come; under way when this returns."""
    before = (await worker.metrics())["headcount_edge_bytes_in_flight"]
    _, writer = await asyncio.open_connection("127.0.0.1", worker.settings.port)
    head = f"POST /v1/reports/{new_report_id()} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n".encode())
    await until(worker, lambda found: found["headcount_edge_bytes_in_flight"] > before)
    return writer


async def test_the_spool_has_a_bound(tmp_path: Path) -> None:
    """What waits for the loader is bounded: then 507 until it has caught up, and nothing acknowledged is lost."""
    worker = await running(replace(settings_in(tmp_path), spool_bytes=4096, look_seconds=0.01))
    acknowledged, status, problem, retry = [], 202, "", ""
    async with asyncio.timeout(30):
        while status == 202:
            report_id = new_report_id()
            status, body, answer = await worker.post(report(), report_id=report_id)
            acknowledged += [report_id] if status == 202 else []
            problem, retry = str(body.get("type")), answer.headers.get("Retry-After", "")
    assert (status, problem) == (507, Problem.STORAGE.uri)
    assert int(retry) > 0
    assert await readyz(worker) == (503, {"spool_full"}, set())
    found = await worker.metrics()
    assert found['headcount_edge_reason{reason="spool_full"}'] == 1
    assert {report_id.hex() for report_id, _ in worker.spooled()} == set(acknowledged)

    await until(worker, lambda found: found['headcount_edge_spool_segments{state="open"}'] == 0)
    for segment in (worker.settings.spool / "w0").glob("*.seg"):
        segment.unlink()  # as the loader does
    await until(worker, lambda found: found['headcount_edge_reason{reason="spool_full"}'] == 0)
    assert (await worker.post(report()))[0] == 202
    await worker.close()
    await worker.session.close()


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/nothing"])
async def test_the_operator_s_port_names_no_version(worker: Worker, path: str) -> None:
    """No answer of the admin port says which software of which version made it."""
    async with worker.session.get(f"{worker.admin}{path}") as answer:
        assert "Server" not in answer.headers


def test_closed_lists_stand_at_zero_from_the_start() -> None:
    """Every outcome, fate, result and creation day has its series before anything happened: a rate needs it."""
    text = Metrics().text().decode()
    for name in ("accepted", "policy", "gone", *(problem.slug for problem in Problem)):
        assert f'headcount_edge_requests_total{{outcome="{name}"}} 0.0' in text
    for result in ("taken", "faulty"):
        assert f'headcount_edge_reloads_total{{result="{result}"}} 0.0' in text
    assert text.count("headcount_edge_clock_skew_total{") == len(Skew)


async def test_the_metrics_tell_what_lies_on_the_disk(tmp_path: Path) -> None:
    """Segments, bytes, files set aside and the age of the oldest segment are those of the folder."""
    clock = ManualClock(TODAY * 86_400.0)
    settings = replace(settings_in(tmp_path), look_seconds=0.01)
    worker = await running(settings, clock=clock)
    for count in (1, 2):
        await worker.post(report())
        clock.advance(100)
        await until(worker, lambda found, n=count: found['headcount_edge_spool_segments{state="sealed"}'] == n)  # type: ignore[misc]  # the count is bound on purpose
    (settings.spool / "w0/00000000000000000001-x.bad").write_bytes(b"damaged")
    found = await until(worker, lambda found: found['headcount_edge_spool_segments{state="set_aside"}'] == 1)
    bytes_there = sum(path.stat().st_size for path in (settings.spool / "w0").glob("*.seg"))
    assert found['headcount_edge_spool_bytes{state="sealed"}'] == bytes_there
    assert found["headcount_edge_spool_oldest_seconds"] == pytest.approx(200)
    assert found["headcount_edge_disk_free_bytes"] > 0
    await worker.close()
    await worker.session.close()


async def test_a_faulty_organisation_is_a_warning(tmp_path: Path) -> None:
    """While its file cannot be used a worker serves the one before, is ready, and says so; corrected, it is silent."""
    worker = await running(settings_in(tmp_path))
    file = worker.settings.organisation
    file.write_text("[operator")
    await until(worker, lambda found: found['headcount_edge_reason{reason="organisation_faulty"}'] == 1)
    assert await readyz(worker) == (200, set(), {"organisation_faulty"})
    assert (await worker.post(report()))[0] == 202
    file.write_text(ORGANISATION)
    await until(worker, lambda found: found['headcount_edge_reason{reason="organisation_faulty"}'] == 0)
    assert await readyz(worker) == (200, set(), set())
    await worker.close()
    await worker.session.close()


class Failing(Disk):
    """A disk on which every sync is an I/O error."""

    def sync(self, fd: int) -> None:
        raise OSError(errno.EIO, "injected")


async def test_a_worker_that_stops_says_why(tmp_path: Path) -> None:
    """While it drains after a failed sync, it is alive, and not ready for both reasons."""
    worker = await running(replace(settings_in(tmp_path), drain_seconds=10.0), Failing())
    slow = await slow_request(worker)
    assert (await worker.post(report()))[0] == 507
    await until(worker, lambda found: found['headcount_edge_reason{reason="draining"}'] == 1)
    assert await readyz(worker) == (503, {"draining", "disk_failed"}, set())
    async with worker.session.get(f"{worker.admin}/livez") as answer:
        assert answer.status == 200
    slow.close()
    assert await worker.task == 1
    await worker.session.close()


async def test_a_disk_that_does_not_answer_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that does not come back is told while it lasts, and held by nothing else."""
    monkeypatch.setattr(disk_look, "SILENT_SECONDS", 0.01)
    answers = threading.Event()

    class Silent(DiskLook):
        def look(self) -> None:
            answers.wait(30)
            super().look()

    look = Silent(tmp_path, floor=0, most=1, seconds=0.001)
    keeping = asyncio.create_task(look.keep())
    for silent in (True, False):
        async with asyncio.timeout(20):
            while look.silent is not silent:
                await asyncio.wait({keeping}, timeout=0.001)
        answers.set()
    look.end()
    await keeping
    assert look.found.free > 0


async def test_connections_and_records_that_wait_are_counted(tmp_path: Path) -> None:
    """Gauges follow the connections that are open, and the records that have come while the disk is busy."""
    begun, goes_on = threading.Event(), threading.Event()

    class Busy(Disk):
        def sync(self, fd: int) -> None:
            begun.set()
            assert goes_on.wait(30)
            super().sync(fd)

    worker = await running(settings_in(tmp_path), Busy())
    streams = [await asyncio.open_connection("127.0.0.1", worker.settings.port) for _ in range(3)]
    await until(worker, lambda found: found["headcount_edge_connections"] == 3)
    for _, writer in streams:
        writer.close()
    await until(worker, lambda found: found["headcount_edge_connections"] == 0)
    posts = [asyncio.create_task(worker.post(report()))]
    assert await asyncio.to_thread(begun.wait, 30)
    posts += [asyncio.create_task(worker.post(report())) for _ in range(4)]
    await until(worker, lambda found: found["headcount_edge_queue_records"] == 4)
    goes_on.set()
    assert [status for status, _, _ in await asyncio.gather(*posts)] == [202] * 5
    await until(worker, lambda found: found["headcount_edge_queue_records"] == 0)
    await worker.close()
    await worker.session.close()


async def test_the_fates_of_reports_add_up(worker: Worker) -> None:
    """Each request that brought a report stands under one fate; what did not is left out."""
    await worker.post(report())
    await worker.post(b"{}")
    await worker.post(report(), key="nobody")
    async with worker.session.get(f"{worker.url}/v1/policy", headers={"Authorization": f"Bearer {KEY}"}):
        pass
    found = await worker.metrics()
    start = 'headcount_edge_reports_total{fate="'
    fates = {name[len(start) : -2]: value for name, value in found.items() if name.startswith(start)}
    expected = {"accepted": 1, "drop": 1, "keep_a_day": 1, "keep": 0, "split": 0, "resend_elsewhere": 0}
    assert fates == expected
    assert sum((await worker.outcomes()).values()) == sum(fates.values()) + 1


def test_every_outcome_has_a_fate() -> None:
    """No outcome of the closed list makes the metrics fail."""
    metrics = Metrics()
    for name in ("accepted", "policy", "gone", *(problem.slug for problem in Problem)):
        metrics.outcomes.by[name] += 1
    samples = [sample for family in metrics.registry.collect() for sample in family.samples]
    fates = [sample.value for sample in samples if sample.name == "headcount_edge_reports_total"]
    assert sum(fates) == len(Problem) + 3 - len(NO_REPORT)


def test_no_clock_makes_the_skew_grow() -> None:
    """Any creation day falls under one of six places, which follow the window that is accepted."""
    past, ahead = limits.CREATED_PAST_DAYS, limits.CREATED_FUTURE_DAYS
    places = [skew_of(days) for days in (-(10**6), -past - 1, -past, -2, -1, 0, ahead, ahead + 1, 10**6)]
    assert places == [
        *(Skew.LONG_BEFORE, Skew.LONG_BEFORE, Skew.DAYS_BEFORE, Skew.DAYS_BEFORE),
        *(Skew.DAY_BEFORE, Skew.SAME_DAY, Skew.DAY_AFTER, Skew.LONG_AFTER, Skew.LONG_AFTER),
    ]
    metrics = Metrics()
    for days in range(-1000, 1000):
        metrics.skew(days)
    assert metrics.text().count(b"headcount_edge_clock_skew_total{") == len(Skew)
    assert b'headcount_edge_clock_skew_total{created="same_day"} 1.0' in metrics.text()


def test_the_kernel_s_word_on_the_clock_is_read_right() -> None:
    """The answer is the kernel's, by its flag as by its return value, and asking writes where there is room only."""
    buffer = ctypes.create_string_buffer(b"\0" * 256 + b"\xa5" * 256, 512)
    libc: Any = ctypes.CDLL(None)
    state = libc.adjtimex(buffer)
    status = ctypes.c_int.from_buffer(buffer, 5 * ctypes.sizeof(ctypes.c_long)).value
    assert synchronised() is (state != 5)
    assert synchronised() is not bool(status & 0x40)
    assert buffer.raw[256:] == b"\xa5" * 256


async def test_each_decoded_report_shows_its_clock(worker: Worker) -> None:
    """A report made yesterday and one from a clock that is years off are counted by that, taken or refused."""
    await worker.post(report())
    await worker.post(report(created=TODAY - 1))
    await worker.post(report(created=1))
    found = await worker.metrics()
    name = 'headcount_edge_clock_skew_total{{created="{}"}}'
    assert [found[name.format(skew_of(days))] for days in (0, -1, 1 - TODAY)] == [1, 1, 1]

"""What lies in a worker's folder when it begins, whoever put it there."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ingest.exchange import PATIENCE_SECONDS, answers_in, request
from tests.ingest.process import WorkerProcess, worker_process
from tests.ingest.world import sound


def pipe(path: Path) -> None:
    os.mkfifo(path)


def hole(path: Path) -> None:
    """A file of 300 GB of which nothing was ever written."""
    path.touch()
    os.truncate(path, 300 * 10**9)


ODD: dict[str, Callable[[Path], None]] = {"pipe": pipe, "hole": hole, "folder": Path.mkdir}


def accepts(worker: WorkerProcess) -> bool:
    with socket.create_connection(("127.0.0.1", worker.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(request(sound()))
        data = b"".join(iter(lambda: connection.recv(65_536), b""))
    (answer,) = answers_in(data)
    return answer.status == 202


@pytest.mark.parametrize("name", ODD)
def test_a_worker_begins_beside_what_is_no_file(tmp_path: Path, name: str) -> None:
    """A pipe, a hole or a folder named like an open segment is handed over unread; what stands beside it is sealed."""
    with worker_process(tmp_path, seal_seconds=60.0) as worker:
        assert accepts(worker)
        worker.end(signal.SIGKILL)
    odd = tmp_path / "spool/w0" / f"{1:020d}-{'0' * 16}-000001.open"
    ODD[name](odd)
    with worker_process(tmp_path, spool_bytes=10**12) as worker:
        found = worker.metrics()
        assert found["headcount_edge_segments_unreadable_total"] == 1
        assert found["headcount_edge_records_recovered_total"] == 1
        assert accepts(worker)
        assert odd.with_suffix(".seg").exists()

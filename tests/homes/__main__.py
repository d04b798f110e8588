"""``make cluster``: a real cluster on loopback, until Ctrl-C; it prints how to point ``headcount up`` at it."""

from __future__ import annotations

import signal
import tempfile
import threading
from pathlib import Path

from rich.console import Console

from tests.homes.cluster import ClusterProcesses
from tests.homes.processes import NotInstalledError, started


def main() -> int:
    """Start the cluster in a temporary folder, say where it is, and end it when told to."""
    out, asked = Console(highlight=False, soft_wrap=True), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    try:
        with (
            tempfile.TemporaryDirectory(prefix="headcount-cluster-") as folder,
            started(lambda: ClusterProcesses(Path(tempfile.mkdtemp(dir=folder)))) as cluster,
        ):
            out.print("two shards of two replicas, and a ZooKeeper; Ctrl-C ends them and forgets what they hold")
            for place, shard in enumerate(cluster.shards, 1):
                out.print(f"shard {place}   {', '.join(f'127.0.0.1:{one.port}' for one in shard)}")
            out.print("\npoint the house at it:\n")
            out.print(f"HEADCOUNT_WAREHOUSE='{cluster.address()}' .venv/bin/headcount up", markup=False)
            asked.wait()
    except NotInstalledError as error:
        out.print(str(error), markup=False)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

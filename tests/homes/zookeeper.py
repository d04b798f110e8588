"""Debian's ZooKeeper with a configuration of its own in a folder, on a free loopback port."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from headcount.stack import free_port

from tests.homes.processes import INSTALL, NotInstalledError, ServerProcess, program

_JAR = Path("/usr/share/java/zookeeper.jar")
_CONFIG = """tickTime=500
dataDir={folder}/data
clientPort={port}
clientPortAddress=127.0.0.1
admin.enableServer=false
maxClientCnxns=200
minSessionTimeout=1000
autopurge.purgeInterval=0
"""


class ZooKeeper(ServerProcess):
    """One ZooKeeper, of which a cluster on one machine needs no more."""

    def __init__(self, folder: Path) -> None:
        if not _JAR.exists():
            raise NotInstalledError(f"zookeeper is not installed; install it with: {INSTALL}")
        port = free_port()
        (folder / "data").mkdir(parents=True)
        (folder / "zoo.cfg").write_text(_CONFIG.format(folder=folder, port=port))
        main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
        command = [program("java"), "-Xmx128m", "-XX:+UseSerialGC", "-cp", str(_JAR), main, f"{folder}/zoo.cfg"]
        super().__init__(folder, command, port)

    def answers(self) -> bool:
        """Whether it serves: it accepts connections some time before."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2.0) as asked:
            asked.sendall(b"srvr")
            return b"Mode: standalone" in asked.recv(4096)
        return False

"""What a process of the house asks of the system before it begins."""

from __future__ import annotations

import resource

DESCRIPTORS = 65_536


def take_limits() -> None:
    """No core dump, which would write memory to a disk; as many open files as may be had, up to ``DESCRIPTORS``."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

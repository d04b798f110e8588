"""Whether the machine's clock is kept right: what the kernel says of it, with no network asked.

A time service (chrony, systemd-timesyncd, ntpd, a hypervisor's) tells the kernel that the clock is
synchronised; without one the kernel says so too (adjtimex(2)). Days of reports are accepted by this clock.
"""

from __future__ import annotations

import ctypes
import sys

_TIMEX_BYTES = 256
"""More than the kernel's ``struct timex`` on any architecture (208 on 64 bits); all zero asks and sets nothing."""
_TIME_ERROR = 5


def synchronised() -> bool | None:
    """Whether a time service keeps the clock; ``None`` where the kernel does not tell."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else bool(state != _TIME_ERROR)

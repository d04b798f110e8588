"""When a device tries, and when it tries again: spread over hours, so that many of them never try at once.

After an outage everybody who failed meanwhile has something to send, and how many of them come in the first minute
hangs on their pauses alone. These let a device try again within minutes once, then in hours: what it has to say is
about a day that is over, and can wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

DAY_SECONDS = 86_400.0
LONGEST_SECONDS = 4 * 3600.0
"""The longest pause beyond what an edge asks for: as wide as first tries are spread."""
SHORTEST_SECONDS = (60.0, 3600.0, 7200.0)
"""The shortest pause after the first failed try in a row, the second, and each later one."""
DEBUG_LONGEST_SECONDS = 60.0


def first_try(now: float, spread_seconds: float, draw: random.Random) -> float:
    """The moment at which a device sends what it noticed at ``now`` to be closed."""
    return now + draw.uniform(0.0, spread_seconds)


def pause(attempts: int, retry_after: float, draw: random.Random, *, debug: bool = False) -> float:
    """Seconds to wait after a failed try: what the edge asked for, and on top of it a time of the device's own.

    ``attempts``: failed tries in a row before this one. The device's own time is drawn so that each scale is as likely
    (its logarithm is uniform): half of the first pauses are under a quarter of an hour. The longer a time, the less
    likely it is, so that what was refused together comes back in ever smaller numbers, and in no second wave. A
    developer's device is one of few, and does not wait for hours.
    """
    if debug:
        return retry_after + draw.uniform(0.0, min(DEBUG_LONGEST_SECONDS, 2.0 ** min(attempts, 20)))
    shortest = SHORTEST_SECONDS[min(attempts, len(SHORTEST_SECONDS) - 1)]
    own: float = shortest * (LONGEST_SECONDS / shortest) ** draw.random()
    return retry_after + own


def waits(now: float, not_before: float) -> bool:
    """Whether a pause is not over. A longer one than there is was made by a clock since set back, and holds nobody."""
    return now < not_before <= now + DAY_SECONDS + LONGEST_SECONDS

"""Why a worker is not ready, or ready and yet to be looked at: a closed list, each with its sentence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class ReasonKind:
    """One reason: whether reports are refused while it holds, and what it means."""

    refuses: bool
    sentence: str


class Reason(Enum):
    """Everything that ``/readyz`` can say."""

    DRAINING = ReasonKind(True, "The worker is stopping: it finishes what it has begun and takes nothing new.")
    DISK_LOW = ReasonKind(True, "Less is free on the spool's disk than disk_floor_bytes; reports are answered 507.")
    SPOOL_FULL = ReasonKind(
        True, "As much waits for the loader as spool_bytes allows; reports are answered 507 until it has caught up."
    )
    DISK_FAILED = ReasonKind(True, "A write, sync or seal failed; the worker ends, and another looks at what is there.")
    DISK_SILENT = ReasonKind(True, "The spool's disk has not answered a look at it for seconds.")
    FLEET_NOT_NOTED = ReasonKind(
        True,
        "What this node counts could not be noted for today (fleet.json); reports are answered 507 until it can be.",
    )
    ORGANISATION_FAULTY = ReasonKind(
        False,
        "The organisation file cannot be used as it is now; the one before stays in force. The log has each fault.",
    )
    FLEET_REFUSED = ReasonKind(
        False,
        "What [[fleet]] declares cannot be in force on this node; the maps before stay. The log says why.",
    )
    TLS_FAULTY = ReasonKind(
        False, "The certificate or its key cannot be used as it is now; the one before stays in force."
    )
    CLOCK_UNSYNCHRONISED = ReasonKind(False, "No time service keeps this machine's clock, by which days are accepted.")

    @property
    def slug(self) -> str:
        """As it stands in answers and metrics."""
        return self.name.lower()

    @property
    def refuses(self) -> bool:
        """Whether the worker is not ready because of it."""
        return self.value.refuses

    @property
    def sentence(self) -> str:
        """What it means, for people."""
        return self.value.sentence

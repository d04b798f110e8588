"""What the doctor looks at: a closed list, each check with what it asks and what to do when the answer is no."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum


class Verdict(StrEnum):
    """How a check came out. Only ``fail`` makes the doctor's exit code 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class CheckKind:
    """One check: what it asks, and what to do when the answer is no."""

    sentence: str
    advice: str


class Check(Enum):
    """Every check there is."""

    SETTINGS = CheckKind(
        "The settings can be read, and none is unknown.", "Correct the settings file or the environment."
    )
    ORGANISATION = CheckKind(
        "The organisation file and its catalogs are sound, and some app key can be used.",
        "Correct the file at the lines named; `headcount keys new live` makes a key and its block.",
    )
    FILES = CheckKind(
        "Only their owner can change what is declared, or read the key of the certificate.",
        "chmod o-w the organisation file and the catalogs, chmod 0600 the key.",
    )
    TRUSTED_PROXIES = CheckKind(
        "trusted_proxies names the proxies in front of the edge, and nobody else.",
        "Name the addresses of your proxies; without them every client behind one counts as one address.",
    )
    TLS = CheckKind(
        "Reports come over TLS, and the certificate is good for two weeks or more.",
        "Renew the certificate and send SIGHUP, or let the edge listen on the loopback behind a proxy.",
    )
    DATA = CheckKind(
        "The data folder can be written, and is its owner's alone (0700).",
        "chmod 0700 the data folder, and have it owned by the user that runs the house.",
    )
    FILE_SYSTEM = CheckKind(
        "The data folder lies on a disk of this machine, which keeps what was synced.",
        "Move the data folder: memory forgets, and a layered or network file system may answer before it has stored.",
    )
    DISK_FREE = CheckKind(
        "More is free than disk_floor_bytes, and the spools can grow to spool_bytes.",
        "Make room, or lower spool_bytes.",
    )
    SYNC = CheckKind(
        "A write and sync of the size of a group commit returns, soon, and not sooner than a disk can.",
        "Use a disk with a power-safe cache; no eatmydata, no nobarrier, no virtual disk with an unsafe cache.",
    )
    PORTS = CheckKind(
        "Each port is free, or answers as this house does.", "Stop what listens there, or name other ports."
    )
    WORKERS = CheckKind(
        "There are no more edge workers than processors for them.", "Set workers to the number of processors, or fewer."
    )
    DESCRIPTORS = CheckKind(
        "A process may have enough files and connections open.", "Raise the hard limit: LimitNOFILE=65536, ulimit -Hn."
    )
    CORE_DUMPS = CheckKind(
        "A crash writes no memory to a disk: the house turns core dumps off, and nothing takes them all the same.",
        "Set kernel.core_pattern to a plain name, or to a program that heeds the limit (systemd-coredump does).",
    )
    CLOCK = CheckKind("A time service keeps the clock, by the kernel's word.", "Run chrony or systemd-timesyncd.")
    PARSER = CheckKind(
        "The parser of HTTP behind the dashboard and the admin ports (aiohttp's) is the compiled one.",
        "Install aiohttp's wheel; unset AIOHTTP_NO_EXTENSIONS.",
    )
    READINESS = CheckKind(
        "Each worker of the house that runs here says that it is ready.", "See the reasons in docs/operate.md."
    )
    STORE = CheckKind(
        "The loader keeps up, and nothing was set aside or lost.",
        "See `When something is wrong` in docs/operate.md; set-aside segments are kept for a week.",
    )

    @property
    def slug(self) -> str:
        """As it stands in the table and the JSON."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Result:
    """How one check came out, and what was found."""

    check: Check
    verdict: Verdict
    found: str


def worst(check: Check, faults: list[tuple[Verdict, str]], fine: str) -> Result:
    """The result of a check that may find several things: the worst verdict, and all that was found."""
    if not faults:
        return Result(check, Verdict.OK, fine)
    verdict = Verdict.FAIL if any(found is Verdict.FAIL for found, _ in faults) else Verdict.WARN
    return Result(check, verdict, "; ".join(text for _, text in faults))

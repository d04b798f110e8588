"""Never harm the host: everything the app calls goes through here, and nothing gets out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from headcount_sdk.health import Health, Surprise
from headcount_sdk.storage import Closed, DirectoryBusy

NAME_SHOWN = 80
T = TypeVar("T")


def looked_up(table: Mapping[str, T], name: object) -> T | None:
    """What stands under a name, if it is one: an app can pass anything."""
    return table.get(name) if isinstance(name, str) else None


class Guard:
    """Runs what the app asks for; what fails is counted, and raised only in debug mode.

    ``usable``: whether the client is on. A disk that cannot be written turns it off until the next start, and
    ``let_go`` is called to free what is held.
    """

    def __init__(self, health: Health, let_go: Callable[[], None], *, debug: bool) -> None:
        self.health = health
        self.usable = False
        self._let_go = let_go
        self._debug = debug

    def run(self, action: Callable[[], object]) -> bool:
        """Do something; whether it was done."""
        try:
            action()
        except Exception as error:  # the app must not fall over its telemetry
            self.failed(error)
            return False
        return True

    def failed(self, error: Exception) -> None:
        """Count what went wrong inside."""
        if isinstance(error, Closed):
            self.health.note(Surprise.SHUT_DOWN)
        elif isinstance(error, DirectoryBusy):
            self.give_up(Surprise.DIRECTORY_BUSY)
        elif isinstance(error, OSError):
            self.give_up(Surprise.DISK)
        elif self._debug:
            raise error
        else:
            self.health.note(Surprise.INTERNAL)

    def give_up(self, surprise: Surprise) -> None:
        """Turn the client off."""
        self.usable = False
        self._let_go()
        self.health.note(surprise)
        if self._debug:
            raise RuntimeError(surprise.sentence)

    def misuse(self, surprise: Surprise, about: object = "") -> None:
        """Count what the app did wrong; ``about``: the name it used."""
        name = about if isinstance(about, str) else f"a {type(about).__name__}"
        name = name[:NAME_SHOWN].encode("ascii", "backslashreplace").decode("ascii")
        self.health.note(surprise, name)
        if self._debug:
            raise ValueError(f"{surprise.sentence} ({name})" if name else surprise.sentence)

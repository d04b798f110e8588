"""The organisation in force: read at start, read again when its file or a catalog changes.

Edge, store and web process each keep one. A file that cannot be used leaves the one before in force,
whatever is wrong with it: who writes it may be in the middle of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from headcount_wire.continuity import breaks, doubts
from headcount_wire.errors import DeclarationError
from headcount_wire.organisation import Organisation, load_organisation

Stamp = tuple[str, int, int, int]


class OrganisationFile:
    """An organisation file and the organisation in force. Raises as ``load_organisation`` when it is made.

    ``settle_seconds``: how long a changed file, or a catalog, must have been the same before it is read: half of one
    can be sound. ``doubts``: what is likely a mistake in what was taken last, each in a sentence.
    """

    def __init__(
        self, path: Path, *, settle_seconds: float = 0.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._settle_seconds = settle_seconds
        self._monotonic = monotonic
        self._catalogs: set[Path] = set()
        self._stamps = self._seen = self._look()
        self._seen_at = monotonic()
        self.organisation: Organisation = load_organisation(path)
        self.doubts: tuple[str, ...] = ()
        self._watch_catalogs()

    def reload_if_changed(self, *, force: bool = False) -> tuple[str, ...] | None:
        """Take a changed file over. ``None``: nothing changed; empty: taken; else each fault in a sentence.

        A sentence names the file and the line. ``force``: read it, changed or not, and at once.
        """
        try:
            stamps = self._look()
        except OSError as error:  # no descriptor is left to list the folder with: what is in force stays
            return (f"{self._path.parent} cannot be looked at ({error.strerror or type(error).__name__})",)
        if not force and not self._settled(stamps):
            return None
        self._stamps = self._seen = stamps
        try:
            found = load_organisation(self._path)
        except DeclarationError as error:
            return tuple(f"{error.file}, {finding}" for finding in error.findings)
        except OSError as error:
            return (f"{self._path} cannot be read ({error.strerror or type(error).__name__})",)
        if faults := breaks(self.organisation, found):
            return tuple(f"{self._path}: {fault}" for fault in faults)
        self.doubts = tuple(f"{self._path}: {doubt}" for doubt in doubts(self.organisation, found))
        self.organisation = found
        self._watch_catalogs()
        return ()

    def _settled(self, stamps: tuple[Stamp, ...]) -> bool:
        """Whether something changed, and then nothing for a while."""
        if stamps == self._stamps:
            self._seen = stamps
            return False
        now = self._monotonic()
        if stamps != self._seen:
            self._seen, self._seen_at = stamps, now
        return now - self._seen_at >= self._settle_seconds

    def _watch_catalogs(self) -> None:
        """A catalog may lie in another folder: from now on it is watched too."""
        apps = self.organisation.apps.values()
        self._catalogs = {Path(catalog.file) for app in apps for catalog in app.catalogs}

    def _look(self) -> tuple[Stamp, ...]:
        """What tells each file from itself before; files that are not there, such as an editor's lock, are left out."""
        found: list[Stamp] = []
        for file in sorted({self._path, *self._path.parent.glob("*.toml"), *self._catalogs}):
            try:
                stat = file.stat()
            except OSError:
                continue
            found.append((str(file), stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(found)

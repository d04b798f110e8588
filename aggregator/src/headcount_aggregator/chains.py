"""The store's watch over sealed releases: nothing is sealed on top of a chain that is not what was sealed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import structlog
from headcount_wire.segment import Stream

from headcount_aggregator.cells import CellQuery, CellReader, CellRow, Span, ValueSums
from headcount_aggregator.load.disk import Disk
from headcount_aggregator.sealed_chain import RECORD, Survey, Surveyor

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.store")


APP = "[0-9]*-[0-9]*"
"""Names of the folders that hold a chain; others hold none (``debug_counts.FOLDER``)."""


class Chains:
    """The chains of every Customer's app. ``broken``: what is wrong, by folder name; empty when nothing is."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._folder = folder
        self._disk = disk or Disk()
        self._surveyor = Surveyor()
        self.broken: dict[str, list[str]] = {}

    def look(self) -> bool:
        """Look at every chain, and record what was sealed since; returns whether a broken one is whole again."""
        before, self.broken = self.broken, {}
        folders = sorted(path for path in self._folder.glob(APP) if path.is_dir()) if self._folder.is_dir() else []
        for folder in folders:
            found = self._surveyor.survey(folder)
            if found.faults:
                self.broken[folder.name] = found.faults
                if found.faults != before.get(folder.name):
                    log.error(
                        "release_chain_broken",
                        faults=found.faults,
                        advice="nothing more is sealed for this app; put the files back as they were, from a copy",
                    )
            elif found.recorded < len(found.links):
                self._record(folder, found)
        repaired = before.keys() - self.broken.keys()
        for name in sorted(repaired):
            log.info("release_chain_whole", app=name)
        return bool(repaired)

    def _record(self, folder: Path, found: Survey) -> None:
        temporary = folder / f"{RECORD}.tmp"
        self._disk.write(temporary, "".join(f"{link.name} {link.hash}\n" for link in found.links).encode("ascii"))
        self._disk.rename(temporary, folder / RECORD)


class WholeChains:
    """A reader of cells that leaves out every app whose chain is broken: for the release layer."""

    def __init__(self, cells: CellReader, chains: Chains) -> None:
        self._cells = cells
        self._chains = chains

    def sums(self, query: CellQuery) -> Sequence[CellRow]:
        """The sums a query asks for."""
        return self._cells.sums(query)

    def by_value(self, query: CellQuery) -> Sequence[ValueSums]:
        """The sums of a query by their values."""
        return self._cells.by_value(query)

    def spans(self, stream: Stream = Stream.LIVE) -> Sequence[Span]:
        """Every Customer's app that has cells and may be released."""
        broken = self._chains.broken
        return [span for span in self._cells.spans(stream) if f"{span.customer}-{span.app}" not in broken]

"""What differs between ClickHouse versions, chosen here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server of a version understands; ``version`` is (major, minor)."""

    version: tuple[int, int]

    @property
    def text(self) -> str:
        """The type of a column with few different texts."""
        return "LowCardinality(String)" if self.version >= (20, 3) else "String"

    @property
    def table_settings(self) -> str:
        """Settings of a table whose rows must be on the disk when an insert returns."""
        if self.version < (21, 1):
            return ""
        return (
            "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, "
            "min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1"
        )

    @property
    def insert_settings(self) -> str:
        """Settings of every insert: the engine's own deduplication loses and doubles rows, so it is off."""
        settings = "SETTINGS insert_deduplicate = 0"
        if self.version >= (21, 11):
            settings += ", async_insert = 0"
        if self.version >= (26, 1):
            settings += ", deduplicate_insert = 'disable', max_insert_threads = 1"
        return settings

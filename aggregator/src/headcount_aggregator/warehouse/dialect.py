"""What differs between ClickHouse versions, and between a server and a cluster: chosen here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

OLDEST = (18, 16)
"""The oldest version that is spoken to."""

QUORUM_SECONDS = 8
"""How long an insert waits for the replicas it needs."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server of a version understands; ``version`` is (major, minor).

    ``quorum``: how many replicas must hold an insert before it returns; 0 where there are no replicas.
    """

    version: tuple[int, int]
    quorum: int = 0

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
    def insert_options(self) -> dict[str, int | str]:
        """Settings of every insert: the engine's own deduplication loses and doubles rows, so it is off."""
        options: dict[str, int | str] = {"insert_deduplicate": 0}
        if self.version >= (21, 11):
            options["async_insert"] = 0
        if self.version >= (26, 1):
            options |= {"deduplicate_insert": "disable", "max_insert_threads": 1}
        if self.quorum > 1:
            options |= {"insert_quorum": self.quorum, "insert_quorum_timeout": QUORUM_SECONDS * 1000}
        return options

    @property
    def insert_settings(self) -> str:
        """The same as a clause; empty for servers that know none in an insert, which get them beside the statement."""
        if self.version < (21, 1):
            return ""
        listed = (f"{name} = {value!r}" for name, value in self.insert_options.items())
        return f"SETTINGS {', '.join(listed)}"

    @property
    def read_options(self) -> dict[str, int | str]:
        """Settings of a query over shards: no shard may be missing, no replica that is behind may answer for one."""
        return {
            "skip_unavailable_shards": 0,
            "max_replica_delay_for_distributed_queries": 1,
            "fallback_to_stale_replicas_for_distributed_queries": 0,
            "connect_timeout_with_failover_ms": 1000,
            "receive_timeout": 3,
        }

    @property
    def wait_for_mutation(self) -> str:
        """Has ``ALTER TABLE ... DELETE`` return when it is done; older servers do it later, and are asked again."""
        return " SETTINGS mutations_sync = 2" if self.version >= (20, 1) else ""

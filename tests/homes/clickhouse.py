"""Debian's ClickHouse server with a configuration of its own in a folder, on free loopback ports."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from headcount.stack import free_port

from tests.homes.processes import ServerProcess, program

USER, PASSWORD = "headcount", "a pass/word@1"
"""What the store signs in with; the password has what must be escaped in an address."""

Shards = Sequence[Sequence[int]]
"""The native ports of a cluster: one list a shard."""

_CONFIG = """<yandex>
<logger><level>warning</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>
<listen_host>127.0.0.1</listen_host>
<http_port>{http}</http_port><tcp_port>{native}</tcp_port><interserver_http_port>{between}</interserver_http_port>
<interserver_http_host>127.0.0.1</interserver_http_host>
<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><user_files_path>{folder}/files/</user_files_path>
<format_schema_path>{folder}/schemas/</format_schema_path>
<users_config>users.xml</users_config><default_profile>default</default_profile>
<default_database>default</default_database><timezone>UTC</timezone>
<mark_cache_size>33554432</mark_cache_size><max_concurrent_queries>100</max_concurrent_queries>
<max_table_size_to_drop>0</max_table_size_to_drop>
<background_pool_size>4</background_pool_size>
<merge_tree><max_suspicious_broken_parts>100</max_suspicious_broken_parts>
<old_parts_lifetime>1</old_parts_lifetime><cleanup_delay_period>1</cleanup_delay_period>
<cleanup_delay_period_random_add>0</cleanup_delay_period_random_add></merge_tree>
{cluster}
</yandex>
"""
_CLUSTER = """<zookeeper>
<node><host>127.0.0.1</host><port>{keeper}</port></node><session_timeout_ms>4000</session_timeout_ms>
</zookeeper>
<remote_servers><headcount>{shards}</headcount></remote_servers>
<macros><shard>{shard}</shard><replica>{replica}</replica></macros>
"""
_REPLICA = (
    "<replica><host>127.0.0.1</host><port>{port}</port><user>{user}</user><password>{password}</password></replica>"
)
_PROFILE = """<max_memory_usage>2000000000</max_memory_usage><background_pool_size>4</background_pool_size>
<background_schedule_pool_size>4</background_schedule_pool_size>"""
_USERS = """<yandex>
<profiles>
<default>{profile}</default>
<reader>{profile}<readonly>2</readonly></reader>
</profiles>
<quotas><default></default></quotas>
<users>
<default><password></password><networks><ip>127.0.0.1</ip></networks>
<profile>default</profile><quota>default</quota></default>
<{user}><password_sha256_hex>{digest}</password_sha256_hex><networks><ip>127.0.0.1</ip></networks>
<profile>default</profile><quota>default</quota></{user}>
<reader><password_sha256_hex>{digest}</password_sha256_hex><networks><ip>127.0.0.1</ip></networks>
<profile>reader</profile><quota>default</quota></reader>
<narrow><password_sha256_hex>{digest}</password_sha256_hex><networks><ip>127.0.0.1</ip></networks>
<profile>default</profile><quota>default</quota>
<allow_databases><database>narrow</database><database>narrow_across</database></allow_databases></narrow>
</users>
</yandex>
"""


class ClickHouse(ServerProcess):
    """One server. ``keeper``, ``shards`` and ``shard`` make it a replica of a cluster named ``headcount``."""

    def __init__(self, folder: Path, port: int = 0, *, keeper: int = 0, shards: Shards = (), shard: int = 0) -> None:
        folder.mkdir(parents=True)
        port = port or free_port()
        cluster = ""
        if keeper:
            listed = "".join(
                "<shard><internal_replication>true</internal_replication>"
                + "".join(_REPLICA.format(port=one, user=USER, password=PASSWORD) for one in ports)
                + "</shard>"
                for ports in shards
            )
            cluster = _CLUSTER.format(keeper=keeper, shards=listed, shard=shard, replica=port)
        (folder / "config.xml").write_text(
            _CONFIG.format(folder=folder, native=port, http=free_port(), between=free_port(), cluster=cluster)
        )
        digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
        (folder / "users.xml").write_text(_USERS.format(profile=_PROFILE, user=USER, digest=digest))
        for name in ("data", "tmp", "files", "schemas"):
            (folder / name).mkdir()
        if os.geteuid() == 0:
            (folder / "config.xml").chmod(0o600)
        super().__init__(folder, [program("clickhouse-server"), f"--config-file={folder}/config.xml"], port)

    def address(self, database: str = "headcount") -> str:
        """How a store is pointed at the server."""
        return f"clickhouse://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{database}"

"""What a home on servers does beside the shared claims: addresses, errors that hold no value, rights, threads."""

from __future__ import annotations

import itertools
import json
import random
import socket
import tempfile
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from headcount.preflight import ObstacleError, ready_to_start
from headcount.settings import Settings, load_settings
from headcount.stack import WAREHOUSE, free_port, roles_of
from headcount_aggregator.settings import StoreSettings
from headcount_aggregator.store import Store
from headcount_aggregator.warehouse import Reason, Table, WarehouseError
from headcount_aggregator.warehouse.address import Address, parse_address
from headcount_aggregator.warehouse.columns import by_shard, decode_rows, shard_of
from headcount_aggregator.warehouse.dialect import Dialect
from headcount_aggregator.warehouse.native import Node
from headcount_aggregator.warehouse.opening import open_warehouse
from headcount_aggregator.warehouse.server import Server
from headcount_aggregator.warehouse.tables import encode_rows
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.homes.clickhouse import PASSWORD, USER, ClickHouse
from tests.homes.cluster import ClusterProcesses
from tests.homes.filled import make_house, totals
from tests.homes.fresh import fresh_address
from tests.homes.processes import started

SECRET = "s3cr3t@pass"


def test_addresses_are_read_whole() -> None:
    """User, password with escapes, hosts with and without ports, database and cluster; ``embedded`` is none."""
    assert parse_address("embedded") is None
    one = parse_address("clickhouse://me:a%2Fb%401@db.example/sums")
    assert one == Address((("db.example", 9000),), "sums", "", "me", "a/b@1")
    many = parse_address("clickhouse://me:x@a:9001,[::1]:9002/sums?cluster=main")
    assert many == Address((("a", 9001), ("::1", 9002)), "sums", "main", "me", "x")
    assert parse_address("clickhouse://a") == Address((("a", 9000),))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "postgres://u:s3cr3t@h/d",
        "clickhouse://u:s3cr3t@/d",
        "clickhouse://u:s3cr3t@h:99999/d",
        "clickhouse://u:s3cr3t@h/d-d",
        "clickhouse://u:s3cr3t@h/d?x=1",
        "clickhouse://u:s3cr3t@h,i/d",
        "clickhouse://u:s3cr3t@h/d?cluster=a'b",
    ],
)
def test_an_address_that_cannot_be_is_refused_without_repeating_it(text: str) -> None:
    """The sentence says the rule, and holds no piece of what may be a password."""
    with pytest.raises(ValueError, match=r"embedded|host|database|cluster") as caught:
        parse_address(text)
    assert "s3cr3t" not in str(caught.value)


def test_what_is_secret_is_shown_nowhere(tmp_path: Path) -> None:
    """The password is in no text of an address, of settings or of an error of theirs, and on no command line."""
    text = "clickhouse://me:s3cr3t%40pass@db.example:9000/sums"
    address = parse_address(text)
    assert address is not None
    settings = Settings(warehouse=text)
    store = StoreSettings(organisation=tmp_path, data=tmp_path, home=text)
    roles = roles_of(settings)
    shown = [repr(address), address.shown, repr(settings), repr(store), repr(roles), str(settings)]
    shown += [argument for role in roles for argument in role.arguments]
    assert not any("s3cr3t" in one or "me:" in one for one in shown)
    file = tmp_path / "headcount.toml"
    file.write_text(f'warehouse = "{text}?x=1"\n')
    with pytest.raises(ValidationError) as caught:
        load_settings(file)
    assert all("s3cr3t" not in fault["msg"] for fault in caught.value.errors())


def test_only_the_store_is_told_where_the_warehouse_is() -> None:
    """The web process and the edges get no way to the warehouse: not in their arguments, not in their environment."""
    roles = roles_of(Settings(warehouse="clickhouse://me:s3cr3t@db.example/sums", workers=2))
    told = [role.name for role in roles if role.secrets]
    assert told == ["store"]
    for role in roles:
        plain = json.loads(role.arguments[list(role.arguments).index("--settings") + 1])
        assert "warehouse" not in plain
        assert not any("clickhouse" in argument for argument in role.arguments)


def test_other_processes_do_not_inherit_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given by the environment, the address reaches the store's process, and is taken out of every other one's."""
    from headcount.supervisor import Supervisor

    monkeypatch.setenv(WAREHOUSE, "clickhouse://me:s3cr3t@127.0.0.1:1/sums")
    settings = Settings(data=tmp_path / "data", organisation=tmp_path / "none.toml", workers=1)
    supervisor = Supervisor(roles_of(settings), None)
    supervisor.start()
    try:
        found = {
            name: f"{WAREHOUSE}=".encode() in Path(f"/proc/{pid}/environ").read_bytes()
            for name, pid in supervisor.pids().items()
        }
    finally:
        supervisor.stop()
    assert {name for name, told in found.items() if told} <= {"store"}
    assert set(found) > {"store"}


def test_no_error_holds_a_value(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Whatever the server or the driver says of a failure, what leaves the home has its code and no text of it."""
    with fresh_address("server", request) as address, closing(open_warehouse(address, tmp_path)) as home:
        for statement in (
            "SELECT 'canary-1' + 1",
            "SELECT toUInt8('canary-1')",
            "SELECT * FROM canary_1",
            "SELECT throwIf(1, 'canary-1')",
            "SELECT 'canary-1",
        ):
            with pytest.raises(WarehouseError) as caught:
                home.query(statement)
            assert "canary" not in str(caught.value)
            assert "canary" not in repr(caught.value.args)
            assert caught.value.code > 0
            assert caught.value.__context__ is None


@given(
    st.lists(
        st.tuples(
            st.binary(min_size=16, max_size=16),
            st.integers(0, 2**32 - 1),
            st.integers(0, 65_535),
            st.text(max_size=30),
            st.integers(-(2**63), 2**63 - 1),
        ),
        max_size=20,
    )
)
def test_blocks_are_taken_apart_as_they_were_put_together(
    drawn: list[tuple[bytes, int, int, str, int]],
) -> None:
    """RowBinary rows decode to the values they were made of, and each shard's part holds its rows and no others."""
    rows = [(unit, row, day, 0, 1, 2, 3, day, 0, 4, 5, 6, 7, 8, text, "", n) for unit, row, day, text, n in drawn]
    block = encode_rows(Table.LANDING, rows)
    assert [values for values, _ in decode_rows(Table.LANDING, block)] == rows
    parts = by_shard(Table.LANDING, block, 3)
    found = Counter(values for part in parts.values() for values, _ in decode_rows(Table.LANDING, part))
    assert found == Counter(rows)
    for place, part in parts.items():
        assert all(shard_of(values[0].hex(), 3) == place for values, _ in decode_rows(Table.LANDING, part))


def test_a_unit_s_shard_is_the_same_for_ever() -> None:
    """The hash that places units is frozen: another one would put a retry where FINAL cannot see it."""
    names = [bytes([n]).hex() * 16 for n in range(12)]
    assert [shard_of(name, 2) for name in names] == FROZEN[2]
    assert [shard_of(name, 3) for name in names] == FROZEN[3]


FROZEN = {2: [0, 1, 1, 1, 0, 0, 1, 0, 0, 1, 0, 0], 3: [0, 0, 2, 2, 2, 2, 2, 1, 1, 1, 2, 1]}


def test_threads_share_a_home(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Statements of several threads at once are all answered, each with its own answer."""
    answers: list[tuple[int, int]] = []
    with fresh_address("server", request) as address, closing(open_warehouse(address, tmp_path)) as home:

        def ask(number: int) -> None:
            for _ in range(20):
                ((found,),) = home.query(f"SELECT {number}")
                answers.append((number, int(found)))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(answers) == 160
    assert all(asked == found for asked, found in answers)


def test_versions_choose_types_and_settings() -> None:
    """An old server is told nothing it does not know; every version has the engine's own deduplication off."""
    assert Dialect((18, 16)).text == "String"
    assert Dialect((18, 16)).insert_settings == Dialect((18, 16)).table_settings == ""
    assert Dialect((18, 16)).insert_options == {"insert_deduplicate": 0}
    new = Dialect((26, 9), quorum=2)
    assert new.text == "LowCardinality(String)"
    assert "deduplicate_insert = 'disable'" in new.insert_settings
    assert new.insert_options["insert_quorum"] == 2


def settings_for(tmp_path: Path, warehouse: str) -> Settings:
    """Settings with free ports."""
    return Settings(
        data=tmp_path / "data",
        workers=1,
        edge_port=free_port(),
        admin_port=free_port(),
        dashboard_port=free_port(),
        warehouse=warehouse,
    )


def test_what_keeps_a_server_from_serving_is_said_before_the_start(
    tmp_path: Path, clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong password, a missing right, a server too old, a cluster that is not declared: each in its sentence."""
    where = f"127.0.0.1:{clickhouse.port}/sums"
    for address, reason in (
        (f"clickhouse://{USER}:wrong@{where}", Reason.LOGIN),
        (f"clickhouse://nobody:x@{where}", Reason.LOGIN),
        (clickhouse.address("rights").replace(f"//{USER}:", "//reader:"), Reason.RIGHTS),
        (clickhouse.address("sums") + "?cluster=nowhere", Reason.LAYOUT),
    ):
        with pytest.raises(ObstacleError) as caught, ready_to_start(settings_for(tmp_path, address)):
            pass
        assert reason.sentence in str(caught.value)
        assert "wrong" not in str(caught.value)
        assert PASSWORD not in str(caught.value)
    monkeypatch.setattr("headcount_aggregator.warehouse.native.OLDEST", (99, 1))
    with (
        pytest.raises(ObstacleError) as caught,
        ready_to_start(settings_for(tmp_path, clickhouse.address("sums"))),
    ):
        pass
    assert Reason.OLD.sentence in str(caught.value)


def test_a_server_that_is_away_keeps_nobody_from_reporting(tmp_path: Path, clickhouse: ClickHouse) -> None:
    """Unreachable is a warning: the house starts, reports are folded, units wait, nothing is released meanwhile."""
    away = settings_for(tmp_path, f"clickhouse://127.0.0.1:{free_port()}/sums")
    with ready_to_start(away) as warning:
        assert Reason.UNREACHABLE.sentence in warning
    house = make_house(tmp_path / "house")
    settings = StoreSettings(organisation=house.organisation, data=house.data, home=away.warehouse)
    store = Store(settings, house.clock)
    house.arrive()
    house.clock.advance(5 * 86_400.0)
    status = store.tick()
    store.close()
    assert not list(house.data.glob("spool/*/*.seg"))
    assert (status["warehouse"]["units_waiting"], status["warehouse"]["waits_for"]) == (1, Reason.UNREACHABLE.sentence)
    assert "settled_through" not in status
    assert not list(house.data.glob("releases/*/*.json"))
    back = StoreSettings(organisation=house.organisation, data=house.data, home=clickhouse.address("away"))
    store = Store(back, house.clock)
    status = store.tick()
    assert status["warehouse"]["units_waiting"] == 0
    assert list(house.data.glob("releases/*/*.json"))
    store.close()
    with closing(open_warehouse(back.home, tmp_path)) as home:
        assert totals(home) == house.count.totals


def test_the_documented_rights_suffice(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A user that may use the warehouse's own databases and nothing else can load, roll up and release."""
    server: ClickHouse = request.getfixturevalue("clickhouse")
    address = server.address("narrow").replace(f"//{USER}:", "//narrow:")
    with closing(open_warehouse(address, tmp_path)) as home:
        house = make_house(tmp_path)
        with closing(house.loader(home)) as loader:
            house.arrive()
            loader.load_once()
            house.clock.advance(86_400.0)
            assert loader.compact() == 1
        assert totals(home) == house.count.totals
        with pytest.raises(WarehouseError) as caught:
            home.execute("CREATE DATABASE elsewhere")
        assert caught.value.reason is Reason.RIGHTS


def test_a_cell_on_two_shards_is_one_cell(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Units that speak of the same cells on different shards add up, before, within and after a roll-up."""
    house = make_house(tmp_path)
    with (
        fresh_address("cluster", request) as address,
        closing(open_warehouse(address, tmp_path)) as home,
        closing(house.loader(home)) as loader,
    ):
        for _ in range(2):
            held = [0]
            for units in itertools.count(1):  # where a unit goes is chance: a few can all go to one
                house.arrive(20)
                loader.load_once()
                held = [int(shard.query("SELECT count() FROM landing")[0][0]) for shard in home.shards]
                if (all(held) and units >= 5) or units == 40:
                    break
            assert all(held), "both shards hold units"
            assert totals(home) == house.count.totals
            house.clock.advance(86_400.0)
            assert loader.compact() == 1
            assert totals(home) == house.count.totals
        finals = [int(shard.query("SELECT count() FROM final")[0][0]) for shard in home.shards]
        assert all(finals)


def test_replicas_that_have_all_say_so(tmp_path: Path, cluster: ClusterProcesses) -> None:
    """After a load every replica of every shard answers, and none is behind: roll-up asks them that."""
    with closing(open_warehouse(cluster.address("replica"), tmp_path)) as home:
        house = make_house(tmp_path)
        with closing(house.loader(home)) as loader:
            house.arrive()
            loader.load_once()
        for shard in home.shards:
            for replica in shard.replicas:
                assert replica.query("SELECT 1") == [(1,)]
                assert not replica.behind()  # type: ignore[attr-defined]  # a cluster's copies say so


def test_a_lost_connection_is_made_again(clickhouse: ClickHouse) -> None:
    """What is harmless to repeat is asked again when the connection ended; the caller sees no failure."""
    address = parse_address(clickhouse.address())
    assert address is not None
    with closing(Node(*address.hosts[0], address)) as node:
        assert node.query("SELECT 1") == [(1,)]
        for _ in range(random.Random(1).randint(2, 4)):
            node._client.connection.socket.shutdown(2)
            assert node.query("SELECT 2") == [(2,)]


def test_a_closed_home_says_so(clickhouse: ClickHouse) -> None:
    """After ``close`` nothing is asked."""
    address = parse_address(clickhouse.address("closed"))
    assert address is not None
    home = Server(address, address.hosts[0])
    home.close()
    with pytest.raises(WarehouseError) as caught:
        home.query("SELECT 1")
    assert caught.value.reason is Reason.CLOSED


def test_a_port_that_was_taken_meanwhile_is_chosen_anew(tmp_path: Path) -> None:
    """A server whose port another program took is neither used nor waited for: another port is."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        drawn = iter((taken.getsockname()[1], 0))
        with started(lambda: ClickHouse(Path(tempfile.mkdtemp(dir=tmp_path)) / "server", next(drawn))) as server:
            assert server.listens_alone()
        assert next(drawn, None) is None, "the first port was tried"

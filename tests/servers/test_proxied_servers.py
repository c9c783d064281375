"""Do real clients and servers get through the proxy, and do its faults reach them?"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.servers import cassandra
from tests.servers.plain_clients import (
    IMPATIENT,
    cassandra_session,
    dynamodb_client,
    mysql_connection,
    notes,
    postgresql_connection,
)
from tests.servers.proxy import Proxy, before_all

if TYPE_CHECKING:
    from tests.servers import Cluster


def numbers(cluster: Cluster) -> set[int]:
    with notes(cluster) as table:
        return table.all()


@pytest.fixture
def without_notes(postgresql_server: Cluster) -> Cluster:
    with closing(postgresql_connection(postgresql_server.nodes[0].port)) as connection:
        connection.execute("DROP TABLE IF EXISTS notes")
    assert numbers(postgresql_server) == set()
    return postgresql_server


def test_postgresql_commits_although_its_reply_is_lost(without_notes: Cluster) -> None:
    import psycopg

    with Proxy.before(without_notes) as proxy:
        lost = proxy.lose_reply("INSERT", closes=True)
        with closing(postgresql_connection(proxy.port)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            with pytest.raises(psycopg.OperationalError):
                connection.execute("INSERT INTO notes VALUES (%s)", [7])
        assert b"INSERT" in lost.wait()
    assert numbers(without_notes) == {7}


def test_postgresql_does_not_see_a_lost_request(without_notes: Cluster) -> None:
    import psycopg

    with Proxy.before(without_notes) as proxy:
        proxy.lose_request("INSERT", closes=True)
        with (
            closing(postgresql_connection(proxy.port)) as connection,
            pytest.raises(psycopg.OperationalError),
        ):
            connection.execute("INSERT INTO notes VALUES (%s)", [7])
    assert numbers(without_notes) == set()


@pytest.mark.parametrize("tear, left", [("tear_request", set()), ("tear_reply", {7})])
def test_postgresql_and_a_line_that_breaks(
    without_notes: Cluster, tear: str, left: set[int]
) -> None:
    import psycopg

    with Proxy.before(without_notes) as proxy:
        torn = getattr(proxy, tear)("INSERT", after=3)
        with (
            closing(postgresql_connection(proxy.port)) as connection,
            pytest.raises(psycopg.OperationalError),
        ):
            connection.execute("INSERT INTO notes VALUES (%s)", [7])
        torn.wait()
    assert numbers(without_notes) == left


def test_postgresql_commits_a_held_request_after_its_client_has_gone(
    without_notes: Cluster,
) -> None:
    with Proxy.before(without_notes) as proxy:
        held = proxy.hold("COMMIT")
        with closing(postgresql_connection(proxy.port)) as connection:
            connection.execute("BEGIN")
            connection.execute("INSERT INTO notes VALUES (7)")
            connection.pgconn.send_query(b"COMMIT")
            held.wait()
        assert numbers(without_notes) == set()
        assert b"COMMIT" in held.deliver()
        assert numbers(without_notes) == {7}


def test_dynamodb_through_the_proxy(dynamodb_server: Cluster) -> None:
    from botocore.exceptions import (  # type: ignore[import-untyped]
        ConnectionClosedError,
        ReadTimeoutError,
    )

    known = numbers(dynamodb_server)
    new = max(known, default=0) + 1
    with Proxy.before(dynamodb_server) as proxy:
        with closing(dynamodb_client(proxy.endpoint, IMPATIENT)) as client:

            def put(number: int) -> None:
                client.put_item(TableName="notes", Item={"number": {"N": str(number)}})

            put(new)
            held = proxy.hold("PutItem")
            with pytest.raises(ReadTimeoutError):
                put(new + 1)
            lost = proxy.lose_reply("PutItem", closes=True)
            with pytest.raises(ConnectionClosedError):
                put(new + 2)
            lost.wait()
        assert numbers(dynamodb_server) == known | {new, new + 2}
        assert b"200 OK" in held.deliver()
    assert numbers(dynamodb_server) == known | {new, new + 1, new + 2}


def test_mysql_through_the_proxy(mysql_server: Cluster) -> None:
    import pymysql

    known = numbers(mysql_server)
    new = max(known, default=0) + 1
    with Proxy.before(mysql_server) as proxy:
        lost = proxy.lose_reply(f"({new})", closes=True)
        with (
            closing(mysql_connection(proxy.port)) as connection,
            pytest.raises(pymysql.OperationalError),
        ):
            connection.cursor().execute(f"INSERT INTO notes VALUES ({new})")
        lost.wait()
        held = proxy.hold(f"({new + 1})")
        with (
            closing(mysql_connection(proxy.port, IMPATIENT)) as connection,
            pytest.raises(pymysql.OperationalError),
        ):
            connection.cursor().execute(f"INSERT INTO notes VALUES ({new + 1})")
        assert numbers(mysql_server) == known | {new}
        held.deliver()
    assert numbers(mysql_server) == known | {new, new + 1}


def test_cassandra_through_the_proxy(cassandra_server: Cluster) -> None:
    from cassandra import OperationTimedOut

    known = numbers(cassandra_server)
    new = max(known, default=0) + 1
    insert = "INSERT INTO plain.notes (number) VALUES ({}) IF NOT EXISTS"
    with (
        Proxy.before(cassandra_server) as proxy,
        cassandra_session(proxy.host, proxy.port, 5) as session,
    ):
        assert session.cluster.protocol_version == 4
        held, lost = proxy.hold(f"({new})"), proxy.lose_reply(f"({new + 1})")
        kept = session.execute_async(insert.format(new), timeout=30)
        with pytest.raises(OperationTimedOut):
            session.execute(insert.format(new + 1))
        lost.wait()
        # The connection serves other requests meanwhile.
        assert {row.number for row in session.execute("SELECT number FROM plain.notes")} == (
            known | {new + 1}
        )
        held.deliver()
        assert kept.result().one().applied
    assert numbers(cassandra_server) == known | {new, new + 1}


@pytest.mark.servers("cassandra")
def test_a_client_that_finds_the_nodes_by_itself_passes_through_the_proxies() -> None:
    from cassandra.cluster import Cluster as Driver

    with cassandra(3, behind_proxies=True) as cluster, before_all(cluster) as proxies:
        driver = Driver([proxies[0].host], port=proxies[0].port)
        try:
            session = driver.connect()
            session.execute(
                "CREATE KEYSPACE plain WITH replication = "
                "{'class': 'SimpleStrategy', 'replication_factor': 3}"
            )
            session.execute("CREATE TABLE plain.notes (number int PRIMARY KEY)")
            hosts = {(host.address, host.endpoint.port) for host in driver.metadata.all_hosts()}
            assert hosts == {(proxy.host, proxy.port) for proxy in proxies}
            before = [proxy.requests for proxy in proxies]
            add = "INSERT INTO plain.notes (number) VALUES ({}) IF NOT EXISTS"
            for number in range(12):
                assert session.execute(add.format(number)).one().applied
            assert all(now.requests > then for now, then in zip(proxies, before, strict=True))
        finally:
            driver.shutdown()

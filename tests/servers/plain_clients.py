"""What is in a server's own plain table? Asked with its driver, or with no driver at all."""

from __future__ import annotations

import socket
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Cluster

SECONDS = 10
IMPATIENT = 1


class Notes(Protocol):
    """A table of numbers; every call may raise what the driver raises."""

    def add(self, number: int) -> None: ...

    def all(self) -> set[int]: ...


class CassandraNotes:
    def __init__(self, session: Any) -> None:
        self._session = session
        session.execute(
            "CREATE KEYSPACE IF NOT EXISTS plain WITH replication = "
            "{'class': 'SimpleStrategy', 'replication_factor': 1}"
        )
        session.execute("CREATE TABLE IF NOT EXISTS plain.notes (number int PRIMARY KEY)")

    def add(self, number: int) -> None:
        self._session.execute(f"INSERT INTO plain.notes (number) VALUES ({number}) IF NOT EXISTS")

    def all(self) -> set[int]:
        return {row.number for row in self._session.execute("SELECT number FROM plain.notes")}


class DynamoNotes:
    def __init__(self, client: Any) -> None:
        self._client = client
        if "notes" not in client.list_tables()["TableNames"]:
            client.create_table(
                TableName="notes",
                AttributeDefinitions=[{"AttributeName": "number", "AttributeType": "N"}],
                KeySchema=[{"AttributeName": "number", "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
            )

    def add(self, number: int) -> None:
        self._client.put_item(TableName="notes", Item={"number": {"N": str(number)}})

    def all(self) -> set[int]:
        found = self._client.scan(TableName="notes", ConsistentRead=True)["Items"]
        return {int(item["number"]["N"]) for item in found}


class SqlNotes:
    def __init__(self, connection: Any) -> None:
        self._cursor = connection.cursor()
        self._cursor.execute("CREATE TABLE IF NOT EXISTS notes (number int PRIMARY KEY)")

    def add(self, number: int) -> None:
        self._cursor.execute(f"INSERT INTO notes VALUES ({number})")

    def all(self) -> set[int]:
        self._cursor.execute("SELECT number FROM notes")
        return {number for (number,) in self._cursor.fetchall()}


class RedisNotes:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._answers = connection.makefile("rb")

    def add(self, number: int) -> None:
        self._connection.sendall(f"SADD notes {number}\r\n".encode())
        assert self._line() == b":1"

    def all(self) -> set[int]:
        self._connection.sendall(b"SMEMBERS notes\r\n")
        lines = [self._line() for _ in range(2 * int(self._line()[1:]))]
        return {int(line) for line in lines[1::2]}  # each is preceded by its length

    def _line(self) -> bytes:
        line = self._answers.readline()
        if not line:
            raise ConnectionResetError
        return line.rstrip()


@contextmanager
def notes(cluster: Cluster, seconds: float = SECONDS) -> Iterator[Notes]:
    """The table of a running server; a call that gets no answer raises after these seconds."""
    node = cluster.nodes[0]
    if cluster.kind == "cassandra":
        with cassandra_session(node.host, node.port, seconds) as session:
            yield CassandraNotes(session)
    elif cluster.kind == "dynamodb":
        with closing(dynamodb_client(node.endpoint, seconds)) as client:
            yield DynamoNotes(client)
    elif cluster.kind == "postgresql":
        with closing(postgresql_connection(node.port)) as connection:
            yield SqlNotes(connection)
    elif cluster.kind == "mysql":
        with closing(mysql_connection(node.port, seconds)) as connection:
            yield SqlNotes(connection)
    else:
        with socket.create_connection((node.host, node.port), seconds) as plain:
            yield RedisNotes(plain)


@contextmanager
def cassandra_session(host: str, port: int, seconds: float = SECONDS) -> Iterator[Any]:
    """A session that knows one node."""
    from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
    from cassandra.policies import FallthroughRetryPolicy, WhiteListRoundRobinPolicy

    profile = ExecutionProfile(
        load_balancing_policy=WhiteListRoundRobinPolicy([host]),
        retry_policy=FallthroughRetryPolicy(),
        request_timeout=seconds,
    )
    cluster = Cluster([host], port=port, execution_profiles={EXEC_PROFILE_DEFAULT: profile})
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()


def dynamodb_client(endpoint: str, seconds: float = SECONDS) -> Any:
    """A client that never retries."""
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]

    return boto3.client(
        "dynamodb",
        endpoint_url=f"http://{endpoint}",
        region_name="us-west-2",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(read_timeout=seconds, retries={"total_max_attempts": 1}),
    )


def postgresql_connection(port: int) -> Any:
    """A connection that commits each statement."""
    import psycopg

    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        user="postgres",
        password="postgres",
        dbname="postgres",
        autocommit=True,
        connect_timeout=SECONDS,
    )


def mysql_connection(port: int, seconds: float = SECONDS) -> Any:
    """A connection that commits each statement."""
    import pymysql

    return pymysql.connect(
        host="127.0.0.1",
        port=port,
        user="scalar",
        password="scalar",
        database="scalar",
        autocommit=True,
        read_timeout=seconds,
    )

"""Do ScalarDB's clients reach what is the node's own? Nobody logs in where they call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.model.table import TableSchema
from tests.cluster.scalardb_server.messages import (
    TRANSACTION,
    TWO_PHASE,
    Two,
    Tx,
    asks,
    column,
    key,
)
from tests.cluster.scalardb_server.test_administration import BOTH, METADATA, Admin

if TYPE_CHECKING:
    from tests.cluster.scalardb_server.served import Client, Served


@pytest.fixture(scope="module")
def users_table(server: Served) -> str:
    """A table where a node keeps its users and their tokens; what it has is not for clients."""
    schema = TableSchema({"id": "INT", "w": "TEXT"}, ["id"])
    server.run(server.manager.admin.create_table("scalar_tx.of_users", schema))
    return "of_users"


@BOTH
@pytest.mark.parametrize("namespace", ["scalar_tx", "Scalar_TX"])
def test_what_is_the_node_s_own_is_administered_by_nobody(
    client: Client, users_table: str, namespace: str, service: str
) -> None:
    admin = Admin(client, service, 0)
    assert not admin.do("NamespaceExists", namespace=namespace).exists
    assert not admin.do("GetNamespaceTableNames", namespace=namespace).table_names
    table = {"namespace": namespace, "table": users_table}
    assert not admin.do("GetTableMetadata", **table).HasField("table_metadata")
    refused = [
        admin.refused("CreateNamespace", namespace=namespace),
        admin.refused("DropNamespace", namespace=namespace),
        admin.refused("CreateTable", namespace=namespace, table="t", table_metadata=METADATA),
        admin.refused("RepairTable", **table, table_metadata=METADATA),
        admin.refused("TruncateTable", **table),
        admin.refused("DropTable", **table, if_exists=True),
        admin.refused("CreateIndex", **table, column_name="w"),
        admin.refused("DropIndex", **table, column_name="w"),
        admin.refused("AddNewColumnToTable", **table, column_name="x"),
    ]
    assert {text.partition(":")[0] for text in refused} == {"CORE-10096"}


@pytest.mark.parametrize("namespace", ["scalar_tx", "SCALAR_tx"])
def test_what_is_the_node_s_own_is_read_and_written_by_nobody(
    client: Client, users_table: str, namespace: str
) -> None:
    """Nobody logs in here, so a token that could be written would open the node to everybody."""
    where: dict[str, Any] = {"namespace": namespace, "table": users_table}
    read = rpc.Get(**where, partition_key=key(id=1))
    write = rpc.Mutation(**where, partition_key=key(id=1), columns=[column("w", "x")])
    scan = rpc.Scan(**where)
    no_table = (grpc.StatusCode.INVALID_ARGUMENT, "The specified table is not found")
    assert client.refused("DistributedStorage/Get", rpc.GetRequest(get=read)) == no_table
    writes = rpc.MutateRequest(mutations=[write])
    assert client.refused("DistributedStorage/Mutate", writes) == no_table
    pages = client.stream("DistributedStorage/Scan")
    pages.send(rpc.ScanRequest(scan=scan))
    assert pages.end() == no_table
    for kind, path in ((Tx, TRANSACTION), (Two, TWO_PHASE)):
        talk = client.stream(path)
        talk.ask(asks(kind, "begin"))
        for request in (
            asks(kind, "get", get=read),
            asks(kind, "scan", scan=scan),
            asks(kind, "mutate", mutations=[write]),
        ):
            assert talk.ask(request).error.message == no_table[1]
        talk.ask(asks(kind, "rollback"))
        talk.half_close()

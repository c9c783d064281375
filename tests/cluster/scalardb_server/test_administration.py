"""Are namespaces and tables administered as by ScalarDB Server (6.5, 11, 20.1)?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.conftest import make_tables
from tests.cluster.scalardb_server.messages import (
    PLAIN,
    column,
    get,
    key,
    put,
)
from tests.cluster.scalardb_server.served import Client, Served

if TYPE_CHECKING:
    from collections.abc import Iterator

STORAGE, TRANSACTIONS = "DistributedStorageAdmin", "DistributedTransactionAdmin"
BOTH = pytest.mark.parametrize("service", [STORAGE, TRANSACTIONS])
METADATA = rpc.TableMetadata(
    columns={"id": rpc.DATA_TYPE_INT, "at": rpc.DATA_TYPE_BIGINT, "w": rpc.DATA_TYPE_TEXT},
    partition_key_names=["id"],
    clustering_key_names=["at"],
    clustering_orders={"at": rpc.ORDER_DESC},
    secondary_index_names=["w"],
)
NO_TYPE = bytes.fromhex("0a060a026964100912026964")  # column id of type 9, the key


class Admin:
    """The calls of one service on one namespace."""

    def __init__(self, client: Client, service: str, pk: int) -> None:
        self.client, self.service = client, service
        self.namespace = f"n{pk}"

    def do(self, name: str, **fields: Any) -> Any:
        return self.client.call(f"{self.service}/{name}", self._request(name, fields))

    def refused(self, name: str, **fields: Any) -> str:
        request = self._request(name, fields)
        code, text = self.client.refused(f"{self.service}/{name}", request)
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        return text

    def _request(self, name: str, fields: dict[str, Any]) -> Any:
        return self.client.request(f"{self.service}/{name}", **fields)

    def metadata(self, table: str = "t", namespace: str | None = None) -> Any:
        answer = self.do("GetTableMetadata", namespace=namespace or self.namespace, table=table)
        return answer.table_metadata if answer.HasField("table_metadata") else None

    def of_table(self, table: str = "t") -> dict[str, Any]:
        return {"namespace": self.namespace, "table": table}


@pytest.fixture
def admin(client: Client, service: str, pk: int) -> Admin:
    return Admin(client, service, pk)


@pytest.fixture
def table(admin: Admin) -> dict[str, Any]:
    admin.do("CreateNamespace", namespace=admin.namespace)
    admin.do("CreateTable", **admin.of_table(), table_metadata=METADATA)
    return admin.of_table()


@BOTH
def test_a_namespace_from_its_making_to_its_end(admin: Admin, server: Served) -> None:
    """Where namespaces are no more than parts of names, each is there always, as for Java."""
    name = admin.namespace
    only_names = "sqlite" in server.manager.settings.source
    assert admin.do("NamespaceExists", namespace=name).exists == only_names
    admin.do("CreateNamespace", namespace=name, options={"replication-factor": "1"})
    assert admin.do("NamespaceExists", namespace=name).exists
    admin.do("CreateNamespace", namespace=name, if_not_exists=True)
    if only_names:
        admin.do("CreateNamespace", namespace=name)
        admin.do("DropNamespace", namespace=name)
    else:
        text = f"CORE-10050: The namespace already exists. Namespace: {name}"
        assert admin.refused("CreateNamespace", namespace=name) == text
        admin.do("DropNamespace", namespace=name)
        assert not admin.do("NamespaceExists", namespace=name).exists
        text = f"CORE-10051: The namespace does not exist. Namespace: {name}"
        assert admin.refused("DropNamespace", namespace=name) == text
    admin.do("DropNamespace", namespace=name, if_exists=True)


@BOTH
def test_a_table_from_its_making_to_its_end(admin: Admin, table: dict[str, Any]) -> None:
    name = f"{admin.namespace}.t"
    found = admin.metadata()
    assert list(found.partition_key_names) == ["id"]
    assert dict(found.clustering_orders) == {"at": rpc.ORDER_DESC}
    assert list(found.secondary_index_names) == ["w"]
    assert dict(found.columns) == dict(METADATA.columns)
    admin.do("CreateTable", **table, table_metadata=METADATA, if_not_exists=True)
    text = f"CORE-10052: The table already exists. Table: {name}"
    assert admin.refused("CreateTable", **table, table_metadata=METADATA) == text
    admin.do("CreateTable", **admin.of_table("s"), table_metadata=METADATA)
    names = admin.do("GetNamespaceTableNames", namespace=admin.namespace).table_names
    assert sorted(names) == ["s", "t"]
    text = (
        f"CORE-10053: The namespace is not empty. Namespace: {admin.namespace}; "
        "Tables in the namespace: [s, t]"
    )
    assert admin.refused("DropNamespace", namespace=admin.namespace) == text
    for one in ("s", "t"):
        admin.do("DropTable", **admin.of_table(one))
    assert admin.metadata() is None
    admin.do("DropTable", **table, if_exists=True)
    text = f"CORE-10016: The table does not exist. Table: {name}"
    assert admin.refused("DropTable", **table) == text
    assert admin.refused("TruncateTable", **table) == text
    assert admin.refused("CreateIndex", **table, column_name="w") == text
    assert admin.refused("DropIndex", **table, column_name="w") == text
    assert admin.refused("AddNewColumnToTable", **table, column_name="x") == text
    admin.do("DropNamespace", namespace=admin.namespace)


@BOTH
def test_indexes_and_columns(admin: Admin, table: dict[str, Any]) -> None:
    where = f"Table: {admin.namespace}.t; Column:"
    text = f"CORE-10055: The index already exists. {where} w"
    assert admin.refused("CreateIndex", **table, column_name="w") == text
    admin.do("CreateIndex", **table, column_name="w", if_not_exists=True)
    admin.do("DropIndex", **table, column_name="w")
    assert list(admin.metadata().secondary_index_names) == []
    text = f"CORE-10056: The index does not exist. {where} w"
    assert admin.refused("DropIndex", **table, column_name="w") == text
    admin.do("DropIndex", **table, column_name="w", if_exists=True)
    admin.do("CreateIndex", **table, column_name="w")
    assert list(admin.metadata().secondary_index_names) == ["w"]
    text = f"CORE-10054: The column does not exist. {where} gone"
    assert admin.refused("CreateIndex", **table, column_name="gone") == text
    text = f"CORE-10057: The column already exists. {where} w"
    assert admin.refused("AddNewColumnToTable", **table, column_name="w") == text
    new = rpc.DATA_TYPE_DOUBLE
    admin.do("AddNewColumnToTable", **table, column_name="x", column_type=new)
    assert admin.metadata().columns["x"] == new


@BOTH
def test_repair_makes_what_is_missing(admin: Admin) -> None:
    admin.do("RepairTable", **admin.of_table(), table_metadata=METADATA)
    assert dict(admin.metadata().columns) == dict(METADATA.columns)


@BOTH
@pytest.mark.parametrize(
    "metadata",
    [
        rpc.TableMetadata(),
        rpc.TableMetadata.FromString(NO_TYPE),
        rpc.TableMetadata(columns={"id": rpc.DATA_TYPE_INT}, partition_key_names=["other"]),
    ],
    ids=["empty", "no type", "no column"],
)
def test_what_can_be_no_table_is_an_illegal_argument(
    admin: Admin, metadata: rpc.TableMetadata
) -> None:
    admin.refused("CreateTable", **admin.of_table(), table_metadata=metadata)
    admin.refused("RepairTable", **admin.of_table(), table_metadata=metadata)
    assert admin.metadata() is None


@BOTH
def test_that_a_table_is_absent_is_no_error(admin: Admin) -> None:
    for table, namespace in (("absent", "shop"), ("t", "absent"), ("", "shop"), ("t", "a.b")):
        name = f"{admin.service}/GetTableMetadata"
        request = rpc.GetTableMetadataRequest(namespace=namespace, table=table)
        assert admin.client.call(name, request).SerializeToString() == b""


@BOTH
def test_a_truncated_table_is_empty(admin: Admin, table: dict[str, Any], server: Served) -> None:
    if admin.service == TRANSACTIONS:
        values = {"id": 1, "at": 1}
        server.run(server.manager.insert(f"{admin.namespace}.t", values))
    else:
        write = rpc.Mutation(
            partition_key=key(id=1),
            clustering_key=rpc.Key(columns=[rpc.Column(name="at", bigint_value=1)]),
            columns=[column("w", "x")],
            **table,
        )
        admin.client.call("DistributedStorage/Mutate", rpc.MutateRequest(mutations=[write]))
    records = server.run(count(server, f"{admin.namespace}.t"))
    assert records == 1
    admin.do("TruncateTable", **table)
    assert server.run(count(server, f"{admin.namespace}.t")) == 0


async def count(server: Served, name: str) -> int:
    from scalar_tx.storage.interface import ScanRequest, WholeTableSource

    async def steps() -> int:
        storage = server.parts.storage
        table = await storage.admin.table(name)
        pages = storage.scan(ScanRequest(table, WholeTableSource()))
        found = 0
        while (page := await pages.next_page()) is not None:
            found += len(page)
        return found

    return await server.manager._drive(steps())


def test_each_service_sees_what_is_its_own(client: Client, pk: int) -> None:
    stored, users = Admin(client, STORAGE, pk), Admin(client, TRANSACTIONS, pk)
    users.do("CreateTable", **users.of_table(), table_metadata=METADATA)
    stored.do("CreateTable", **stored.of_table("raw"), table_metadata=METADATA)
    assert {"tx_id", "tx_state", "before_w"} <= set(stored.metadata().columns)
    assert set(users.metadata().columns) == {"id", "at", "w"}
    assert users.metadata("raw") is None
    assert stored.metadata("raw") is not None
    for seen, expected in ((stored, ["raw", "t"]), (users, ["t"])):
        names = seen.do("GetNamespaceTableNames", namespace=seen.namespace).table_names
        assert sorted(names) == expected
    users.do("DropTable", **users.of_table())
    text = users.refused("DropNamespace", namespace=users.namespace)
    assert text.endswith("Tables in the namespace: [raw]")
    text = f"CORE-10052: The table already exists. Table: {users.namespace}.raw"
    again = {**users.of_table("raw"), "table_metadata": METADATA}
    assert users.refused("CreateTable", **again) == text


def test_the_coordinators_namespace_is_there_for_one_service_only(client: Client) -> None:
    stored, users = Admin(client, STORAGE, 0), Admin(client, TRANSACTIONS, 0)
    assert stored.do("NamespaceExists", namespace="coordinator").exists
    assert not users.do("NamespaceExists", namespace="coordinator").exists
    assert stored.metadata("state", "coordinator") is not None
    assert users.metadata("state", "coordinator") is None
    names = users.do("GetNamespaceTableNames", namespace="coordinator").table_names
    assert list(names) == []
    text = (
        "CORE-10096: The namespace coordinator is reserved. Any operations on this namespace are "
        "not allowed"
    )
    own = {"namespace": "coordinator", "table": "t", "table_metadata": METADATA}
    assert users.refused("CreateNamespace", namespace="coordinator") == text
    assert users.refused("CreateTable", **own) == text
    assert users.refused("RepairTable", **own) == text
    for what in ("DropTable", "TruncateTable", "CreateIndex", "DropIndex", "AddNewColumnToTable"):
        assert users.refused(what, namespace="coordinator", table="state") == text
    assert users.refused("DropNamespace", namespace="coordinator") == text


@pytest.fixture(params=["memory", "sqlite"])
def fresh(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Admin]:
    target = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/fresh.db"
    served = Served(target)
    made = Client(served.port)
    yield Admin(made, TRANSACTIONS, 0)
    made.close()
    served.close()


def test_the_coordinators_tables_from_their_making_to_their_end(fresh: Admin) -> None:
    missing = "CORE-10095: Coordinator tables do not exist"
    assert not fresh.do("CoordinatorTablesExist").exist
    assert fresh.refused("DropCoordinatorTables") == missing
    assert fresh.refused("TruncateCoordinatorTables") == missing
    fresh.do("DropCoordinatorTables", if_exist=True)
    fresh.do("CreateCoordinatorTables")
    assert fresh.do("CoordinatorTablesExist").exist
    there = "CORE-10094: Coordinator tables already exist"
    assert fresh.refused("CreateCoordinatorTables") == there
    fresh.do("CreateCoordinatorTables", if_not_exist=True)
    abort = rpc.AbortRequest(transaction_id="x")
    state = rpc.GetTransactionStateRequest(transaction_id="x")
    fresh.client.call("DistributedTransaction/Abort", abort)
    fresh.do("TruncateCoordinatorTables")
    found = fresh.client.call("DistributedTransaction/GetState", state).state
    assert found == rpc.TRANSACTION_STATE_UNKNOWN
    fresh.do("DropCoordinatorTables")
    assert not fresh.do("CoordinatorTablesExist").exist
    fresh.do("RepairCoordinatorTables")
    assert fresh.do("CoordinatorTablesExist").exist


def test_tables_are_administered_while_the_server_is_paused(client: Client, server: Served) -> None:
    server.gate.close()
    try:
        seen = Admin(client, TRANSACTIONS, 10_000)
        seen.do("CreateTable", **seen.of_table(), table_metadata=METADATA)
        seen.do("DropTable", **seen.of_table())
    finally:
        server.gate.open()


def test_what_was_changed_here_is_known_here(client: Client, server: Served, pk: int) -> None:
    """A table that is dropped and made anew, with another column, between two writes."""
    stored = Admin(client, STORAGE, pk)
    mutate, read = "DistributedStorage/Mutate", "DistributedStorage/Get"
    of: Any = stored.of_table()
    for name in ("v", "u"):
        metadata = rpc.TableMetadata(
            columns={"pk": rpc.DATA_TYPE_INT, "ck": rpc.DATA_TYPE_INT, name: rpc.DATA_TYPE_INT},
            partition_key_names=["pk"],
            clustering_key_names=["ck"],
        )
        values: dict[str, Any] = {name: 1}
        stored.do("CreateTable", **of, table_metadata=metadata)
        client.call(mutate, rpc.MutateRequest(mutations=[put(pk, of=of, **values)]))
        result = client.call(read, rpc.GetRequest(get=get(pk, of=of))).result
        assert {one.name for one in result.columns} == {"pk", "ck", name}
        stored.do("DropTable", **of)
        gone = client.refused(read, rpc.GetRequest(get=get(pk, of=of)))
        assert gone == (grpc.StatusCode.INVALID_ARGUMENT, "The specified table is not found")


def test_a_server_without_tables_says_so() -> None:
    served = Served("memory://")
    client = Client(served.port)
    name = "DistributedStorage/Get"
    text = "The specified table is not found"
    request = rpc.GetRequest(get=get(1, of=PLAIN))
    assert client.refused(name, request) == (grpc.StatusCode.INVALID_ARGUMENT, text)
    make_tables(served)
    assert not client.call(name, request).HasField("result")
    client.close()
    served.close()


@BOTH
def test_whoever_remembers_a_table_hears_that_it_is_dropped(admin: Admin, server: Served) -> None:
    admin.do("CreateTable", **admin.of_table(), table_metadata=METADATA)
    server.dropped.clear()
    admin.do("DropTable", **admin.of_table("other"), if_exists=True)
    admin.refused("DropNamespace", namespace=admin.namespace)
    assert server.dropped == []
    admin.do("DropTable", **admin.of_table())
    admin.do("DropNamespace", namespace=admin.namespace)
    assert server.dropped == [f"{admin.namespace}.t", admin.namespace]

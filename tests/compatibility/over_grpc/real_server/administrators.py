"""What do clients ask of both administrations, rightly and wrongly?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.compatibility.over_grpc.real_server.reasons import INDEXES, NO_TABLE, UNSEEN
from tests.compatibility.over_grpc.real_server.requests import (
    committed,
    metadata,
    partitions,
    put,
    state,
)
from tests.compatibility.over_grpc.real_server.said import Call, Step, differs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SERVICES = {"stored": "DistributedStorageAdmin", "transactional": "DistributedTransactionAdmin"}
COORDINATOR = {"namespace": "coordinator", "table": "state"}


def call(service: str, method: str, **fields: Any) -> Step:
    return Call(f"{service}/{method}", getattr(rpc, f"{method}Request")(**fields))


def making_tables() -> list[Step]:
    """What all other conversations use."""
    stored, seen = SERVICES.values()
    two_keys = metadata((["p1", "p2"], ["c1", "c2"]), orders={"c1": 1, "c2": 0}, indexes=("v",))
    return [
        call(seen, "CoordinatorTablesExist"),
        call(seen, "TruncateCoordinatorTables"),
        call(seen, "DropCoordinatorTables"),
        call(seen, "DropCoordinatorTables", if_exist=True),
        call(seen, "CreateCoordinatorTables"),
        call(seen, "CreateCoordinatorTables"),
        call(seen, "CreateCoordinatorTables", if_not_exist=True),
        call(seen, "CoordinatorTablesExist"),
        call(seen, "CreateNamespace", namespace="shop", if_not_exists=True),
        call(seen, "CreateTable", namespace="shop", table="things", table_metadata=metadata()),
        call(stored, "CreateTable", namespace="shop", table="raw", table_metadata=metadata()),
        call(seen, "CreateTable", namespace="shop", table="wide", table_metadata=two_keys),
        call(
            seen,
            "CreateTable",
            namespace="shop",
            table="flat",
            table_metadata=metadata((["pk"], []), indexes=()),
        ),
    ]


def of_tables(service: str) -> list[Step]:
    """A table from its making to its end, each step at the wrong time too."""
    here = {"namespace": f"of_{service.lower()}", "table": "t"}
    of_namespace = {"namespace": here["namespace"]}

    def ask(method: str, **fields: Any) -> Step:
        return call(service, method, **fields)

    wider = metadata()
    wider.columns["extra"] = rpc.DATA_TYPE_DOUBLE
    return [
        ask("CreateNamespace", **of_namespace),
        ask("CreateNamespace", **of_namespace, if_not_exists=True),
        ask("NamespaceExists"),
        ask("GetTableMetadata", **here),
        ask("GetNamespaceTableNames", **of_namespace),
        ask("DropTable", **here),
        ask("DropTable", **here, if_exists=True),
        ask("TruncateTable", **here),
        ask("CreateIndex", **here, column_name="v"),
        ask("CreateIndex", **here, column_name="v", if_not_exists=True),
        ask("DropIndex", **here, column_name="v"),
        ask("DropIndex", **here, column_name="v", if_exists=True),
        ask("AddNewColumnToTable", **here, column_name="n", column_type=rpc.DATA_TYPE_INT),
        ask("CreateTable", **here, table_metadata=metadata(orders={"ck": 1})),
        ask("CreateTable", **here, table_metadata=metadata()),
        ask("CreateTable", **here, table_metadata=metadata(), if_not_exists=True),
        ask("GetTableMetadata", **here),
        ask("GetNamespaceTableNames", **of_namespace),
        ask("CreateIndex", **here, column_name="v"),
        ask("CreateIndex", **here, column_name="v"),
        ask("CreateIndex", **here, column_name="v", if_not_exists=True),
        ask("CreateIndex", **here, column_name="absent"),
        ask("CreateIndex", **here, column_name="absent", if_not_exists=True),
        ask("CreateIndex", **here),
        ask("GetTableMetadata", **here),
        ask("DropIndex", **here, column_name="v"),
        ask("DropIndex", **here, column_name="v"),
        ask("DropIndex", **here, column_name="v", if_exists=True),
        ask("DropIndex", **here, column_name="absent"),
        ask("DropIndex", **here, column_name="absent", if_exists=True),
        ask("GetTableMetadata", **here),
        ask("AddNewColumnToTable", **here, column_name="n", column_type=rpc.DATA_TYPE_TEXT),
        ask("AddNewColumnToTable", **here, column_name="n", column_type=rpc.DATA_TYPE_TEXT),
        ask("AddNewColumnToTable", **here, column_name="ck", column_type=rpc.DATA_TYPE_TEXT),
        ask("GetTableMetadata", **here),
        ask("RepairTable", **here, table_metadata=wider),
        ask("TruncateTable", **here),
        ask("DropNamespace", **of_namespace),
        ask("DropNamespace", **of_namespace, if_exists=True),
        ask("DropTable", **here),
        ask("DropTable", **here),
        ask("GetTableMetadata", **here),
    ]


def of_empty_requests(service: str) -> list[Step]:
    """Each call without anything in it."""
    methods = (
        "DropTable",
        "TruncateTable",
        "CreateIndex",
        "DropIndex",
        "AddNewColumnToTable",
        "GetTableMetadata",
        "GetNamespaceTableNames",
    )
    return [call(service, method) for method in methods]


def of_bad_tables(service: str) -> list[Step]:
    """Descriptions that fit no table."""
    here = {"namespace": "shop", "table": f"bad_{service.lower()}"}
    bad = (None, metadata(columns={}), metadata(([], [])))
    of_no_type = metadata(columns={"pk": 1, "ck": 1, "v": 9, "w": 5})
    return [
        *(call(service, "CreateTable", **here, table_metadata=wrong) for wrong in bad),
        call(service, "CreateTable", **here, table_metadata=of_no_type),
        call(service, "GetTableMetadata", **here),
        differs(
            NO_TABLE,
            call(service, "CreateTable", **here, table_metadata=metadata(indexes=("absent",))),
        ),
        call(service, "DropTable", **here, if_exists=True),
        differs(NO_TABLE, call(service, "CreateTable", **here, table_metadata=metadata(orders={}))),
        call(service, "DropTable", **here, if_exists=True),
        call(service, "GetTableMetadata", **here),
    ]


def of_the_coordinator(service: str) -> list[Step]:
    """Whose tables are no others'."""
    table = COORDINATOR
    namespace = {"namespace": table["namespace"]}
    return [
        call(service, "GetTableMetadata", **table),
        call(service, "GetNamespaceTableNames", **namespace),
        call(service, "NamespaceExists", **namespace),
    ]


def of_the_coordinator_by_users() -> list[Step]:
    """What transaction administration refuses to do to them."""
    service = SERVICES["transactional"]
    table = COORDINATOR
    namespace = {"namespace": table["namespace"]}
    return [
        call(service, "CreateNamespace", **namespace),
        call(service, "CreateNamespace", **namespace, if_not_exists=True),
        call(service, "DropNamespace", **namespace),
        call(service, "CreateTable", **table, table_metadata=metadata()),
        call(service, "DropTable", **table),
        call(service, "TruncateTable", **table),
        call(service, "CreateIndex", **table, column_name="tx_state"),
        call(service, "DropIndex", **table, column_name="tx_state"),
        call(service, "AddNewColumnToTable", **table, column_name="n", column_type=1),
        call(service, "RepairTable", **table, table_metadata=metadata()),
        call(service, "RepairCoordinatorTables"),
        call(service, "CoordinatorTablesExist"),
    ]


def of_tables_without_transactions() -> list[Step]:
    """Through the administration that does not see them."""
    service, raw = SERVICES["transactional"], {"namespace": "shop", "table": "unseen"}
    return [
        call(SERVICES["stored"], "CreateTable", **raw, table_metadata=metadata()),
        call(service, "GetTableMetadata", **raw),
        call(service, "GetNamespaceTableNames", namespace="shop"),
        call(service, "CreateTable", **raw, table_metadata=metadata()),
        call(service, "CreateTable", **raw, table_metadata=metadata(), if_not_exists=True),
        differs(UNSEEN, call(service, "CreateIndex", **raw, column_name="v")),
        differs(UNSEEN, call(service, "DropIndex", **raw, column_name="w")),
        call(service, "AddNewColumnToTable", **raw, column_name="n", column_type=1),
        differs(UNSEEN, call(service, "TruncateTable", **raw)),
        differs(UNSEEN, call(SERVICES["stored"], "GetTableMetadata", **raw)),
    ]


def of_an_emptied_coordinator() -> list[Step]:
    """Decisions that are forgotten."""
    pk, service = next(partitions), SERVICES["transactional"]
    return [
        *committed("soon forgotten", put(pk, 1, v=1)),
        state("soon forgotten"),
        call(service, "TruncateCoordinatorTables"),
        state("soon forgotten"),
        *committed("after that", put(pk, 2, v=1)),
        state("after that"),
    ]


def of_stored_tables() -> list[Step]:
    """Transactional tables as they are stored."""
    service, things = SERVICES["stored"], {"namespace": "shop", "table": "things"}
    return [
        differs(INDEXES, call(service, "GetTableMetadata", **things)),
        differs(INDEXES, call(service, "GetTableMetadata", namespace="shop", table="wide")),
        call(service, "GetTableMetadata", namespace="shop", table="flat"),
        call(service, "GetTableMetadata", namespace="shop"),
        call(service, "GetTableMetadata", table="things"),
        call(service, "GetNamespaceTableNames", namespace="shop"),
        call(service, "GetNamespaceTableNames", namespace="nowhere"),
        call(service, "NamespaceExists", namespace="shop"),
        call(service, "AddNewColumnToTable", **things, column_name="tx_id", column_type=5),
    ]


CONVERSATIONS: Mapping[str, Callable[[], list[Step]]] = {
    "coordinator": of_the_coordinator_by_users,
    "an emptied coordinator": of_an_emptied_coordinator,
    "without transactions": of_tables_without_transactions,
    "as stored": of_stored_tables,
}
OF_EACH: Mapping[str, Callable[[str], list[Step]]] = {
    "tables": of_tables,
    "empty": of_empty_requests,
    "bad tables": of_bad_tables,
    "the coordinator's": of_the_coordinator,
}


def conversations() -> dict[str, list[Step]]:
    found = {f"administration: {name}": made() for name, made in CONVERSATIONS.items()}
    for name, made in OF_EACH.items():
        for which, service in SERVICES.items():
            found[f"administration, {which}: {name}"] = made(service)
    return found

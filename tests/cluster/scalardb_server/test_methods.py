"""Is every method of the protocol served, on every storage, and not by chance?

Each has at least one row here: a request, and what comes of it. Tests of their own say more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.messages import PLAIN, Two, Tx, asks, get, put, scan
from tests.cluster.scalardb_server.served import METHODS

if TYPE_CHECKING:
    from tests.cluster.scalardb_server.served import Client

Row = tuple[str, dict[str, Any], str]

METADATA = rpc.TableMetadata(
    columns={"id": rpc.DATA_TYPE_INT, "n": rpc.DATA_TYPE_INT}, partition_key_names=["id"]
)
TABLE: dict[str, Any] = {"namespace": "rows", "table": "t"}
INDEX: dict[str, Any] = {**TABLE, "column_name": "n"}

# In the order of their calls, once through storage administration and once through the other.
ADMINISTRATION: list[Row] = [
    ("CreateNamespace", {"namespace": "rows"}, ""),
    ("NamespaceExists", {"namespace": "rows"}, "exists: true"),
    ("CreateTable", {**TABLE, "table_metadata": METADATA}, ""),
    ("GetNamespaceTableNames", {"namespace": "rows"}, 'table_names: "t"'),
    ("CreateIndex", INDEX, ""),
    ("GetTableMetadata", TABLE, 'secondary_index_names: "n"'),
    ("DropIndex", INDEX, ""),
    ("AddNewColumnToTable", {**TABLE, "column_name": "m"}, ""),
    ("RepairTable", {**TABLE, "table_metadata": METADATA}, ""),
    ("TruncateTable", TABLE, ""),
    ("DropTable", TABLE, ""),
    ("DropNamespace", {"namespace": "rows"}, ""),
]
COORDINATOR: list[Row] = [
    ("CoordinatorTablesExist", {}, "exist: true"),
    ("TruncateCoordinatorTables", {}, ""),
    ("DropCoordinatorTables", {}, ""),
    ("CoordinatorTablesExist", {}, ""),
    ("CreateCoordinatorTables", {}, ""),
    ("RepairCoordinatorTables", {}, ""),
]
BY_ID: list[Row] = [
    ("GetState", {"transaction_id": "rows"}, "state: TRANSACTION_STATE_UNKNOWN"),
    ("Rollback", {"transaction_id": "rows"}, "state: TRANSACTION_STATE_ABORTED"),
    ("Abort", {"transaction_id": "rows"}, "state: TRANSACTION_STATE_ABORTED"),
]


def _of(service: str, rows: list[Row]) -> list[Row]:
    return [(f"{service}/{name}", fields, expected) for name, fields, expected in rows]


ROWS: list[Row] = [
    ("DistributedStorage/Mutate", {"mutations": [put(77, of=PLAIN, v=5)]}, ""),
    ("DistributedStorage/Get", {"get": get(77, of=PLAIN)}, "int_value: 5"),
    *_of("DistributedStorageAdmin", ADMINISTRATION),
    *_of("DistributedTransaction", BY_ID),
    *_of("DistributedTransactionAdmin", [*ADMINISTRATION, *COORDINATOR]),
    *_of("TwoPhaseCommitTransaction", BY_ID),  # the abort of before was forgotten with the rest
    ("Admin/Pause", {}, ""),
    ("Admin/CheckPaused", {}, "paused: true"),
    ("Admin/Unpause", {}, ""),
]
STREAMS: dict[str, tuple[Any, str]] = {
    "DistributedStorage/Scan": (rpc.ScanRequest(scan=scan(77, of=PLAIN)), "int_value: 5"),
    "DistributedTransaction/Transaction": (asks(Tx, "begin"), "begin_response"),
    "TwoPhaseCommitTransaction/TwoPhaseCommitTransaction": (asks(Two, "begin"), "begin_response"),
}


def test_every_method_has_a_row() -> None:
    protocol = {name for name in METHODS if not name.startswith("Admin/")}
    assert len(protocol) == 40
    assert {name for name, _, _ in ROWS} | set(STREAMS) == set(METHODS)


def test_every_row(client: Client) -> None:
    for name, fields, expected in ROWS:
        answer = str(client.call(name, client.request(name, **fields)))
        assert expected in answer, name
        assert expected or not answer, name
    for name, (request, expected) in STREAMS.items():
        talk = client.stream(name)
        assert expected in str(talk.ask(request)), name
        talk.cancel()


@pytest.mark.parametrize("name", METHODS)
def test_an_empty_request_never_ends_in_an_error_of_ours(client: Client, name: str) -> None:
    """Or it does what it says: some calls need no argument."""
    if name.startswith("Admin/") or name.endswith("CoordinatorTables"):
        return
    if name in STREAMS:
        talk = client.stream(name)
        talk.send(client.request(name))
        code, _ = talk.end()
    else:
        try:
            client.call(name)
        except grpc.RpcError as error:
            found: Any = error
            code = found.code()
        else:
            return
    assert code is grpc.StatusCode.INVALID_ARGUMENT

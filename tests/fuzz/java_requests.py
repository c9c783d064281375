"""What would a client of ScalarDB send to the node's open protocol?"""

from __future__ import annotations

from typing import Any, Final

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.messages import condition, key

_ORDERS: Final[dict[str, Any]] = {"namespace": "shop", "table": "orders"}
_PLACE: Final[dict[str, Any]] = {
    "partition_key": key(owner="ada"),
    "clustering_key": key(at=1, kind=2),
}
_GETS: Final = [
    rpc.Get(**_ORDERS, **_PLACE),
    rpc.Get(**_ORDERS, **_PLACE, projections=["note", "size"]),
    rpc.Get(**_ORDERS, partition_key=key(note="n")),
]
_SCANS: Final = [
    rpc.Scan(**_ORDERS, partition_key=key(owner="ada"), limit=3),
    rpc.Scan(
        **_ORDERS,
        partition_key=key(owner="ada"),
        start_clustering_key=key(at=0),
        start_inclusive=True,
        end_clustering_key=key(at=9),
        orderings=[rpc.Ordering(name="at", order=rpc.ORDER_DESC)],
    ),
    rpc.Scan(**_ORDERS, partition_key=key(note="n")),
    rpc.Scan(**_ORDERS),
]
_MUTATIONS: Final = [
    rpc.Mutation(**_ORDERS, **_PLACE, columns=key(size=3, note="n").columns),
    rpc.Mutation(
        **_ORDERS,
        **_PLACE,
        columns=key(size=4).columns,
        condition=condition("PUT_IF", size=("GTE", 1)),
        implicit_pre_read_enabled=True,
    ),
    rpc.Mutation(**_ORDERS, **_PLACE, type=rpc.Mutation.DELETE),
    rpc.Mutation(
        **_ORDERS,
        **_PLACE,
        type=rpc.Mutation.DELETE,
        condition=condition("DELETE_IF", note=("IS_NOT_NULL", None)),
    ),
]


def _steps(kind: Any, ends: list[str]) -> list[Any]:
    """The steps that both kinds of transactions have, and how each ends."""
    return [
        *(kind(get_request=kind.GetRequest(get=one)) for one in _GETS),
        *(kind(scan_request=kind.ScanRequest(scan=one)) for one in _SCANS),
        *(kind(mutate_request=kind.MutateRequest(mutations=[one])) for one in _MUTATIONS),
        *(kind(**{f"{end}_request": {}}) for end in ends),
    ]


def java_requests() -> dict[str, list[Any]]:
    """Requests by their type."""
    metadata = rpc.TableMetadata(
        columns={"id": rpc.DATA_TYPE_INT, "n": rpc.DATA_TYPE_TEXT}, partition_key_names=["id"]
    )
    more: dict[str, Any] = {"namespace": "shop", "table": "more"}
    return {
        "GetRequest": [rpc.GetRequest(get=one) for one in _GETS],
        "ScanRequest": [rpc.ScanRequest(scan=one, fetch_count=2) for one in _SCANS],
        "MutateRequest": [rpc.MutateRequest(mutations=[one]) for one in _MUTATIONS],
        "TransactionRequest": _steps(rpc.TransactionRequest, ["commit", "abort", "rollback"]),
        "TwoPhaseCommitTransactionRequest": _steps(
            rpc.TwoPhaseCommitTransactionRequest, ["prepare", "validate", "commit", "rollback"]
        ),
        "CreateTableRequest": [
            rpc.CreateTableRequest(**more, table_metadata=metadata, if_not_exists=True)
        ],
        "GetTableMetadataRequest": [rpc.GetTableMetadataRequest(**_ORDERS)],
        "GetNamespaceTableNamesRequest": [rpc.GetNamespaceTableNamesRequest(namespace="shop")],
        "AddNewColumnToTableRequest": [
            rpc.AddNewColumnToTableRequest(**more, column_name="m", column_type=rpc.DATA_TYPE_INT)
        ],
    }

"""Which methods has a node, and what do real requests of them look like?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message_factory import GetMessageClass

from scalar_tx.cluster.messages.operations import operation_message, scan_message
from scalar_tx.cluster.messages.values import columns_message
from scalar_tx.cluster.rpc import scalar_admin_pb2, scalardb_pb2
from scalar_tx.cluster.rpc.v1 import (
    administration_pb2,
    operations_pb2,
    scripts_pb2,
    security_pb2,
    transactions_pb2,
    values_pb2,
)
from scalar_tx.model.conditions import column
from scalar_tx.model.operations import Delete, Get, Insert, Put, Scan, Update, Upsert

if TYPE_CHECKING:
    from google.protobuf.descriptor import FileDescriptor

    from scalar_tx.model.operations import Operation
    from scalar_tx.model.types import Value

TABLE: Final = "shop.orders"
_KEY: Final[dict[str, Value]] = {"owner": "ada", "at": 1, "kind": 2}


@dataclass(frozen=True, slots=True)
class Method:
    """One method, as its descriptor has it; ``java``: of the open protocol."""

    path: str
    described: Any
    java: bool

    @property
    def request(self) -> Any:
        return GetMessageClass(self.described.input_type)

    def __repr__(self) -> str:
        return self.path


def _of(file: FileDescriptor, *, java: bool) -> list[Method]:
    return [
        Method(f"/{service.full_name}/{method.name}", method, java)
        for service in file.services_by_name.values()
        for method in service.methods
    ]


SECURITY: Final = _of(security_pb2.DESCRIPTOR, java=False)
OWN: Final = [
    *_of(transactions_pb2.DESCRIPTOR, java=False),
    *_of(administration_pb2.DESCRIPTOR, java=False),
    *SECURITY,
]
JAVA: Final = [
    *_of(scalardb_pb2.DESCRIPTOR, java=True),
    *_of(scalar_admin_pb2.DESCRIPTOR, java=True),
]
METHODS: Final = [*OWN, *JAVA]

OPERATIONS: Final[list[Operation]] = [
    Get(TABLE, _KEY),
    Get(TABLE, _KEY, columns=["note"], where=(column("size") > 1) & (column("note") == "x")),
    Get(TABLE, index={"note": "n"}),
    Scan(TABLE, partition={"owner": "ada"}, order_by=["at"], limit=5),
    Scan(TABLE, partition={"owner": "ada"}, start={"at": 0}, end={"at": 9}),
    Scan(TABLE, whole_table=True, where=column("note").like("%x")),
    Scan(TABLE, index={"note": "n"}),
    Upsert(TABLE, {**_KEY, "note": "n", "size": 3}),
    Insert(TABLE, {**_KEY, "note": "n", "exact": 0.5, "scan": b"s"}),
    Update(TABLE, _KEY, {"size": 4}, where=column("size") >= 0),
    Put(TABLE, {**_KEY, "paid": True}),
    Delete(TABLE, _KEY),
]


def begin(name: str) -> transactions_pb2.Begin:
    """The beginning of a transaction of that id."""
    return transactions_pb2.Begin(transaction_id=name)


def real_steps() -> list[transactions_pb2.Request]:
    """Steps of a transaction's stream that a client of ours would send."""
    request, nothing = transactions_pb2.Request, transactions_pb2.Nothing()
    steps = [request(one=operation_message(one)) for one in OPERATIONS]
    batch = transactions_pb2.Batch(operations=[operation_message(one) for one in OPERATIONS[-5:]])
    look = transactions_pb2.Look(scope="s", key="k", digest=b"d", what="w")
    scans = [one for one in OPERATIONS if isinstance(one, Scan)]
    opened = [
        transactions_pb2.OpenScanner(number=number, scan=scan_message(scan), whole=number % 2 == 0)
        for number, scan in enumerate(scans)
    ]
    return [
        *steps,
        *(request(open_scanner=one) for one in opened),
        request(batch=batch, mark=1),
        request(next_page=1),
        request(close_scanners=[1, 2], take_back=1),
        request(confirm_reads=nothing),
        request(explain=nothing),
        request(look=look),
        request(remember=transactions_pb2.Remember(call=look, result='"r"')),
        request(prepare=nothing),
        request(validate=nothing, end=request.COMMIT, parts=1),
        request(end=request.COMMIT),
        request(end=request.ROLLBACK),
    ]


def real_script() -> scripts_pb2.Script:
    """A script that uses each kind of step and of expression."""
    literal = scripts_pb2.Expression(literal=values_pb2.Value(integer=1))
    earlier = scripts_pb2.Expression(column=scripts_pb2.Earlier(step=0, name="size"))
    call = scripts_pb2.Expression(
        call=scripts_pb2.Call(function=scripts_pb2.ADD, arguments=[earlier, literal])
    )
    asks = scripts_pb2.Requirement(condition=scripts_pb2.Expression(found=0), message="none")
    place = scripts_pb2.Computed.VALUES
    return scripts_pb2.Script(
        steps=[
            scripts_pb2.Step(operation=operation_message(OPERATIONS[0])),
            scripts_pb2.Step(require=asks),
            scripts_pb2.Step(
                operation=operation_message(Upsert(TABLE, dict(_KEY))),
                computed=[scripts_pb2.Computed(place=place, column="size", value=call)],
            ),
        ]
    )


def real_requests() -> dict[str, list[Any]]:
    """Requests by their type that a client of ours would send."""
    rpc = transactions_pb2
    schema = administration_pb2.Schema(
        columns=[administration_pb2.ColumnType(name="id", data_type="INT")], partition_key=["id"]
    )
    return {
        "Request": real_steps(),
        "ExecuteRequest": [
            rpc.ExecuteRequest(begin=begin("e"), script=real_script()),
            rpc.ExecuteRequest(begin=begin("e"), script=real_script(), repeated=True),
        ],
        "ScanPagesRequest": [
            rpc.ScanPagesRequest(begin=begin("p"), scan=scan_message(one))
            for one in OPERATIONS
            if isinstance(one, Scan)
        ],
        "RecoverRequest": [
            rpc.RecoverRequest(table=TABLE, key=columns_message(_KEY, "key", TABLE))
        ],
        "Change": [
            administration_pb2.Change(namespace="shop", if_not_exists=True, if_exists=True),
            administration_pb2.Change(table="shop.more", schema=schema, if_not_exists=True),
            administration_pb2.Change(table="shop.more", column="n", data_type="INT"),
            administration_pb2.Change(table="shop.more", new_name="shop.other"),
        ],
        "Operation": [operations_pb2.Operation()],
    }

"""What do transactions and their operations ask of a caller? A second opinion, made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cluster.messages.values import columns_message
from scalar_tx.cluster.rpc.v1 import operations_pb2 as operations
from scalar_tx.cluster.rpc.v1 import scripts_pb2 as scripts
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as transactions
from scalar_tx.cluster.rpc.v1 import values_pb2 as values
from tests.cluster.security.row import ANYBODY, OPEN, SUPERUSER, WRITES, Needs, Row, all_of

if TYPE_CHECKING:
    from collections.abc import Callable

# Operations.

_W = operations.Write
_KEY = columns_message({"id": 1}, "key", "own.t")
_VALUES = columns_message({"id": 1, "n": 1}, "values", "own.t")
_CHANGED = columns_message({"n": 1}, "values", "own.t")
_WHERE = values.Condition(
    comparison=values.Comparison(
        column="n", operator=values.OPERATOR_EQ, value=values.Value(integer=1)
    )
)


def _write(kind: Any, **more: Any) -> Callable[[str], Any]:
    def write(table: str) -> Any:
        return operations.Operation(write=_W(kind=kind, table=table, **more))

    return write


def _scan(table: str) -> Any:
    return operations.Scan(table=table, whole_table=True)


OPERATIONS: Final[dict[str, tuple[frozenset[str], Callable[[str], Any]]]] = {
    "get": (
        all_of("SELECT"),
        lambda table: operations.Operation(get=operations.Get(table=table, key=_KEY)),
    ),
    "scan": (all_of("SELECT"), lambda table: operations.Operation(scan=_scan(table))),
    "INSERT": (all_of("INSERT"), _write(_W.INSERT, values=_VALUES)),
    "UPSERT": (all_of("INSERT", "UPDATE"), _write(_W.UPSERT, values=_VALUES)),
    "PUT": (all_of("INSERT", "UPDATE"), _write(_W.PUT, values=_VALUES)),
    "PUT where": (
        all_of("INSERT", "UPDATE", "SELECT"),
        _write(_W.PUT, values=_VALUES, where=_WHERE, implicit_pre_read=True),
    ),
    "UPDATE": (
        all_of("UPDATE"),
        _write(_W.UPDATE, key=_KEY, values=_CHANGED, ignore_missing=True),
    ),
    "UPDATE of a record": (
        all_of("UPDATE", "SELECT"),
        _write(_W.UPDATE, key=_KEY, values=_CHANGED),
    ),
    "UPDATE where": (
        all_of("UPDATE", "SELECT"),
        _write(_W.UPDATE, key=_KEY, values=_CHANGED, ignore_missing=True, where=_WHERE),
    ),
    "DELETE": (all_of("DELETE"), _write(_W.DELETE, key=_KEY)),
    "DELETE where": (all_of("DELETE", "SELECT"), _write(_W.DELETE, key=_KEY, where=_WHERE)),
}


def _begin(tx_id: str, **more: Any) -> Any:
    return transactions.Begin(transaction_id=tx_id, fresh_id=True, **more)


def _talk(tx_id: str, *steps: Any, **begin: Any) -> list[Any]:
    requests = [transactions.Request() for _ in steps] or [transactions.Request()]
    for request, step in zip(requests, steps, strict=False):
        request.CopyFrom(step)
    requests[0].begin.CopyFrom(_begin(tx_id, **begin))
    rollback = transactions.Request(end=transactions.Request.ROLLBACK)
    return [*requests, rollback]


_R = transactions.Request
_NOTHING = transactions.Nothing()
_LOOK = transactions.Look(scope="s", key="k", digest=b"d", what="w")


def _transact(kind: str, needs: Needs, step: Callable[[str], list[Any]], **begin: Any) -> Row:
    return Row(
        "Transactions.Transact",
        needs,
        lambda ns, t, tx_id: _talk(tx_id, *step(f"{ns}.{t}"), **begin),
        kind,
    )


def _one(made: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    return lambda table: [_R(one=made(table))]


def _batch(made: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """The operation behind one that reads."""

    def steps(table: str) -> list[Any]:
        get = operations.Operation(get=operations.Get(table=table, key=_KEY))
        return [_R(batch=transactions.Batch(operations=[get, made(table)]))]

    return steps


def _transact_rows() -> list[Row]:
    rows = []
    for name, (needs, made) in OPERATIONS.items():
        rows += [
            _transact(f"one {name}", needs, _one(made)),
            _transact(
                f"batch {name}",
                needs | all_of("SELECT"),
                _batch(made),
            ),
        ]
    opened = transactions.OpenScanner
    part = transactions.Begin.BEGIN
    return [
        *rows,
        _transact(
            "open_scanner", all_of("SELECT"), lambda t: [_R(open_scanner=opened(scan=_scan(t)))]
        ),
        _transact(
            "next_page",
            all_of("SELECT"),
            lambda t: [_R(open_scanner=opened(scan=_scan(t))), _R(next_page=0)],
        ),
        _transact("confirm_reads", ANYBODY, lambda _: [_R(confirm_reads=_NOTHING)]),
        _transact("explain", ANYBODY, lambda _: [_R(explain=_NOTHING)]),
        _transact("look", ANYBODY, lambda _: [_R(look=_LOOK)]),
        _transact(
            "remember",
            ANYBODY,
            lambda _: [
                _R(look=_LOOK),
                _R(remember=transactions.Remember(call=_LOOK, result="null")),
            ],
        ),
        _transact("prepare", ANYBODY, lambda _: [_R(prepare=_NOTHING)], two_phase=part),
        _transact("validate", ANYBODY, lambda _: [_R(validate=_NOTHING)], two_phase=part),
        _transact("GO_ON", ANYBODY, lambda _: []),
        _transact("COMMIT", ANYBODY, lambda _: [_R(end=_R.COMMIT)]),
        _transact("ROLLBACK", ANYBODY, lambda _: [_R(end=_R.ROLLBACK)]),
    ]


def _execute_rows() -> list[Row]:
    def row(name: str, needs: frozenset[str], made: Callable[[str], Any]) -> Row:
        def requests(namespace: str, table: str, tx_id: str) -> list[Any]:
            step = scripts.Step(operation=made(f"{namespace}.{table}"))
            script = scripts.Script(steps=[step])
            return [transactions.ExecuteRequest(begin=_begin(tx_id), script=script)]

        return Row("Transactions.Execute", needs, requests, name)

    def requires(namespace: str, table: str, tx_id: str) -> list[Any]:
        del namespace, table
        condition = scripts.Expression(literal=values.Value(boolean=True))
        step = scripts.Step(require=scripts.Requirement(condition=condition))
        script = scripts.Script(steps=[step])
        return [transactions.ExecuteRequest(begin=_begin(tx_id), script=script)]

    return [
        *(row(name, *what) for name, what in OPERATIONS.items()),
        Row("Transactions.Execute", ANYBODY, requires, "require"),
    ]


def _named(tx_id: str) -> list[Any]:
    return [transactions.TransactionName(transaction_id=tx_id)]


TRANSACTIONS: Final = [
    *_transact_rows(),
    *_execute_rows(),
    Row(
        "Transactions.ScanPages",
        all_of("SELECT"),
        lambda ns, t, tx_id: [
            transactions.ScanPagesRequest(begin=_begin(tx_id), scan=_scan(f"{ns}.{t}"))
        ],
    ),
    Row("Transactions.GetState", ANYBODY, lambda _, __, tx_id: _named(tx_id)),
    Row("Transactions.Settle", WRITES, lambda _, __, tx_id: _named(tx_id)),
    Row(
        "Transactions.Recover",
        all_of("SELECT"),
        lambda ns, t, _: [transactions.RecoverRequest(table=f"{ns}.{t}", key=_KEY)],
    ),
    Row("Transactions.Finish", SUPERUSER, lambda _, __, tx_id: _named(tx_id)),
    Row(
        "Transactions.ForgetOutcomes",
        SUPERUSER,
        lambda *_: [transactions.ForgetOutcomesRequest()],
    ),
    Row("Transactions.Hello", OPEN, lambda *_: [transactions.HelloRequest()]),
]

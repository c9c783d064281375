"""The messages that these tests send, in short."""

from __future__ import annotations

from typing import Any

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc

THINGS: dict[str, Any] = {"namespace": "shop", "table": "things"}
PLAIN: dict[str, Any] = {"namespace": "shop", "table": "plain"}
TRANSACTION = "DistributedTransaction/Transaction"
TWO_PHASE = "TwoPhaseCommitTransaction/TwoPhaseCommitTransaction"

Tx = rpc.TransactionRequest
Two = rpc.TwoPhaseCommitTransactionRequest


def column(name: str, value: Any) -> rpc.Column:
    match value:
        case None:
            return rpc.Column(name=name)
        case int():
            return rpc.Column(name=name, int_value=value)
        case str():
            return rpc.Column(name=name, text_value=value)
        case _:
            return rpc.Column(name=name, blob_value=value)


def key(**values: Any) -> rpc.Key:
    return rpc.Key(columns=[column(name, value) for name, value in values.items()])


def get(pk: int, ck: int = 1, *, of: dict[str, Any] | None = None, **more: Any) -> rpc.Get:
    return rpc.Get(partition_key=key(pk=pk), clustering_key=key(ck=ck), **(of or THINGS), **more)


def scan(pk: int | None, *, of: dict[str, Any] | None = None, **more: Any) -> rpc.Scan:
    partition = None if pk is None else key(pk=pk)
    return rpc.Scan(partition_key=partition, **(of or THINGS), **more)


def put(
    pk: int,
    ck: int = 1,
    *,
    of: dict[str, Any] | None = None,
    condition: rpc.MutateCondition | None = None,
    pre_read: bool = False,
    **values: Any,
) -> rpc.Mutation:
    return rpc.Mutation(
        partition_key=key(pk=pk),
        clustering_key=key(ck=ck),
        columns=[column(name, value) for name, value in values.items()],
        condition=condition,
        implicit_pre_read_enabled=pre_read,
        **(of or THINGS),
    )


def delete(
    pk: int,
    ck: int = 1,
    *,
    of: dict[str, Any] | None = None,
    condition: rpc.MutateCondition | None = None,
) -> rpc.Mutation:
    return rpc.Mutation(
        type=rpc.Mutation.DELETE,
        partition_key=key(pk=pk),
        clustering_key=key(ck=ck),
        condition=condition,
        **(of or THINGS),
    )


def condition(kind: str, **expressions: tuple[str, Any]) -> rpc.MutateCondition:
    """``condition("PUT_IF", v=("EQ", 1))``."""
    return rpc.MutateCondition(
        type=kind,
        expressions=[
            rpc.ConditionalExpression(
                operator=operator,
                column=column(name, value),
            )
            for name, (operator, value) in expressions.items()
        ],
    )


def record(result: rpc.Result) -> dict[str, Any]:
    """A result as a mapping; its columns must be there once."""
    found = {}
    for one in result.columns:
        assert one.name not in found
        member = one.WhichOneof("value")
        found[one.name] = None if member is None else getattr(one, member)
    return found


def asks(kind: type[Any], name: str, **fields: Any) -> Any:
    """``asks(Tx, "begin", transaction_id="x")``."""
    request = kind()
    part = getattr(request, f"{name}_request")
    part.SetInParent()
    for field, value in fields.items():
        target = getattr(part, field)
        if isinstance(value, list):
            target.extend(value)
        elif isinstance(value, str):
            setattr(part, field, value)
        else:
            target.CopyFrom(value)
    return request

"""The messages of these conversations, in short."""

from __future__ import annotations

from itertools import count
from typing import Any

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.messages import TRANSACTION, TWO_PHASE, Two, Tx, asks
from tests.compatibility.over_grpc.real_server.said import Call, End, Say, Step

OF_TYPES = {
    "b": rpc.DATA_TYPE_BOOLEAN,
    "v": rpc.DATA_TYPE_INT,
    "l": rpc.DATA_TYPE_BIGINT,
    "f": rpc.DATA_TYPE_FLOAT,
    "d": rpc.DATA_TYPE_DOUBLE,
    "w": rpc.DATA_TYPE_TEXT,
    "x": rpc.DATA_TYPE_BLOB,
}
_MEMBERS = {
    rpc.DATA_TYPE_BOOLEAN: "boolean_value",
    rpc.DATA_TYPE_INT: "int_value",
    rpc.DATA_TYPE_BIGINT: "bigint_value",
    rpc.DATA_TYPE_FLOAT: "float_value",
    rpc.DATA_TYPE_DOUBLE: "double_value",
    rpc.DATA_TYPE_TEXT: "text_value",
    rpc.DATA_TYPE_BLOB: "blob_value",
}
THINGS: dict[str, Any] = {"namespace": "shop", "table": "things"}
RAW: dict[str, Any] = {"namespace": "shop", "table": "raw"}
WIDE: dict[str, Any] = {"namespace": "shop", "table": "wide"}
ABSENT: dict[str, Any] = {"namespace": "shop", "table": "absent"}
NOWHERE: dict[str, Any] = {"namespace": "nowhere", "table": "absent"}
NO_NAME: dict[str, Any] = {}
TRANSACTIONS = "DistributedTransaction"

partitions = count(1)  # each conversation has partitions of its own


def column(name: str, value: Any, member: str | None = None) -> rpc.Column:
    """A column; its type is the one that the tables give to that name, INT for others."""
    if value is None:
        return rpc.Column(name=name)
    member = member or _MEMBERS[OF_TYPES.get(name, rpc.DATA_TYPE_INT)]
    return rpc.Column(name=name, **{member: value})


def key(**values: Any) -> rpc.Key:
    return rpc.Key(columns=[column(name, value) for name, value in values.items()])


def get(pk: int, ck: int | None = 1, of: dict[str, Any] | None = None, **more: Any) -> rpc.Get:
    clustering: dict[str, Any] = {} if ck is None else {"clustering_key": key(ck=ck)}
    return rpc.Get(
        partition_key=key(pk=pk), **{**clustering, **(THINGS if of is None else of), **more}
    )


def scan(pk: int | None, of: dict[str, Any] | None = None, **more: Any) -> rpc.Scan:
    partition = {} if pk is None else {"partition_key": key(pk=pk)}
    return rpc.Scan(**{**partition, **(THINGS if of is None else of), **more})


def condition(kind: str, *expressions: tuple[str, str, Any]) -> rpc.MutateCondition:
    """``condition("PUT_IF", ("v", "EQ", 1))``."""
    made = [
        rpc.ConditionalExpression(operator=operator, column=column(name, value))
        for name, operator, value in expressions
    ]
    return rpc.MutateCondition(type=kind, expressions=made)


def put(
    pk: int, ck: int | None = 1, of: dict[str, Any] | None = None, /, **more: Any
) -> rpc.Mutation:
    """``where``, ``blind``, and the values of columns."""
    named = {"condition": more.pop("where", None)}
    clustering: dict[str, Any] = {} if ck is None else {"clustering_key": key(ck=ck)}
    return rpc.Mutation(
        partition_key=key(pk=pk),
        implicit_pre_read_enabled=not more.pop("blind", False),
        columns=[column(name, value) for name, value in more.items()],
        **named,
        **clustering,
        **(THINGS if of is None else of),
    )


def delete(
    pk: int, ck: int | None = 1, of: dict[str, Any] | None = None, /, **more: Any
) -> rpc.Mutation:
    clustering: dict[str, Any] = {} if ck is None else {"clustering_key": key(ck=ck)}
    return rpc.Mutation(
        type=rpc.Mutation.DELETE,
        partition_key=key(pk=pk),
        condition=more.get("where"),
        **clustering,
        **(THINGS if of is None else of),
    )


class Transaction:
    """Steps of a transaction of either kind, on a stream of its own."""

    def __init__(self, name: str, *, two_phase: bool = False) -> None:
        self.name = name
        self._method = TWO_PHASE if two_phase else TRANSACTION
        self._kind: Any = Two if two_phase else Tx

    def say(self, request: str, *, unordered: bool = False, **fields: Any) -> Step:
        return Say(self.name, self._method, asks(self._kind, request, **fields), unordered)

    def begin(self) -> Step:
        return self.say("begin", transaction_id=self.name)

    def nothing(self) -> Step:
        return Say(self.name, self._method, self._kind())

    def get(self, pk: int, ck: int | None = 1, **more: Any) -> Step:
        return self.say("get", get=get(pk, ck, **more))

    def scan(self, pk: int | None, *, unordered: bool = False, **more: Any) -> Step:
        return self.say("scan", unordered=unordered, scan=scan(pk, **more))

    def mutate(self, *mutations: rpc.Mutation) -> Step:
        return self.say("mutate", mutations=[*mutations])

    def end(self) -> Step:
        return End(self.name)

    def last(self, request: str) -> list[Step]:
        return [self.say(request), End(self.name)]


def committed(name: str, *mutations: rpc.Mutation) -> list[Step]:
    """A transaction that writes these."""
    tx = Transaction(name)
    return [tx.begin(), tx.mutate(*mutations), *tx.last("commit")]


def stored(*mutations: rpc.Mutation) -> Step:
    """A write without transaction."""
    return Call("DistributedStorage/Mutate", rpc.MutateRequest(mutations=mutations))


def stored_get(wanted: rpc.Get) -> Step:
    return Call("DistributedStorage/Get", rpc.GetRequest(get=wanted))


def pages(name: str, wanted: rpc.Scan, *, unordered: bool = False, **more: Any) -> Step:
    """The first page of a scan without transaction."""
    request = rpc.ScanRequest(scan=wanted, **more)
    return Say(name, "DistributedStorage/Scan", request, unordered)


def more_pages(name: str, **more: Any) -> Step:
    return Say(name, "DistributedStorage/Scan", rpc.ScanRequest(**more))


def metadata(
    keys: tuple[list[str], list[str]] = (["pk"], ["ck"]),
    *,
    indexes: tuple[str, ...] = ("w",),
    orders: dict[str, int] | None = None,
    columns: dict[str, int] | None = None,
) -> rpc.TableMetadata:
    message = rpc.TableMetadata(
        partition_key_names=keys[0],
        clustering_key_names=keys[1],
        secondary_index_names=indexes,
    )
    of_keys = dict.fromkeys((*keys[0], *keys[1]), rpc.DATA_TYPE_INT)
    kinds: Any = of_keys | OF_TYPES if columns is None else columns
    message.columns.update(kinds)
    wanted: Any = dict.fromkeys(keys[1], rpc.ORDER_ASC) if orders is None else orders
    message.clustering_orders.update(wanted)
    return message


def state(name: str, service: str = TRANSACTIONS) -> Step:
    return Call(f"{service}/GetState", rpc.GetTransactionStateRequest(transaction_id=name))


def rolled_back(name: str, service: str = TRANSACTIONS) -> Step:
    return Call(f"{service}/Rollback", rpc.RollbackRequest(transaction_id=name))


def aborted(name: str, service: str = TRANSACTIONS) -> Step:
    return Call(f"{service}/Abort", rpc.AbortRequest(transaction_id=name))


def left(pk: int, name: str) -> list[Step]:
    """What a transaction of that name finds in a partition."""
    tx = Transaction(name)
    return [tx.begin(), tx.scan(pk), *tx.last("commit")]

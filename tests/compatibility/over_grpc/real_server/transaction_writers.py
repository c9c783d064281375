"""What do clients write in transactions, rightly and wrongly?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.compatibility.over_grpc.real_server.reasons import (
    CONDITION,
    LIST,
    SOONER,
    TWICE,
)
from tests.compatibility.over_grpc.real_server.requests import (
    ABSENT,
    NO_NAME,
    RAW,
    THINGS,
    Transaction,
    committed,
    condition,
    delete,
    key,
    left,
    partitions,
    put,
    state,
)
from tests.compatibility.over_grpc.real_server.said import Say, Step, differs

if TYPE_CHECKING:
    from collections.abc import Callable


def _refused_writes(pk: int) -> dict[str, list[rpc.Mutation]]:
    return {
        "no writes": [],
        "an empty write": [rpc.Mutation()],
        "put to no table": [put(pk, 1, ABSENT, v=1)],
        "put without names": [put(pk, 1, NO_NAME, v=1)],
        "delete from no table": [delete(pk, 1, ABSENT)],
        "put of tx_id": [_with(put(pk, 1), tx_id="x")],
        "put of before_v": [_with(put(pk, 1), before_v="x")],
    }


def _writes_refused_sooner(pk: int) -> dict[str, rpc.Mutation]:
    return {
        "put without clustering key": put(pk, None, v=1),
        "delete without clustering key": delete(pk, None),
        "delete by index": rpc.Mutation(type="DELETE", partition_key=key(v=1), **THINGS),
        "put of another key": rpc.Mutation(
            partition_key=key(v=1), clustering_key=key(ck=1), **THINGS
        ),
        "put of another type": _with(put(pk, 1), v="1"),
        "put of no column": put(pk, 1, absent=1),
        "put of no column as NULL": put(pk, 1, absent=None),
        "put of its key": put(pk, 1, ck=1),
        "put to a table without transactions": put(pk, 1, RAW, v=1),
        "delete from one": delete(pk, 1, RAW),
    }


def _with(mutation: rpc.Mutation, **columns: str) -> rpc.Mutation:
    for name, value in columns.items():
        mutation.columns.add(name=name, text_value=value)
    return mutation


def _again(mutation: rpc.Mutation) -> rpc.Mutation:
    mutation.columns.extend([*mutation.columns])
    return mutation


def of_bad_writes() -> list[Step]:
    pk, steps = next(partitions), []
    for name, mutations in _refused_writes(pk).items():
        tx = Transaction(name)
        steps += [tx.begin(), tx.mutate(*mutations), *tx.last("rollback"), state(name)]
    for name, mutation in _writes_refused_sooner(pk).items():
        tx = Transaction(name)
        steps += [tx.begin(), differs(SOONER, tx.mutate(mutation)), *tx.last("rollback")]
    late, twice = Transaction("refused late"), Transaction("a column twice")
    return [
        *steps,
        late.begin(),
        differs(SOONER, late.mutate(put(pk, 1, absent=1))),
        differs(SOONER, late.say("commit")),
        late.end(),
        twice.begin(),
        differs(TWICE, twice.mutate(put(pk, 1, v=1), _again(put(pk, 2, v=1)))),
        *twice.last("rollback"),
    ]


def of_conditions() -> list[Step]:
    pk = next(partitions)
    steps = committed("before conditions", put(pk, 1, v=1, w="one"))
    wheres = (
        condition("PUT_IF", ("v", "EQ", 1)),
        condition("PUT_IF", ("v", "EQ", 9)),
        condition("PUT_IF", ("v", "EQ", 1), ("w", "EQ", "two")),
        condition("PUT_IF", ("v", "GTE", 1), ("w", "LT", "z")),
        condition("PUT_IF", ("v", "GT", 1)),
        condition("PUT_IF", ("x", "NE", b"x")),
        condition("PUT_IF", ("x", "EQ", b"x")),
        condition("PUT_IF", ("x", "IS_NULL", None)),
        condition("PUT_IF", ("x", "IS_NOT_NULL", None)),
        condition("PUT_IF", ("v", "IS_NULL", None)),
        condition("PUT_IF_EXISTS"),
        condition("PUT_IF_NOT_EXISTS"),
        condition("PUT_IF", ("pk", "EQ", pk)),
        condition("PUT_IF", ("tx_version", "EQ", 1)),
        condition("DELETE_IF", ("v", "EQ", 1)),
        condition("DELETE_IF_EXISTS"),
    )
    of_deletes = (
        condition("DELETE_IF", ("v", "EQ", 9)),
        condition("DELETE_IF", ("v", "EQ", 1)),
        condition("DELETE_IF_EXISTS"),
        condition("PUT_IF_EXISTS"),
        condition("PUT_IF", ("v", "EQ", 1)),
    )
    for there, ck in (("there", 1), ("absent", 2)):
        for number, where in enumerate(wheres):
            tx = Transaction(f"put {there} {number}")
            steps += [
                tx.begin(),
                tx.mutate(put(pk, ck, v=5, where=where)),
                *tx.last("rollback"),
            ]
        for number, where in enumerate(of_deletes):
            tx = Transaction(f"delete {there} {number}")
            steps += [tx.begin(), tx.mutate(delete(pk, ck, where=where)), *tx.last("rollback")]
    return steps


def of_empty_conditions() -> list[Step]:
    pk, tx = next(partitions), Transaction("empty conditions")
    return [
        *committed("before those", put(pk, 1, v=1)),
        tx.begin(),
        differs(CONDITION, tx.mutate(put(pk, 1, v=2, where=condition("PUT_IF")))),
        differs(CONDITION, tx.mutate(put(pk, 2, v=2, where=condition("PUT_IF")))),
        differs(CONDITION, tx.mutate(delete(pk, 2, where=condition("DELETE_IF")))),
        differs(
            CONDITION, tx.mutate(put(pk, 1, v=2, where=condition("PUT_IF", ("v", "EQ", None))))
        ),
        *tx.last("rollback"),
    ]


def of_unread_records() -> list[Step]:
    """What a write without the permission to read may be."""
    pk = next(partitions)
    steps = committed("before unread", put(pk, 1, v=1))
    where = condition("PUT_IF", ("v", "EQ", 1))
    unread, read, blind = (Transaction(f"unread {n}") for n in range(3))
    exists, overwritten = Transaction("unread 3"), Transaction("unread 4")
    return [
        *steps,
        unread.begin(),
        unread.mutate(put(pk, 1, v=2, where=where, blind=True)),
        unread.mutate(put(pk, 1, v=2, where=condition("PUT_IF_NOT_EXISTS"), blind=True)),
        unread.mutate(put(pk, 1, v=2, where=condition("PUT_IF_EXISTS"), blind=True)),
        *unread.last("rollback"),
        read.begin(),
        read.get(pk, 1),
        read.mutate(put(pk, 1, v=2, where=where, blind=True)),
        *read.last("commit"),
        blind.begin(),
        blind.mutate(put(pk, 1, v=2, blind=True)),
        *blind.last("commit"),
        state(blind.name),
        exists.begin(),
        exists.mutate(put(pk, 9, v=2, blind=True)),
        *exists.last("commit"),
        overwritten.begin(),
        overwritten.mutate(put(pk, 1, v=2, where=condition("PUT_IF", ("v", "EQ", 2)))),
        overwritten.mutate(put(pk, 1, v=3, where=condition("PUT_IF", ("v", "EQ", 2)))),
        overwritten.get(pk, 1),
        *overwritten.last("commit"),
    ]


def of_own_writes() -> list[Step]:
    pk, tx = next(partitions), Transaction("own writes")
    return [
        *committed("before own writes", put(pk, 1, v=1), put(pk, 2, v=2), put(pk, 3, v=3)),
        tx.begin(),
        tx.mutate(put(pk, 1, w="w"), delete(pk, 2), put(pk, 4, v=4)),
        tx.get(pk, 1),
        tx.get(pk, 2),
        tx.get(pk, 4),
        tx.mutate(put(pk, 2, w="anew")),
        tx.get(pk, 2),
        tx.mutate(delete(pk, 4)),
        tx.get(pk, 4),
        tx.mutate(delete(pk, 9)),
        *tx.last("commit"),
        *left(pk, "after own writes"),
    ]


def of_lists() -> list[Step]:
    pk = next(partitions)
    unmet = condition("PUT_IF_EXISTS")
    mixed, twice, part = Transaction("mixed"), Transaction("twice"), Transaction("part of a list")
    return [
        mixed.begin(),
        mixed.mutate(put(pk, 1, v=1), put(pk, 2, v=2)),
        mixed.mutate(put(pk, 3, v=3), delete(pk, 1)),
        *mixed.last("commit"),
        *left(pk, "after mixed"),
        twice.begin(),
        twice.mutate(put(pk, 7, v=1), put(pk, 7, w="w")),
        *twice.last("commit"),
        *left(pk, "after twice"),
        part.begin(),
        part.mutate(put(pk, 8, v=1), put(pk, 9, v=1, where=unmet)),
        *part.last("commit"),
        *(
            differs(LIST, step)
            if isinstance(step, Say) and step.request.HasField("scan_request")
            else step
            for step in left(pk, "after part")
        ),
    ]


TOPICS: dict[str, Callable[[], list[Step]]] = {
    "bad writes": of_bad_writes,
    "conditions": of_conditions,
    "empty conditions": of_empty_conditions,
    "unread records": of_unread_records,
    "own writes": of_own_writes,
    "lists": of_lists,
}


def conversations() -> dict[str, list[Step]]:
    return {f"transaction: {name}": made() for name, made in TOPICS.items()}

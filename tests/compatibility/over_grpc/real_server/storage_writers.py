"""What do clients write without transactions, rightly and wrongly?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.compatibility.over_grpc.real_server.reasons import SOONER, TWICE
from tests.compatibility.over_grpc.real_server.requests import (
    ABSENT,
    NO_NAME,
    RAW,
    THINGS,
    condition,
    delete,
    get,
    key,
    pages,
    partitions,
    put,
    scan,
    stored,
    stored_get,
)
from tests.compatibility.over_grpc.real_server.said import Step, differs

if TYPE_CHECKING:
    from collections.abc import Callable


def of_writes() -> list[Step]:
    pk = next(partitions)
    only_v: dict[str, Any] = {"projections": ["v", "w"]}
    return [
        stored(put(pk, 1, RAW, v=1, w="one")),
        stored(put(pk, 1, RAW, v=2)),
        stored_get(get(pk, 1, RAW, **only_v)),
        stored(put(pk, 1, RAW, w=None)),
        stored_get(get(pk, 1, RAW, **only_v)),
        stored(put(pk, 2, RAW)),
        stored_get(get(pk, 2, RAW)),
        stored(delete(pk, 2, RAW)),
        stored(delete(pk, 2, RAW)),
        stored_get(get(pk, 2, RAW)),
        stored(put(pk, 3, RAW, v=3), put(pk, 4, RAW, v=4), delete(pk, 1, RAW)),
        pages("s", scan(pk, RAW, **only_v)),
        differs(TWICE, stored(put(pk, 3, RAW, v=5), put(pk, 3, RAW, v=6))),
        differs(TWICE, stored_get(get(pk, 3, RAW, **only_v))),
        stored(put(pk, 5, RAW, v=3), put(pk + 100_000, 4, RAW, v=4)),
        stored(put(pk, 5, RAW, v=3), put(pk, 4, THINGS, v=4)),
    ]


def of_conditions() -> list[Step]:
    pk = next(partitions)
    met, unmet = condition("PUT_IF", ("v", "EQ", 1)), condition("PUT_IF", ("v", "EQ", 9))
    wheres = (
        met,
        unmet,
        condition("PUT_IF_EXISTS"),
        condition("PUT_IF_NOT_EXISTS"),
        condition("PUT_IF", ("v", "GT", 0), ("w", "LTE", "one")),
        condition("PUT_IF", ("v", "GT", 0), ("w", "LT", "one")),
        condition("PUT_IF", ("v", "GTE", 1), ("v", "LTE", 1)),
        condition("PUT_IF", ("v", "NE", 1)),
        condition("PUT_IF", ("v", "NE", 2)),
        condition("PUT_IF", ("x", "IS_NULL", None)),
        condition("PUT_IF", ("x", "IS_NOT_NULL", None)),
        condition("PUT_IF", ("v", "IS_NULL", None)),
        condition("PUT_IF", ("v", "IS_NOT_NULL", None)),
        condition("PUT_IF", ("x", "EQ", b"")),
    )
    of_nothing = (met, condition("PUT_IF_EXISTS"), condition("PUT_IF_NOT_EXISTS"))
    of_deletes = (
        condition("DELETE_IF", ("v", "EQ", 9)),
        condition("DELETE_IF", ("v", "EQ", 1)),
        condition("DELETE_IF_EXISTS"),
    )
    return [
        stored(put(pk, 1, RAW, v=1, w="one")),
        *(stored(put(pk, 1, RAW, v=1, where=where)) for where in wheres),
        *(stored(put(pk, 2, RAW, v=1, where=where)) for where in of_nothing),
        *(stored(delete(pk, 2, RAW, where=where)) for where in of_deletes),
        stored(
            put(pk, 3, RAW, v=1, where=condition("PUT_IF_NOT_EXISTS")),
            put(pk, 1, RAW, v=7, where=unmet),
        ),
        pages("s", scan(pk, RAW, projections=["ck", "v", "w"])),
    ]


def of_bad_conditions() -> list[Step]:
    pk = next(partitions)
    wrong = (
        condition("PUT_IF"),
        condition("PUT_IF", ("absent", "EQ", 1)),
        condition("PUT_IF", ("v", "EQ", None)),
        condition("PUT_IF", ("v", "IS_NULL", 1)),
        condition("PUT_IF", ("pk", "EQ", pk)),
        condition("PUT_IF", ("ck", "EQ", 1)),
        condition("DELETE_IF", ("v", "EQ", 1)),
        condition("DELETE_IF_EXISTS"),
    )
    wrong_deletes = (
        condition("DELETE_IF"),
        condition("DELETE_IF", ("absent", "EQ", 1)),
        condition("PUT_IF", ("v", "EQ", 1)),
        condition("PUT_IF_EXISTS"),
        condition("PUT_IF_NOT_EXISTS"),
    )
    other_type = rpc.MutateCondition(
        type="PUT_IF",
        expressions=[
            rpc.ConditionalExpression(column=rpc.Column(name="v", text_value="1"), operator="EQ")
        ],
    )
    return [
        stored(put(pk, 1, RAW, v=1)),
        *(stored(put(pk, 1, RAW, v=2, where=where)) for where in (*wrong, other_type)),
        *(stored(delete(pk, 1, RAW, where=where)) for where in wrong_deletes),
        stored_get(get(pk, 1, RAW, projections=["v"])),
    ]


def of_bad_writes() -> list[Step]:
    pk = next(partitions)
    twice = rpc.Mutation(
        partition_key=key(pk=pk),
        clustering_key=key(ck=1),
        columns=[rpc.Column(name="v", int_value=1), rpc.Column(name="v", int_value=2)],
        **RAW,
    )
    other_type = rpc.Mutation(
        partition_key=key(pk=pk),
        clustering_key=key(ck=1),
        columns=[rpc.Column(name="v", text_value="1")],
        **RAW,
    )
    bad: tuple[tuple[rpc.Mutation, ...], ...] = (
        (),
        (rpc.Mutation(),),
        (put(pk, 1, ABSENT, v=1),),
        (delete(pk, 1, NO_NAME),),
        (put(pk, None, RAW, v=1),),
        (delete(pk, None, RAW),),
        (put(pk, 1, RAW, absent=1),),
        (other_type,),
        (put(pk, 1, RAW, pk=pk),),
        (put(pk, 1, RAW, ck=1),),
        (put(pk, 1, RAW, ck=2),),
        (rpc.Mutation(partition_key=key(v=1), clustering_key=key(ck=1), **RAW),),
        (rpc.Mutation(clustering_key=key(ck=1), **RAW),),
        (rpc.Mutation(partition_key=key(pk=pk), clustering_key=key(v=1), **RAW),),
        (
            rpc.Mutation(
                partition_key=rpc.Key(columns=[rpc.Column(name="pk")]),
                clustering_key=key(ck=1),
                **RAW,
            ),
        ),
        (put(pk, 1, RAW, v=1), put(pk, 1, ABSENT, v=1)),
        (put(pk, 1, RAW, v=1), put(pk, None, RAW, v=1)),
        (put(pk, 1, RAW, v=1), put(pk, 1, RAW, v=1, where=condition("DELETE_IF_EXISTS"))),
    )
    return [
        *(stored(*one) for one in bad),
        stored_get(get(pk, 1, RAW)),
        differs(SOONER, stored(put(pk, 1, RAW, absent=None))),
        differs(TWICE, stored(twice)),
    ]


TOPICS: dict[str, Callable[[], list[Step]]] = {
    "writes": of_writes,
    "conditions": of_conditions,
    "bad conditions": of_bad_conditions,
    "bad writes": of_bad_writes,
}


def conversations() -> dict[str, list[Step]]:
    return {f"storage: {name}": made() for name, made in TOPICS.items()}

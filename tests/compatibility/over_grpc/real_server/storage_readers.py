"""What do clients read without transactions, rightly and wrongly?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.compatibility.over_grpc.real_server.reasons import FETCH_COUNT, WORDS
from tests.compatibility.over_grpc.real_server.requests import (
    ABSENT,
    NO_NAME,
    NOWHERE,
    RAW,
    THINGS,
    delete,
    get,
    key,
    more_pages,
    pages,
    partitions,
    put,
    scan,
    stored,
    stored_get,
)
from tests.compatibility.over_grpc.real_server.said import Call, End, Step, differs
from tests.compatibility.over_grpc.real_server.values import EXTREMES, NULLS

if TYPE_CHECKING:
    from collections.abc import Callable


def of_values() -> list[Step]:
    pk, steps = next(partitions), []
    for ck, values in enumerate([*EXTREMES, NULLS]):
        steps.append(stored(put(pk, ck, RAW, **values)))
        steps.append(stored_get(get(pk, ck, RAW)))
    return [*steps, stored_get(get(pk, 99, RAW)), pages("s", scan(pk, RAW)), End("s")]


def of_projections() -> list[Step]:
    pk = next(partitions)
    asked = (["v"], ["pk"], ["v", "v"], ["v", "absent"], ["absent"], ["x", "w", "ck"])
    return [
        stored(put(pk, 1, RAW, v=1, w="a")),
        *(stored_get(get(pk, 1, RAW, projections=names)) for names in asked),
        *(pages(f"s{n}", scan(pk, RAW, projections=names)) for n, names in enumerate(asked)),
    ]


def of_bad_reads() -> list[Step]:
    pk = next(partitions)
    with_text = rpc.Key(columns=[rpc.Column(name="pk", text_value="1")])
    bad = (
        rpc.Get(),
        get(pk, 1, ABSENT),
        get(pk, 1, NOWHERE),
        get(pk, 1, NO_NAME),
        get(pk, 1, {"namespace": "shop"}),
        get(pk, 1, {"table": "raw"}),
        get(pk, None, RAW),
        rpc.Get(partition_key=key(v=1), clustering_key=key(ck=1), **RAW),
        rpc.Get(partition_key=key(absent=1), clustering_key=key(ck=1), **RAW),
        rpc.Get(partition_key=key(pk=pk), clustering_key=key(v=1), **RAW),
        rpc.Get(partition_key=key(pk=pk, ck=1), **RAW),
        rpc.Get(partition_key=key(pk=pk), clustering_key=key(ck=1, v=1), **RAW),
        rpc.Get(partition_key=with_text, clustering_key=key(ck=1), **RAW),
        rpc.Get(
            partition_key=rpc.Key(columns=[rpc.Column(name="pk")]), clustering_key=key(ck=1), **RAW
        ),
        rpc.Get(clustering_key=key(ck=1), **RAW),
        rpc.Get(partition_key=rpc.Key(), clustering_key=key(ck=1), **RAW),
        rpc.Get(partition_key=key(v=1), **RAW),
    )
    return [stored_get(one) for one in bad]


def of_bad_scans() -> list[Step]:
    pk = next(partitions)
    order = {"name": "ck", "order": 0}
    bad: tuple[rpc.Scan, ...] = (
        rpc.Scan(),
        scan(pk, ABSENT),
        scan(pk, NO_NAME),
        scan(pk, RAW, limit=-1),
        scan(None, RAW, limit=-1),
        rpc.Scan(partition_key=key(v=1), **RAW),
        rpc.Scan(partition_key=key(absent=1), **RAW),
        rpc.Scan(partition_key=rpc.Key(), **RAW),
        scan(pk, RAW, start_clustering_key=key(v=1)),
        scan(pk, RAW, start_clustering_key=key(ck=1, v=1)),
        scan(pk, RAW, end_clustering_key=key(absent=1)),
        scan(pk, RAW, start_clustering_key=rpc.Key()),
        scan(pk, RAW, start_clustering_key=rpc.Key(columns=[rpc.Column(name="ck")])),
        scan(pk, RAW, orderings=[{"name": "v", "order": 0}]),
        scan(pk, RAW, orderings=[{"name": "absent", "order": 0}]),
        scan(pk, RAW, orderings=[order, order]),
        scan(pk, RAW, orderings=[{"name": "ck", "order": 7}]),
    )
    steps = [pages(f"s{number}", one) for number, one in enumerate(bad)]
    return [
        *steps,
        more_pages("first without scan"),
        more_pages("count without scan", fetch_count=3),
    ]


def of_ranges() -> list[Step]:
    pk = next(partitions)
    names: dict[str, Any] = {"projections": ["ck"]}
    steps = [stored(*(put(pk, ck, RAW, v=ck % 3, w=f"{pk}-{ck % 2}") for ck in range(8)))]
    ranges: tuple[dict[str, Any], ...] = (
        {},
        {"limit": 3},
        {"limit": 8},
        {"limit": 9},
        {"orderings": [{"name": "ck", "order": 0}]},
        {"orderings": [{"name": "ck", "order": 1}]},
        {"orderings": [{"name": "ck", "order": 1}], "limit": 2},
        {"start_clustering_key": key(ck=3)},
        {"start_clustering_key": key(ck=3), "start_inclusive": True},
        {"end_clustering_key": key(ck=3)},
        {"end_clustering_key": key(ck=3), "end_inclusive": True},
        {"start_clustering_key": key(ck=3), "end_clustering_key": key(ck=3)},
        {
            "start_clustering_key": key(ck=2),
            "start_inclusive": True,
            "end_clustering_key": key(ck=5),
            "end_inclusive": True,
        },
        {"start_clustering_key": key(ck=5), "end_clustering_key": key(ck=2)},
        {
            "start_clustering_key": key(ck=2),
            "orderings": [{"name": "ck", "order": 1}],
            "limit": 2,
        },
        {"start_inclusive": True, "end_inclusive": True},
        {"consistency": 1},
    )
    for number, how in enumerate(ranges):
        steps += [pages(f"s{number}", scan(pk, RAW, **names, **how)), End(f"s{number}")]
    return steps


def of_pages() -> list[Step]:
    pk = next(partitions)
    names: dict[str, Any] = {"projections": ["ck"]}
    return [
        *(stored(*(put(pk, ck, RAW, v=1) for ck in range(n, n + 50))) for n in range(0, 200, 50)),
        pages("whole", scan(pk, RAW, **names)),
        more_pages("whole"),
        End("whole"),
        pages("limited", scan(pk, RAW, **names, limit=100)),
        End("limited"),
        pages("one more", scan(pk, RAW, **names, limit=101)),
        more_pages("one more"),
        End("one more"),
        pages("small", scan(pk, RAW, **names, limit=5), fetch_count=2),
        more_pages("small", fetch_count=1),
        more_pages("small", fetch_count=7),
        End("small"),
        pages("exact", scan(pk, RAW, **names, limit=4), fetch_count=2),
        more_pages("exact", fetch_count=2),
        End("exact"),
        pages("again", scan(pk, RAW, **names), fetch_count=2),
        pages("again", scan(pk, RAW, **names)),
        pages("nothing", scan(pk + 100_000, RAW)),
        End("nothing"),
        differs(FETCH_COUNT, pages("zero", scan(pk, RAW), fetch_count=0)),
        differs(FETCH_COUNT, pages("negative", scan(pk, RAW), fetch_count=-1)),
        pages("left", scan(pk, RAW, **names), fetch_count=2),
    ]


def of_indexes() -> list[Step]:
    pk = next(partitions)
    word, other = f"word {pk}", f"other {pk}"
    names: dict[str, Any] = {"projections": ["pk", "ck", "w"]}
    one = rpc.Get(partition_key=key(w=other), **names, **RAW)
    several = rpc.Get(partition_key=key(w=word), **names, **RAW)
    none = rpc.Get(partition_key=key(w="no such word"), **names, **RAW)
    ignored = rpc.Get(partition_key=key(w=other), clustering_key=key(ck=77), **names, **RAW)
    null = rpc.Get(partition_key=rpc.Key(columns=[rpc.Column(name="w")]), **names, **RAW)
    by_word: dict[str, Any] = {"partition_key": key(w=word), **names, **RAW}
    return [
        stored(put(pk, 1, RAW, w=word), put(pk, 2, RAW, w=word), put(pk, 3, RAW, w=other)),
        *(stored_get(wanted) for wanted in (one, several, none, ignored, null)),
        pages("all", rpc.Scan(**by_word), unordered=True),
        End("all"),
        pages("ignoring", rpc.Scan(**by_word, start_clustering_key=key(ck=2)), unordered=True),
        pages("ordered", rpc.Scan(**by_word, orderings=[{"name": "ck"}]), unordered=True),
        pages("limited", rpc.Scan(**{**by_word, "projections": ["w"]}, limit=1)),
    ]


def of_old_clients() -> list[Step]:
    pk = next(partitions)

    def old(**values: Any) -> rpc.Key:
        return rpc.Key(value=[rpc.Value(name=name, int_value=v) for name, v in values.items()])

    text = rpc.Value.TextValue
    where = rpc.MutateCondition(
        type="PUT_IF",
        expressions=[
            rpc.ConditionalExpression(name="v", value=rpc.Value(int_value=1), operator="EQ")
        ],
    )
    keys: dict[str, Any] = {"partition_key": old(pk=pk), "clustering_key": old(ck=1), **RAW}
    wanted = ["pk", "ck", "v", "w", "x"]
    return [
        stored(
            rpc.Mutation(
                value=[
                    rpc.Value(name="v", int_value=1),
                    rpc.Value(name="w", text_value=text(value="old")),
                    rpc.Value(name="x", blob_value=rpc.Value.BlobValue()),
                ],
                **keys,
            )
        ),
        stored_get(rpc.Get(**keys, projections=wanted)),
        stored_get(get(pk, 1, RAW)),
        stored(
            rpc.Mutation(value=[rpc.Value(name="w", text_value=text())], condition=where, **keys)
        ),
        stored_get(rpc.Get(**keys, projections=wanted)),
        pages("s", rpc.Scan(partition_key=old(pk=pk), projections=wanted, **RAW)),
        differs(WORDS, stored(rpc.Mutation(value=[rpc.Value(name="v")], **keys))),
    ]


def of_transactional_tables() -> list[Step]:
    """Which storage sees as they are stored."""
    pk = next(partitions)
    return [
        stored(put(pk, 1, THINGS, v=1)),
        stored_get(get(pk, 1, THINGS)),
        stored_get(get(pk, 1, THINGS, projections=["tx_id", "before_v"])),
        stored(delete(pk, 1, THINGS)),
    ]


def of_empty_calls() -> list[Step]:
    return [
        Call("DistributedStorage/Get", rpc.GetRequest()),
        Call("DistributedStorage/Mutate", rpc.MutateRequest()),
        pages("s", rpc.Scan()),
    ]


TOPICS: dict[str, Callable[[], list[Step]]] = {
    "values": of_values,
    "projections": of_projections,
    "bad reads": of_bad_reads,
    "bad scans": of_bad_scans,
    "ranges": of_ranges,
    "pages": of_pages,
    "indexes": of_indexes,
    "old clients": of_old_clients,
    "transactional tables": of_transactional_tables,
    "empty calls": of_empty_calls,
}


def conversations() -> dict[str, list[Step]]:
    return {f"storage: {name}": made() for name, made in TOPICS.items()}

"""What do clients read in transactions, rightly and wrongly?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.compatibility.over_grpc.real_server.reasons import (
    SOONER,
    WROTE_NOTHING,
)
from tests.compatibility.over_grpc.real_server.requests import (
    ABSENT,
    NO_NAME,
    NOWHERE,
    RAW,
    THINGS,
    WIDE,
    Transaction,
    committed,
    delete,
    get,
    key,
    left,
    partitions,
    put,
    scan,
    state,
)
from tests.compatibility.over_grpc.real_server.said import Step, differs
from tests.compatibility.over_grpc.real_server.values import EXTREMES, NULLS

if TYPE_CHECKING:
    from collections.abc import Callable


def of_values() -> list[Step]:
    pk, steps = next(partitions), []
    written = [*EXTREMES, NULLS]
    for ck, values in enumerate(written):
        steps += committed(f"values {ck}", put(pk, ck, **values))
    tx = Transaction("values")
    return [
        *steps,
        tx.begin(),
        *(tx.get(pk, ck) for ck in range(len(written) + 1)),
        tx.scan(pk),
        *tx.last("commit"),
    ]


def of_reads() -> list[Step]:
    pk, tx = next(partitions), Transaction("reads")
    names: dict[str, Any] = {"projections": ["ck", "v"]}
    steps = committed("for reads", *(put(pk, ck, v=ck, w=f"w{ck}") for ck in range(6)))
    how: tuple[dict[str, Any], ...] = (
        {},
        {"limit": 2},
        {"orderings": [{"name": "ck", "order": 1}], "limit": 3},
        {"start_clustering_key": key(ck=2)},
        {
            "start_clustering_key": key(ck=2),
            "start_inclusive": True,
            "end_clustering_key": key(ck=4),
        },
        {"end_clustering_key": key(ck=4), "end_inclusive": True},
        {"start_clustering_key": key(ck=4), "end_clustering_key": key(ck=1)},
    )
    word: dict[str, Any] = {"partition_key": key(w="w3"), **THINGS, **names}
    return [
        *steps,
        tx.begin(),
        tx.get(pk),
        tx.get(pk, 99),
        tx.say("get", get=get(pk, **names)),
        tx.say("get", get=get(pk, projections=["v", "v"])),
        tx.say("get", get=get(pk, projections=["absent"])),
        tx.say("get", get=get(pk, projections=["v", "absent"])),
        *(tx.scan(pk, **names, **one) for one in how),
        tx.scan(pk, projections=["absent"]),
        tx.say("get", get=rpc.Get(**word)),
        tx.say("scan", scan=rpc.Scan(**word)),
        tx.scan(pk + 100_000),
        *tx.last("commit"),
        differs(WROTE_NOTHING, state("reads")),
    ]


def of_bad_reads() -> list[Step]:
    pk, tx, raw = next(partitions), Transaction("bad reads"), Transaction("reads of raw")
    key_of_text = rpc.Key(columns=[rpc.Column(name="pk", text_value="1")])
    gets = (
        rpc.Get(),
        get(pk, 1, ABSENT),
        get(pk, 1, NOWHERE),
        get(pk, 1, NO_NAME),
        get(pk, None),
        rpc.Get(partition_key=key(v=1), clustering_key=key(ck=1), **THINGS),
        rpc.Get(partition_key=key(v=1), **THINGS),
        rpc.Get(partition_key=key(absent=1), clustering_key=key(ck=1), **THINGS),
        rpc.Get(partition_key=key(pk=pk), clustering_key=key(v=1), **THINGS),
        rpc.Get(partition_key=key(pk=pk), clustering_key=key(ck=1, v=1), **THINGS),
        rpc.Get(clustering_key=key(ck=1), **THINGS),
        rpc.Get(partition_key=key_of_text, clustering_key=key(ck=1), **THINGS),
        rpc.Get(
            partition_key=rpc.Key(columns=[rpc.Column(name="pk")]),
            clustering_key=key(ck=1),
            **THINGS,
        ),
    )
    scans = (
        rpc.Scan(),
        scan(pk, ABSENT),
        scan(pk, limit=-1),
        scan(None, limit=-1),
        rpc.Scan(partition_key=key(v=1), **THINGS),
        rpc.Scan(partition_key=rpc.Key(), **THINGS),
        scan(pk, start_clustering_key=key(v=1)),
        scan(pk, start_clustering_key=key(ck=1, v=1)),
        scan(pk, end_clustering_key=key(absent=1)),
        scan(pk, orderings=[{"name": "v", "order": 0}]),
        scan(pk, orderings=[{"name": "ck"}, {"name": "ck"}]),
        scan(pk, orderings=[{"name": "absent"}]),
    )
    return [
        tx.begin(),
        *(tx.say("get", get=one) for one in gets),
        *(tx.say("scan", scan=one) for one in scans),
        tx.say("get"),
        tx.say("scan"),
        tx.mutate(put(pk, 1, v=1)),
        *tx.last("commit"),
        state("bad reads"),
        raw.begin(),
        differs(SOONER, raw.get(pk, 1, of=RAW)),
        differs(SOONER, raw.scan(pk, of=RAW)),
        *raw.last("rollback"),
    ]


def of_whole_tables() -> list[Step]:
    p1 = next(partitions)

    def wide(c1: int, c2: int) -> rpc.Mutation:
        return rpc.Mutation(
            partition_key=key(p1=p1, p2=1),
            clustering_key=key(c1=c1, c2=c2),
            implicit_pre_read_enabled=True,
            columns=[rpc.Column(name="v", int_value=c1 + c2)],
            **WIDE,
        )

    names = ["p1", "c1", "c2", "v"]
    partition: dict[str, Any] = {"partition_key": key(p1=p1, p2=1), "projections": names, **WIDE}
    ordered: tuple[list[dict[str, Any]], ...] = (
        [{"name": "c1", "order": 1}, {"name": "c2", "order": 0}],
        [{"name": "c1", "order": 0}, {"name": "c2", "order": 1}],
        [{"name": "c1", "order": 1}],
        [{"name": "c1", "order": 0}],
        [{"name": "c2", "order": 0}],
        [{"name": "c1", "order": 0}, {"name": "c2", "order": 0}],
        [{"name": "c2", "order": 0}, {"name": "c1", "order": 1}],
    )
    bounds: tuple[dict[str, Any], ...] = (
        {"start_clustering_key": key(c1=1), "start_inclusive": True},
        {"start_clustering_key": key(c1=1)},
        {
            "start_clustering_key": key(c1=1, c2=0),
            "start_inclusive": True,
            "end_clustering_key": key(c1=1, c2=1),
        },
        {"start_clustering_key": key(c1=0, c2=0), "end_clustering_key": key(c1=1, c2=1)},
        {"start_clustering_key": key(c2=1)},
        {"start_clustering_key": key(c1=0), "end_clustering_key": key(c1=1, c2=1)},
        {"start_clustering_key": key(c1=0, c2=0), "end_clustering_key": key(c1=1)},
    )
    tx = Transaction("wide")
    return [
        *committed("into wide", *(wide(c1, c2) for c1 in range(3) for c2 in range(3))),
        tx.begin(),
        *(tx.say("scan", scan=rpc.Scan(**partition, orderings=one)) for one in ordered),
        *(tx.say("scan", scan=rpc.Scan(**partition, **one)) for one in bounds),
        tx.say("scan", scan=rpc.Scan(partition_key=key(p1=p1), **WIDE)),
        tx.say("scan", scan=rpc.Scan(partition_key=key(p2=1, p1=p1), **WIDE)),
        tx.say("scan", unordered=True, scan=rpc.Scan(projections=names, **WIDE)),
        tx.say("scan", scan=rpc.Scan(projections=["v"], limit=0, **ABSENT)),
        tx.say("scan", unordered=True, scan=rpc.Scan(partition_key=key(v=2), **WIDE)),
        tx.mutate(wide(7, 7)),
        tx.say("scan", scan=rpc.Scan(projections=names, **WIDE)),
        tx.say("scan", scan=rpc.Scan(projections=names, **WIDE, limit=1)),
        *tx.last("commit"),
    ]


def of_scans_of_own_writes() -> list[Step]:
    pk, tx = next(partitions), Transaction("scan of own writes")
    word: dict[str, Any] = {"projections": ["ck"]}
    by_word: dict[str, Any] = {"partition_key": key(w=f"own {pk}"), **THINGS, **word}
    return [
        *committed("before that scan", put(pk, 1, v=1), put(pk, 5, v=2), put(pk, 9, v=2)),
        tx.begin(),
        tx.scan(pk, **word),
        tx.mutate(put(pk, 5, v=5, w=f"own {pk}")),
        tx.scan(pk, **word),
        tx.scan(pk, **word, end_clustering_key=key(ck=5)),
        tx.scan(pk, **word, end_clustering_key=key(ck=5), end_inclusive=True),
        tx.scan(pk, **word, start_clustering_key=key(ck=5)),
        tx.scan(pk, **word, start_clustering_key=key(ck=5), start_inclusive=True),
        tx.scan(pk, **word, start_clustering_key=key(ck=6), end_clustering_key=key(ck=99)),
        tx.scan(pk, **word, start_clustering_key=key(ck=2), end_clustering_key=key(ck=7)),
        tx.scan(pk, **word, limit=1),
        tx.scan(pk + 100_000, **word),
        tx.say("scan", scan=rpc.Scan(**by_word)),
        tx.say("scan", scan=rpc.Scan(**{**by_word, "partition_key": key(w="nobody's")})),
        tx.get(pk, 5),
        tx.mutate(delete(pk, 5)),
        tx.scan(pk, **word, end_clustering_key=key(ck=5)),
        tx.scan(pk, **word),
        tx.mutate(put(pk, 5, v=6)),
        tx.mutate(delete(pk, 5)),
        *tx.last("commit"),
        *left(pk, "after that scan"),
    ]


TOPICS: dict[str, Callable[[], list[Step]]] = {
    "values": of_values,
    "reads": of_reads,
    "bad reads": of_bad_reads,
    "scans of own writes": of_scans_of_own_writes,
    "whole tables": of_whole_tables,
}


def conversations() -> dict[str, list[Step]]:
    return {f"transaction: {name}": made() for name, made in TOPICS.items()}

"""What do clients ask of transactions, rightly and wrongly?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.messages import TRANSACTION
from tests.compatibility.over_grpc.real_server.reasons import (
    CONDITION,
    LIST,
    SOONER,
    TWICE,
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
    aborted,
    committed,
    condition,
    delete,
    get,
    key,
    partitions,
    put,
    rolled_back,
    scan,
    state,
)
from tests.compatibility.over_grpc.real_server.said import Say, Step, differs
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


def of_beginnings() -> list[Step]:
    made_up, started, named = (Transaction(f"begun {n}") for n in range(3))
    active, second, empty = Transaction("active"), Transaction("second"), Transaction("empty")
    late, again = Transaction("late"), Transaction("again")
    return [
        made_up.say("begin"),
        *made_up.last("commit"),
        started.say("start"),
        *started.last("rollback"),
        named.say("start", transaction_id="named by start"),
        *named.last("abort"),
        active.begin(),
        second.say("begin", transaction_id="active"),
        Say("third", TRANSACTION, rpc.TransactionRequest()),
        empty.say("begin", transaction_id=""),
        Transaction("empty start").say("start", transaction_id=""),
        late.get(1),
        Transaction("late scan").scan(1),
        Transaction("late put").mutate(put(1, v=1)),
        Transaction("late commit").say("commit"),
        Transaction("late rollback").say("rollback"),
        Transaction("late abort").say("abort"),
        again.begin(),
        again.begin(),
        (twice := Transaction("started")).begin(),
        twice.say("start"),
        (unsaid := Transaction("nothing said")).begin(),
        unsaid.nothing(),
        *active.last("rollback"),
    ]


def of_ends() -> list[Step]:
    pk, steps = next(partitions), []
    for begin in ("begin", "start"):
        for last in ("commit", "rollback", "abort"):
            tx = Transaction(f"{begin} and {last}")
            steps += [
                tx.say(begin, transaction_id=tx.name),
                tx.mutate(put(pk, 1, v=1)),
                *tx.last(last),
                state(tx.name),
            ]
    return steps


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


def _again(mutation: rpc.Mutation) -> rpc.Mutation:
    mutation.columns.extend([*mutation.columns])
    return mutation


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
        *_left(pk, "after own writes"),
    ]


def _left(pk: int, name: str) -> list[Step]:
    tx = Transaction(name)
    return [tx.begin(), tx.scan(pk), *tx.last("commit")]


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
        *_left(pk, "after that scan"),
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
        *_left(pk, "after mixed"),
        twice.begin(),
        twice.mutate(put(pk, 7, v=1), put(pk, 7, w="w")),
        *twice.last("commit"),
        *_left(pk, "after twice"),
        part.begin(),
        part.mutate(put(pk, 8, v=1), put(pk, 9, v=1, where=unmet)),
        *part.last("commit"),
        *(
            differs(LIST, step)
            if isinstance(step, Say) and step.request.HasField("scan_request")
            else step
            for step in _left(pk, "after part")
        ),
    ]


def of_conflicts() -> list[Step]:
    pk = next(partitions)
    first, second, third, fourth = (Transaction(f"conflict {n}") for n in range(4))
    reader, writer = Transaction("skewed reader"), Transaction("skewed writer")
    return [
        first.begin(),
        second.begin(),
        first.mutate(put(pk, 1, v=1)),
        second.mutate(put(pk, 1, v=2)),
        *first.last("commit"),
        *second.last("commit"),
        state(first.name),
        state(second.name),
        third.begin(),
        fourth.begin(),
        third.mutate(put(pk, 1, v=3)),
        fourth.mutate(put(pk, 1, v=4)),
        *third.last("commit"),
        *fourth.last("commit"),
        state(fourth.name),
        reader.begin(),
        writer.begin(),
        reader.get(pk, 1),
        writer.get(pk, 2),
        reader.mutate(put(pk, 2, v=1)),
        writer.mutate(put(pk, 1, v=5)),
        *writer.last("commit"),
        *reader.last("commit"),
        state(reader.name),
        *_left(pk, "after conflicts"),
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


def of_states() -> list[Step]:
    pk = next(partitions)
    asked, unwritten = Transaction("asked"), Transaction("wrote nothing")
    both = ("DistributedTransaction", "TwoPhaseCommitTransaction")
    steps = [
        *committed("for its state", put(pk, 1, v=1)),
        unwritten.begin(),
        *unwritten.last("commit"),
        differs(WROTE_NOTHING, state(unwritten.name)),
        asked.begin(),
        asked.mutate(put(pk, 2, v=2)),
        state(asked.name),
        rolled_back(asked.name),
        state(asked.name),
        asked.get(pk, 1),
        *asked.last("commit"),
        state(asked.name),
    ]
    for service in both:
        steps += [
            state("for its state", service),
            state("nobody's", service),
            rolled_back(f"nobody's rolled back by {service}", service),
            state(f"nobody's rolled back by {service}", service),
            aborted(f"nobody's aborted by {service}", service),
            rolled_back("for its state", service),
            aborted("for its state", service),
            state("", service),
            rolled_back("", service),
            aborted("", service),
        ]
    return steps


TOPICS: dict[str, Callable[[], list[Step]]] = {
    "values": of_values,
    "beginnings": of_beginnings,
    "ends": of_ends,
    "reads": of_reads,
    "bad reads": of_bad_reads,
    "bad writes": of_bad_writes,
    "conditions": of_conditions,
    "empty conditions": of_empty_conditions,
    "unread records": of_unread_records,
    "own writes": of_own_writes,
    "scans of own writes": of_scans_of_own_writes,
    "lists": of_lists,
    "conflicts": of_conflicts,
    "whole tables": of_whole_tables,
    "states": of_states,
}


def conversations() -> dict[str, list[Step]]:
    return {f"transaction: {name}": made() for name, made in TOPICS.items()}

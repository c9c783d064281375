"""How do clients begin and end transactions, rightly and wrongly?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.messages import TRANSACTION
from tests.compatibility.over_grpc.real_server.reasons import (
    WROTE_NOTHING,
)
from tests.compatibility.over_grpc.real_server.requests import (
    Transaction,
    aborted,
    committed,
    left,
    partitions,
    put,
    rolled_back,
    state,
)
from tests.compatibility.over_grpc.real_server.said import Say, Step, differs

if TYPE_CHECKING:
    from collections.abc import Callable


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
        *left(pk, "after conflicts"),
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
    "beginnings": of_beginnings,
    "ends": of_ends,
    "conflicts": of_conflicts,
    "states": of_states,
}


def conversations() -> dict[str, list[Step]]:
    return {f"transaction: {name}": made() for name, made in TOPICS.items()}

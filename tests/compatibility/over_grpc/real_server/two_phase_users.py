"""What do clients ask of parts of transactions, rightly and wrongly?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.messages import Two, asks
from tests.compatibility.over_grpc.real_server.reasons import NOT_VALIDATED
from tests.compatibility.over_grpc.real_server.requests import (
    ABSENT,
    Transaction,
    committed,
    condition,
    get,
    partitions,
    put,
    rolled_back,
    scan,
    state,
)
from tests.compatibility.over_grpc.real_server.said import Say, Step, differs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SERVICE = "TwoPhaseCommitTransaction"


def part(name: str) -> Transaction:
    return Transaction(name, two_phase=True)


def of_a_whole() -> list[Step]:
    pk, steps = next(partitions), []
    for validated in (True, False):
        tx = part(f"whole {validated}")
        between = [tx.say("validate")] if validated else []
        steps += [
            tx.begin(),
            tx.get(pk, 1),
            tx.mutate(put(pk, 1, v=1)),
            tx.get(pk, 1),
            tx.say("prepare"),
            *between,
            *tx.last("commit"),
            state(tx.name, SERVICE)
            if validated
            else differs(NOT_VALIDATED, state(tx.name, SERVICE)),
        ]
    return steps


def of_wrong_turns() -> list[Step]:
    pk, steps = next(partitions), []
    turns: tuple[Sequence[str], ...] = (
        ("validate", "rollback"),
        ("commit",),
        ("prepare", "prepare", "rollback"),
        ("prepare", "validate", "validate", "rollback"),
        ("prepare", "validate", "prepare", "rollback"),
        ("prepare", "get", "scan", "mutate", "rollback"),
        ("prepare", "validate", "get", "mutate", "commit"),
        ("prepare", "rollback"),
        ("prepare", "abort"),
        ("rollback",),
        ("abort",),
        ("prepare", "begin"),
        ("start",),
        ("begin",),
    )
    for number, turn in enumerate(turns):
        tx = part(f"turn {number}")
        of: dict[str, dict[str, Any]] = {
            "get": {"get": get(pk, number)},
            "scan": {"scan": scan(pk)},
        }
        steps += [tx.begin(), tx.mutate(put(pk, number, v=1))]
        steps += [tx.say(one, **of.get(one, {})) for one in turn]
        if turn[-1] in ("commit", "rollback", "abort"):
            steps.append(tx.end())
        steps.append(state(tx.name, SERVICE))
    return steps


def of_beginnings() -> list[Step]:
    made_up, started, active = part("made up"), part("started"), part("active part")
    joined, empty, second = part("joined"), part("empty"), part("second part")

    return [
        made_up.say("begin"),
        *made_up.last("rollback"),
        started.say("start"),
        *started.last("abort"),
        active.begin(),
        second.say("begin", transaction_id=active.name),
        joined.say("join", transaction_id="begun by nobody"),
        joined.say("join", transaction_id="begun by nobody"),
        empty.say("begin", transaction_id=""),
        part("join of nothing").say("join", transaction_id=""),
        part("join without id").say("join"),
        Say("nothing", f"{SERVICE}/TwoPhaseCommitTransaction", Two()),
        *(
            Say(f"late {name}", f"{SERVICE}/TwoPhaseCommitTransaction", asks(Two, name))
            for name in (
                "get",
                "scan",
                "mutate",
                "prepare",
                "validate",
                "commit",
                "rollback",
                "abort",
            )
        ),
        *active.last("rollback"),
        (unsaid := part("nothing said to it")).begin(),
        unsaid.nothing(),
        (then := part("joined then begun")).say("join", transaction_id="another"),
        then.begin(),
    ]


def of_joining() -> list[Step]:
    """Parts that write to partitions of their own."""
    pk, other = next(partitions), next(partitions)
    first, second = part("of two"), part("of two and second")
    steps = [
        first.begin(),
        second.say("join", transaction_id=first.name),
        first.mutate(put(pk, 1, v=1)),
        second.mutate(put(other, 1, v=1)),
    ]
    return [*steps, *second.last("rollback")]


def of_conflicts() -> list[Step]:
    pk = next(partitions)
    failed, late, undone = part("prepare fails"), part("commit of it"), part("rolled back by id")
    reader = part("validation fails")
    return [
        *committed("before parts", put(pk, 3, v=1)),
        failed.begin(),
        failed.mutate(put(pk, 1, v=2)),
        late.begin(),
        late.mutate(put(pk, 1, v=3)),
        reader.begin(),
        reader.get(pk, 3),
        reader.mutate(put(pk, 4, v=1)),
        *committed("in between", put(pk, 1, v=1), put(pk, 3, v=2)),
        failed.say("prepare"),
        failed.get(pk, 1),
        failed.say("validate"),
        *failed.last("rollback"),
        state(failed.name, SERVICE),
        late.say("prepare"),
        *late.last("commit"),
        differs(NOT_VALIDATED, state(late.name, SERVICE)),
        reader.say("prepare"),
        reader.say("validate"),
        reader.say("validate"),
        *reader.last("rollback"),
        state(reader.name, SERVICE),
        undone.begin(),
        undone.mutate(put(pk, 5, v=1)),
        undone.say("prepare"),
        rolled_back(undone.name, SERVICE),
        undone.say("validate"),
        *undone.last("commit"),
        state(undone.name, SERVICE),
    ]


def of_refusals() -> list[Step]:
    pk, tx = next(partitions), part("refusals")
    return [
        tx.begin(),
        tx.get(pk, 1, of=ABSENT),
        tx.get(pk, None),
        tx.scan(pk, limit=-1),
        tx.mutate(put(pk, 1, ABSENT, v=1)),
        tx.mutate(put(pk, 1, v=1, where=condition("PUT_IF_EXISTS"))),
        tx.mutate(put(pk, 1, v=1, where=condition("PUT_IF_NOT_EXISTS"))),
        tx.mutate(rpc.Mutation(type="DELETE", partition_key=put(pk).partition_key)),
        tx.say("prepare"),
        tx.say("validate"),
        *tx.last("commit"),
    ]


TOPICS: dict[str, Callable[[], list[Step]]] = {
    "a whole": of_a_whole,
    "wrong turns": of_wrong_turns,
    "beginnings": of_beginnings,
    "joining": of_joining,
    "conflicts": of_conflicts,
    "refusals": of_refusals,
}


def conversations() -> dict[str, list[Step]]:
    return {f"two-phase: {name}": made() for name, made in TOPICS.items()}

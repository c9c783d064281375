"""Who may call what? Every method, every kind of caller, every kind of namespace."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import grpc
import pytest

from scalar_tx.cluster.rpc.v1 import operations_pb2, scripts_pb2, transactions_pb2
from tests.cluster.security.people import METHODS, NINE, SYSTEM
from tests.cluster.security.row import OPEN, OPEN_TO_A_SECRET
from tests.cluster.security.rows import ROWS
from tests.cluster.security.rows_of_transactions import OPERATIONS

if TYPE_CHECKING:
    from tests.cluster.security.people import Answer, People, Somebody
    from tests.cluster.security.row import Row


def test_every_method_has_a_row() -> None:
    assert {row.method for row in ROWS} == METHODS.keys()


def test_every_kind_of_step_has_a_row() -> None:
    kinds = {row.kind for row in ROWS if row.method == "Transactions.Transact"}
    request = transactions_pb2.Request.DESCRIPTOR
    steps = {one.name for one in request.oneofs_by_name["step"].fields}
    assert steps <= {kind.partition(" ")[0] for kind in kinds}
    assert set(transactions_pb2.Request.End.keys()) <= kinds
    made = operations_pb2.Operation.DESCRIPTOR.oneofs_by_name["kind"].fields
    written = set(operations_pb2.Write.Kind.keys()) - {"KIND_UNSPECIFIED"}
    operations = {one.name for one in made} - {"write"} | written
    assert operations <= {name.partition(" ")[0] for name in OPERATIONS}
    assert {f"{step} {name}" for step in ("one", "batch") for name in OPERATIONS} <= kinds
    executed = {row.kind for row in ROWS if row.method == "Transactions.Execute"}
    in_scripts = scripts_pb2.Step.DESCRIPTOR.oneofs_by_name["kind"].fields
    assert {one.name for one in in_scripts} == {"operation", "require"}
    assert executed == {*OPERATIONS, "require"}


def _id(row: Row) -> str:
    return f"{row.method}-{row.kind}" if row.kind else row.method


@pytest.mark.nodes
@pytest.mark.parametrize("row", ROWS, ids=_id)
def test_who_may(people: People, row: Row) -> None:
    let_in, kept_out = 0, 0
    for who in people.all:
        for namespace in _namespaces(who):
            answer = _asked(people, who, row, namespace, "t")
            place = f"{who.name} in {namespace}: {answer}"
            if row.needs == OPEN_TO_A_SECRET or (row.needs != OPEN and not who.known):
                assert answer.unknown, place
            elif not row.lets(who, namespace):
                assert answer.refused, place
            else:
                assert not answer.unknown, place
                assert not answer.refused, place
                let_in += 1
                continue
            kept_out += 1
            # Nothing is learned of what is there.
            other = _asked(people, who, row, namespace, "missing")
            assert _without_names(answer) == _without_names(other)
    assert let_in or row.needs == OPEN_TO_A_SECRET
    assert kept_out or row.needs == OPEN


def _namespaces(who: Somebody) -> tuple[str, ...]:
    if who.name in ("ada", "root"):
        return ("own", "other", *SYSTEM)
    if len(who.held.get("own", NINE)) == 1:
        return ("own",)
    return ("own", "other", SYSTEM[0])


def _asked(people: People, who: Somebody, row: Row, namespace: str, table: str) -> Answer:
    answer = people.call(who, row.method, *row.requests(namespace, table, people.unused_id()))
    if answer.status is grpc.StatusCode.OK and ".Drop" in row.method:
        people.restore()
    return answer


def _without_names(answer: Answer) -> str:
    return re.sub(r"tx-\d+", "ID", answer.seen.replace(".missing", ".t"))

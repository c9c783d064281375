"""The golden scenarios that are a sequence of operations in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_tx.model.conditions import column, if_exists
from tests.protocol.golden_stage import ACCOUNT, key, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.golden_stage import Replayed, Stage
    from tests.protocol.world import Tx

Step = tuple[str, Any]
MISSING = {52, 57, 58, 59, 60, 62, 72}  # the file's accounts that do not exist before

commit: Step = ("commit", None)
get: Step = ("get", None)
delete: Step = ("delete", None)

SEQUENCES: dict[str, list[Step]] = {
    "insert of an existing row": [("insert", 1), commit],
    "insert after upsert": [("upsert", 2), ("insert", 1), commit],
    "delete after insert": [("insert", 1), delete, commit],
    "put after delete": [get, delete, ("put", 4), get, commit],
    "upsert after delete": [delete, ("upsert", 2), commit],
    "insert after delete": [delete, ("insert", 1), commit],
    "update after delete": [get, delete, ("update", 3), commit],
    "update of a missing row": [("update", 3), commit],
    "update if exists of a missing row": [("update", (3, if_exists)), commit],
    "delete of a missing row": [delete, commit],
    "delete if exists of a missing row": [("delete", if_exists), commit],
    "put unread, existing row": [("put", 4), commit],
    "put unread, missing row": [("put", 4), commit],
    "put unread with implicit pre-read": [("put and read", 4), commit],
    "put if without read": [("put", (4, column("balance") == 100)), commit],
    "put if after read": [get, ("put", (4, column("balance") == 100)), commit],
    "put if after read, false": [get, ("put", (4, column("balance") == 5)), commit],
    "condition sees own write": [
        ("update", 5),
        ("update", (9, column("balance") == 5)),
        commit,
    ],
    "scan after write of a row in it": [get, ("update", 3), ("scan", None), commit],
    "scan after delete of a row in it": [get, delete, ("scan", None), commit],
    "write after scan": [("scan", None), ("update", 3), commit],
    "get after write": [("upsert", 2), get, commit],
    "get after insert": [("insert", 1), get, commit],
    "get after delete": [delete, get, commit],
    "upsert twice": [("upsert", 2), ("upsert", {"name": "b"}), get, commit],
    "index scan after write of the index value": [
        ("upsert", {"name": "n75"}),
        ("scan index", "n75"),
        commit,
    ],
    "index get, two rows": [("get index", "a")],
    "write of a metadata column": [("upsert", {"tx_state": 3})],
    "projection of a metadata column": [("project", ["tx_id"])],
    "mutation in a condition that is false: transaction usable": [
        ("update", (7, column("balance") == 5)),
        ("upsert", 3),
        commit,
    ],
}


def play(tx: Tx, number: int, step: Step) -> Any:  # noqa: C901, PLR0911  # one case an operation
    """One operation as the scenarios name it."""
    name, argument = step
    argument, where = argument if isinstance(argument, tuple) else (argument, None)
    values = argument if isinstance(argument, dict) else {"balance": argument}
    row = {**key(number), **values}
    match name:
        case "commit":
            return tx.commit()
        case "get":
            return tx.get(ACCOUNT, key(number))
        case "project":
            return tx.get(ACCOUNT, key(number), columns=argument)
        case "get index":
            return tx.get(ACCOUNT, index={"name": argument})
        case "scan":
            return tx.scan(ACCOUNT, {"id": number})
        case "scan index":
            return tx.scan(ACCOUNT, index={"name": argument})
        case "insert":
            return tx.insert(ACCOUNT, row)
        case "upsert":
            return tx.upsert(ACCOUNT, row)
        case "update":
            return tx.update(ACCOUNT, key(number), values, where=where, missing="ignore")
        case "put":
            return tx.put(ACCOUNT, row, where=where)
        case "put and read":
            return tx.put(ACCOUNT, row, implicit_pre_read=True)
        case "delete":
            return tx.delete(ACCOUNT, key(number), where=argument)
    raise AssertionError(name)


def _sequence(name: str, number: int) -> Callable[[Stage], Replayed]:
    def replay(stage: Stage) -> Replayed:
        stage.load(*(() if number in MISSING else (number,)), 1000)
        tx = stage.begin()
        seen = [told(lambda step=step: play(tx, number, step)) for step in SEQUENCES[name]]  # type: ignore[misc]  # called at once
        return stage.result(None, seen, ids=[number])

    return replay


# The file's accounts are numbered in the order of its scenarios, this group's from 50 on.
SEQUENCE_REPLAYS = {name: _sequence(name, number) for number, name in enumerate(SEQUENCES, 50)}

"""Where does this library mean to do better than the golden behaviour file, and why?

scenario -> (why, what it shows instead). docs/differences-from-scalardb.md tells users.
"""

from __future__ import annotations

from typing import Any

_PREPARED_TWO = "mutate prepare x2"
_ABORTED = "put abort-state x1"
_REFUSED_ROLLBACK = "mutate rollback x2 -> NoMutationException"
_NOT_READ_AGAIN = (
    "what prepare wrote is known, and what it was refused for certain needs no undoing"
)
_RESTORED = {
    "balance": 100,
    "kind": 1,
    "name": "a",
    "tx_id": "#0",
    "tx_state": 3,
    "tx_version": 1,
}
_LEFT = {
    "balance": 200,
    "before_balance": 100,
    "before_name": "a",
    "before_tx_id": "#0",
    "before_tx_state": 3,
    "before_tx_version": 1,
    "kind": 1,
    "name": "a",
    "tx_id": "#1",
    "tx_state": 1,
    "tx_version": 2,
}
_REFUSED_INSERT = [
    "mutate prepare x1 -> NoMutationException",
    "put abort-state x1",
    "get read x1",
]


def _found(number: int) -> dict[str, Any]:
    return {"ok": {"id": number, "kind": 1, "balance": 100, "name": "a"}}


_DONE = {"ok": None}

DIFFERENCES: dict[str, tuple[str, dict[str, Any]]] = {
    "commit-state fails 5 times": (
        "a lost decision is settled at once: read, else force ABORTED, and undo",
        {
            "seen": "ConflictError",
            "state": "ABORTED",
            "rows": [{"id": 13, **_RESTORED}, {"id": 14, **_RESTORED}],
            "calls": [
                _PREPARED_TWO,
                "get read-state x1",
                "put abort-state x1",
                "get read x1",  # an own record, still prepared: nobody has cleaned up behind us
                "mutate rollback x2",
            ],
        },
    ),
    "commit-state conflicts and nothing is there": (
        "the transaction is made ABORTED before its records are undone, so its state can be asked",
        {
            "state": "ABORTED",
            "calls": [
                _PREPARED_TWO,
                "get read-state x1",
                "get read-state x1",
                "put abort-state x1",
                "mutate rollback x2",
            ],
        },
    ),
    "prepare fails with a plain storage error": (
        "what may be prepared is undone from what prepare wrote; where that is refused, by rows",
        {"calls": [_ABORTED, _REFUSED_ROLLBACK, "get read x1", "get read x1"]},
    ),
    "prepare fails with a retriable error": (_NOT_READ_AGAIN, {"calls": [_ABORTED]}),
    "prepare meets a changed record": (_NOT_READ_AGAIN, {"calls": [_ABORTED]}),
    "prepare is applied but its answer is lost": (
        _NOT_READ_AGAIN,
        {"calls": [f"{_PREPARED_TWO} -> ExecutionException", _ABORTED, "mutate rollback x2"]},
    ),
    "prepare applied and lost, rollback of the records fails": (
        _NOT_READ_AGAIN,
        {"calls": [f"{_PREPARED_TWO} -> ExecutionException", _ABORTED]},
    ),
    "prepare conflicts, abort-state fails once": (_NOT_READ_AGAIN, {"calls": [_ABORTED]}),
    "prepare conflicts, ABORTED is written but its answer is lost": (
        _NOT_READ_AGAIN,
        {
            "calls": [
                f"{_ABORTED} -> ExecutionException",
                f"{_ABORTED} -> NoMutationException",
                "get read-state x1",
            ]
        },
    ),
    "validation fails with a storage error": (
        _NOT_READ_AGAIN,
        {"calls": ["mutate prepare x1", _ABORTED, "mutate rollback x1"]},
    ),
    "validation finds a change": (
        _NOT_READ_AGAIN,
        {"calls": ["mutate prepare x1", "get read x1", _ABORTED, "mutate rollback x1"]},
    ),
    "the slow writer goes on after that": (
        "the same; a reader has undone one of the two, so the other is looked at by itself",
        {
            "calls": [
                _PREPARED_TWO,
                "put commit-state x1 -> NoMutationException",
                "get read-state x1",
                _REFUSED_ROLLBACK,
                "get read x1",
                "get read x1",
                "mutate rollback x1",
            ]
        },
    ),
    "SERIALIZABLE: read two dead rows, write a third": (
        "a writer's decision is looked up once",
        {
            "calls": [
                "get read x1",
                "get read-state x1",
                "get read x1",
                _ABORTED,
                "get read x1",
                "mutate rollback x1",
                "get read x1",
                "mutate rollback x1",
                "mutate prepare x1",
                "get read x1",
                "get read x1",
                "put commit-state x1",
                "mutate commit x1",
            ]
        },
    ),
    "prepare conflicts, abort-state fails 5 times": (
        "COMMITTED was never sent, so the outcome is certain although nobody could note it down",
        {"seen": "ConflictError"},
    ),
    "prepare conflicts, writing ABORTED conflicts and nothing is there": (
        "no record is undone without an ABORTED row; they expire",
        {"calls": ["get read-state x1"]},
    ),
    "scan after write of a row in it": (
        "scans see own writes",
        {
            "seen": [
                _found(68),
                _DONE,
                {"ok": [{"id": 68, "kind": 1, "balance": 3, "name": "a"}]},
                _DONE,
            ]
        },
    ),
    "scan after delete of a row in it": (
        "scans see own writes",
        {"seen": [_found(69), _DONE, {"ok": []}, _DONE]},
    ),
    "get after insert": (
        "what was inserted is known; the storage isn't asked",
        {"calls": ["mutate prepare x1", "put commit-state x1", "mutate commit x1"]},
    ),
    "index scan after write of the index value": (
        "scans see own writes, so the record written is read before the scan, not at commit",
        {
            "seen": [
                _DONE,
                {"ok": [{"id": 75, "kind": 1, "balance": 100, "name": "n75"}]},
                _DONE,
            ],
            "calls": [
                "get read x1",
                "scan read x1",
                "scan read x1",
                "mutate prepare x1",
                "put commit-state x1",
                "mutate commit x1",
            ],
        },
    ),
    "index get, two rows": (
        "an index get is an index scan; its second query comes before the count",
        {"calls": ["scan read x1", "scan read x1"]},
    ),
    "insert over it": (
        "who meets an uncommitted record where it inserts looks whether its writer is dead",
        {"calls": [*_REFUSED_INSERT, "get read x1", "get read-state x1"]},
    ),
    "insert over a dead row": (
        "it is settled, so that the same insert finds out the next time",
        {
            "calls": [
                *_REFUSED_INSERT,
                "get read x1",
                "get read-state x1",
                "get read x1",
                "put abort-state x1",
                "mutate rollback x1",
            ],
            "rows": [{"id": 82, **_RESTORED}, {"id": 83, **_LEFT}],
        },
    ),
    "recoverRecord of it": (
        "a ConflictError with retry_after tells when to come back",
        {"seen": "ConflictError"},
    ),
    "rollback by id of a committed transaction": (
        "settle looks before it writes",
        {"calls": ["get read-state x1"]},
    ),
    "rollback by id of an unknown transaction": (
        "settle asks the coordinator only",
        {"calls": ["get read-state x1", "put abort-state x1"]},
    ),
}

"""Do failures and sequences end as they do in the Java library, call by call and row by row?

Each scenario of the SQLite part of golden/behaviour.json is replayed on each storage; where this
library means to do better, ``DIFFERENCES`` says in what and why.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.protocol.golden_differences import DIFFERENCES
from tests.protocol.golden_failures import FAILURES
from tests.protocol.golden_recovery import RECOVERY
from tests.protocol.golden_sequences import SEQUENCE_REPLAYS
from tests.protocol.golden_stage import Stage, expected_of, with_ids_numbered
from tests.protocol.world import STORAGES, World, open_inner

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.golden_stage import Replayed

FILE = Path(__file__).parent.parent / "golden" / "behaviour.json"
GOLDEN: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["sqlite"]
REPLAYS: dict[str, Callable[[Stage], Replayed]] = {**FAILURES, **SEQUENCE_REPLAYS, **RECOVERY}

NOT_REPLAYED = {
    "one-phase: condition": "a transaction of one batch always leaves a decision here",
    "one-phase: retriable": "the same",
    "one-phase: error": "the same",
    "one-phase: applied, answer lost": "the same",
    "finishTransaction without a write set": "decisions are not cleaned up by this library yet",
    "finishTransaction with a write set": "the same",
    "one mutate over two tables, up first": "of the storage; its conformance suite has it",
    "one mutate over two tables, down first": "the same",
}


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("name", REPLAYS)
def test_behaves_as_recorded(name: str, storage: str, tmp_path: Path) -> None:
    golden = GOLDEN[name]
    ids = [row["id"] for row in golden.get("rows", []) if row is not None]
    world = World(open_inner(storage, tmp_path))
    try:
        replayed = REPLAYS[name](Stage(world, ids))
    finally:
        world.close()
    expected = {
        "seen": expected_of(golden.get("seen", golden)),
        "calls": golden.get("calls", []),
        "rows": with_ids_numbered(golden.get("rows", [])),
    }
    ours = {
        "seen": replayed.seen,
        "calls": replayed.calls,
        "rows": with_ids_numbered(replayed.rows),
    }
    if golden.get("state") is not None and replayed.state is not None:
        expected["state"], ours["state"] = golden["state"], replayed.state
    if "rollback afterwards" in golden and replayed.rollback is not None:
        expected["rollback"] = expected_of(golden["rollback afterwards"])
        ours["rollback"] = replayed.rollback
    _, better = DIFFERENCES.get(name, ("", {}))
    assert ours == {**expected, **better}
    # A difference that is none any more is taken off the list.
    assert [what for what in better if better[what] == expected[what]] == []


def test_every_scenario_is_replayed_or_has_a_reason() -> None:
    assert sorted([*REPLAYS, *NOT_REPLAYED]) == sorted(GOLDEN)

"""Does a node's log hold a key of a record over which transactions met? Keys are user data."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import scalar_tx
from tests.cluster.served import Served

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TABLE = "bank.account"
CANARY = "canary-key-91c4"
CLIENTS = 8


def test_reruns_of_scripts_name_no_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    served = Served(f"sqlite:///{tmp_path / 'data.db'}?synchronous=off")
    reruns: list[logging.LogRecord] = []
    with (
        scalar_tx.connect(served.url) as db,
        ThreadPoolExecutor(CLIENTS) as clients,
        caplog.at_level(logging.DEBUG, "scalar_tx"),
    ):
        db.admin.create_table(TABLE, columns={"id": "TEXT", "n": "INT"}, partition_key=["id"])
        db.upsert(TABLE, {"id": CANARY, "n": 0})
        script = scalar_tx.Script()
        read = script.get(TABLE, {"id": CANARY})
        script.update(TABLE, {"id": CANARY}, {"n": read["n"] + 1})
        rounds = 0
        while not reruns and rounds < 20:
            rounds += 1
            assert len(list(clients.map(db.execute, [script] * CLIENTS * 5))) == CLIENTS * 5
            reruns = [one for one in caplog.records if one.name == "scalar_tx.retry"]
        found = db.get(TABLE, {"id": CANARY})
    served.close()
    assert found is not None
    assert found["n"] == rounds * CLIENTS * 5
    assert reruns, "they met, and were run again"
    assert all(f" on {TABLE} " in record.getMessage() for record in reruns)
    assert CANARY not in caplog.text

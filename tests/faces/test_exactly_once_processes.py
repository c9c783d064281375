"""Is a call done once although the processes that make it are killed, and others make it again?

Three processes make the same calls, each with its key, on one file. They are killed (SIGKILL) again
and again and begin anew from the first call; at the end each call was done once.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

import scalar_tx
from tests.faces.tables import ACCOUNT

if TYPE_CHECKING:
    from pathlib import Path

CALLS = 40
KILLS = 12
WORKER = """
import sys
import scalar_tx

db = scalar_tx.connect(sys.argv[1], consensus_commit_one_phase_commit_enabled=sys.argv[2])

@db.transactional(key=lambda number: f"payment {number}", scope="payments")
def pay(tx, number):
    payer, payee = tx.get("bank.account", {"id": 1}), tx.get("bank.account", {"id": 2})
    tx.update("bank.account", {"id": 1}, {"balance": payer["balance"] - number})
    tx.update("bank.account", {"id": 2}, {"balance": payee["balance"] + number})
    return payer["balance"] - number

for number in range(int(sys.argv[3])):
    print(number, pay(number), flush=True)
"""


@pytest.mark.parametrize("one_phase", ["true", pytest.param("false", marks=pytest.mark.slow)])
def test_the_money_moves_once(tmp_path: Path, one_phase: str) -> None:
    url = f"sqlite:///{tmp_path / 'data.db'}?synchronous=off"
    with scalar_tx.connect(url) as db:
        db.admin.create_table(
            ACCOUNT, columns={"id": "INT", "balance": "BIGINT"}, partition_key=["id"]
        )
        db.load(ACCOUNT, [{"id": 1, "balance": 10_000}, {"id": 2, "balance": 0}])
    dice = random.Random(5)
    logs: list[Path] = []

    def start() -> subprocess.Popen[bytes]:
        logs.append(tmp_path / f"told by {len(logs)}")
        with logs[-1].open("wb") as told:
            command = [sys.executable, "-c", WORKER, url, one_phase, str(CALLS)]
            return subprocess.Popen(command, stdout=told)

    workers = [start() for _ in range(3)]
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.3, 0.6))
        victim = workers.pop(dice.randrange(len(workers)))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        workers.append(start())
    for worker in workers:
        assert worker.wait(120) == 0
    moved = sum(range(CALLS))
    with scalar_tx.connect(url) as db:
        assert db.get(ACCOUNT, {"id": 1}) == {"id": 1, "balance": 10_000 - moved}
        assert db.get(ACCOUNT, {"id": 2}) == {"id": 2, "balance": moved}
        stored = db.scan("scalar_tx.outcome", whole_table=True)
        assert {row["key"] for row in stored} == {f"payment {n}" for n in range(CALLS)}
    told: dict[bytes, set[bytes]] = {}
    for line in (line for log in logs for line in log.read_bytes().splitlines(keepends=True)):
        if not line.endswith(b"\n"):
            continue  # its writer was killed
        number, _, result = line.partition(b" ")
        told.setdefault(number, set()).add(result)
    assert len(told) == CALLS
    assert all(len(results) == 1 for results in told.values()), "one call, two results"

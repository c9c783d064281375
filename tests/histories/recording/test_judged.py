"""Does the checker find a recorded history sound, and one of a broken protocol broken?"""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import ConflictError, Isolation
from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.validate import Validation
from scalar_tx.histories import Verdict, check_registers
from scalar_tx.histories.elle_json import RW_REGISTER, read_history
from scalar_tx.runtime.blocking import run_blocking
from tests.faces.tables import ACCOUNT, make_accounts
from tests.histories.recording.reading import told

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx.storage.interface import Write

THREADS = 4
TURNS = 50


def judged(path: Path, level: Isolation) -> Verdict:
    history = read_history(path.read_text())
    assert history.model == RW_REGISTER
    assert history.notes == []
    return check_registers(history.transactions, level, wfr=True)


def some_work(tx: scalar_tx.Transaction, chance: random.Random) -> None:
    """Reads, transfers, a scan, a record that comes and goes."""
    source, target = chance.sample(range(1, 6), 2)
    match chance.randrange(4):
        case 0:
            tx.scan(ACCOUNT, whole_table=True)
        case 1:
            tx.get(ACCOUNT, {"id": source})
            tx.get(ACCOUNT, {"id": target})
        case 2 if tx.get(ACCOUNT, {"id": 9}) is None:
            tx.insert(ACCOUNT, {"id": 9, "balance": 0})
        case 2:
            tx.delete(ACCOUNT, {"id": 9})
        case _:
            tx.get(ACCOUNT, {"id": source})
            time.sleep(0.0005)  # another thread's turn
            tx.update(ACCOUNT, {"id": source}, {"balance": 0})
            tx.update(ACCOUNT, {"id": target}, {"balance": 0})


@pytest.mark.parametrize(
    "levels", [[Isolation.SERIALIZABLE], list(Isolation)], ids=["one", "mixed"]
)
def test_a_run_of_threads_is_sound(target: str, path: Path, levels: list[Isolation]) -> None:
    with scalar_tx.connect(target) as db, db.record_history(path):
        run_blocking(make_accounts(db, count=5))

        def work(number: int) -> None:
            chance = random.Random(number)
            for _ in range(TURNS):
                tx = db.begin(isolation=chance.choice(levels))
                try:
                    some_work(tx, chance)
                    tx.commit()
                except ConflictError:
                    tx.rollback()

        threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    verdict = judged(path, Isolation.SERIALIZABLE)
    assert [str(anomaly) for anomaly in verdict.anomalies] == []
    assert verdict.transactions > THREADS * TURNS
    assert verdict.reads_with_value > 100
    kinds = [kind for kind, _ in told(path)]
    assert kinds.count("fail") > 5, "nothing met a conflict: this shows nothing"
    assert kinds.count("ok") > THREADS * TURNS // 3


def lose_an_update(db: Any) -> None:
    first, second = db.begin(), db.begin()
    for tx in (first, second):
        tx.get(ACCOUNT, {"id": 1})
        tx.update(ACCOUNT, {"id": 1}, {"balance": 0})
    first.commit()
    second.commit()


def skew(db: Any, level: Isolation) -> None:
    first, second = db.begin(isolation=level), db.begin(isolation=level)
    for tx, read, written in ((first, 1, 2), (second, 2, 1)):
        tx.get(ACCOUNT, {"id": read})
        tx.get(ACCOUNT, {"id": written})
        tx.update(ACCOUNT, {"id": written}, {"balance": 0})
    first.commit()
    second.commit()


async def no_validation(validation: Validation) -> None:
    """Whatever was read, it holds."""


@pytest.mark.parametrize("level", Isolation)
def test_a_prepare_that_compares_nothing_is_found(
    target: str, path: Path, level: Isolation, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = record.prepare

    def prepare(*args: Any, **kwargs: Any) -> Write:
        return dataclasses.replace(right(*args, **kwargs), condition=None)

    settings = {
        "consensus_commit_isolation_level": level.value,
        "consensus_commit_one_phase_commit_enabled": False,
    }
    with scalar_tx.connect(target, **settings) as db:
        run_blocking(make_accounts(db, count=1))
        with db.record_history(path), pytest.raises(ConflictError):
            lose_an_update(db)
        assert judged(path, level).valid
        monkeypatch.setattr(record, "prepare", prepare)
        monkeypatch.setattr(Validation, "run", no_validation)
        with db.record_history(path, overwrite=True):
            lose_an_update(db)
    verdict = judged(path, level)
    assert "lost-update" in {anomaly.name for anomaly in verdict.anomalies}
    assert f"{ACCOUNT}/1" in str(verdict.anomalies[0])


def test_missing_validation_is_found(
    target: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Write skew: SNAPSHOT allows it, SERIALIZABLE does not."""
    with scalar_tx.connect(target) as db:
        run_blocking(make_accounts(db, count=2))
        with db.record_history(path):
            skew(db, Isolation.SNAPSHOT)
        assert judged(path, Isolation.SNAPSHOT).valid
        monkeypatch.setattr(Validation, "run", no_validation)
        with db.record_history(path, overwrite=True):
            skew(db, Isolation.SERIALIZABLE)
    verdict = judged(path, Isolation.SERIALIZABLE)
    assert not verdict.valid
    assert verdict.anomalies[0].name.startswith("G2")


@pytest.mark.parametrize("level", Isolation)
def test_a_scan_that_is_newer_than_an_earlier_read_breaks_no_weak_promise(
    target: str, path: Path, level: Isolation
) -> None:
    """Specification 11.4, 1; at SERIALIZABLE the transaction can't commit."""
    with scalar_tx.connect(target) as db, db.record_history(path):
        run_blocking(make_accounts(db, count=2))
        tx = db.begin(isolation=level)
        tx.get(ACCOUNT, {"id": 1})
        db.update(ACCOUNT, {"id": 1}, {"balance": 7})
        newer = {record["id"]: record["balance"] for record in tx.scan(ACCOUNT, whole_table=True)}
        assert newer[1] == 7
        if level is Isolation.SERIALIZABLE:
            with pytest.raises(ConflictError):
                tx.commit()
        else:
            tx.commit()
    assert judged(path, level).anomalies == []

"""A file that is missing, damaged, locked, read-only or full: what a user of a manager meets."""

# ruff: noqa: ASYNC221, ASYNC240  # nobody else waits for this loop
from __future__ import annotations

import os
import pwd
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scalar_tx import ConflictError, ScalarTxError, StorageUnavailableError
from tests.bad_input.refusals import blanks, refusal
from tests.faces.either import Face, close, now
from tests.faces.tables import ACCOUNT, make_accounts

ROOT = Path(__file__).parents[2]


async def prepared(face: Face, file: Path, *, parameters: str = "") -> Any:
    """A manager of a file with three accounts."""
    maker = face.open(f"sqlite:///{file}")
    await make_accounts(maker)
    await now(maker.close())
    return face.open(f"sqlite:///{file}{parameters}")


async def test_no_directory(face: Face, tmp_path: Path) -> None:
    db = face.open(f"sqlite:///{tmp_path}/no/data.db")
    error = await refusal(db.admin.namespaces)
    assert isinstance(error, StorageUnavailableError)
    assert str(tmp_path / "no") in error.advice
    assert list(tmp_path.iterdir()) == []
    await now(db.close())


async def test_a_directory_instead_of_a_file(face: Face, tmp_path: Path) -> None:
    (tmp_path / "data.db").mkdir()
    db = face.open(f"sqlite:///{tmp_path}/data.db")
    error = await refusal(db.get, ACCOUNT, {"id": 1})
    assert isinstance(error, StorageUnavailableError)
    assert blanks(error) == []
    await now(db.close())


@pytest.mark.parametrize(
    "content", [b"this is no database " * 200, os.urandom(5000)], ids=["text", "noise"]
)
async def test_no_database(face: Face, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "data.db"
    file.write_bytes(content)
    db = face.open(f"sqlite:///{file}")
    error = await refusal(db.get, ACCOUNT, {"id": 1})
    assert isinstance(error, StorageUnavailableError)
    assert error.code == "STX-4126"
    assert not error.retryable
    await now(db.close())
    assert file.read_bytes() == content  # whatever it is, it is not ours to change


async def test_a_half_written_file(face: Face, tmp_path: Path) -> None:
    file = tmp_path / "data.db"
    db = await prepared(face, file)
    await now(db.close())
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"data.db{suffix}").unlink(missing_ok=True)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    db = face.open(f"sqlite:///{file}")
    found = []
    for call, arguments in (
        (db.scan, (ACCOUNT, {"id": 1})),
        (db.upsert, (ACCOUNT, {"id": 1, "balance": 0})),
        (db.admin.table, (ACCOUNT,)),
    ):
        error = await refusal(call, *arguments)
        assert error is None or (isinstance(error, ScalarTxError) and blanks(error) == []), error
        found.append(error)
    assert any(isinstance(error, StorageUnavailableError) for error in found)
    await now(db.close())


async def test_a_locked_file(face: Face, tmp_path: Path) -> None:
    file = tmp_path / "data.db"
    db = await prepared(face, file, parameters="?busy_timeout=10")
    assert (await now(db.get(ACCOUNT, {"id": 1})))["balance"] == 100
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        tx = db.begin()
        await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 0}))
        error = await refusal(tx.commit)
        assert isinstance(error, ConflictError)  # busy: nothing was done, begin again
        assert error.code == "STX-1032"
        assert error.retryable
        assert blanks(error) == []
        assert (await now(db.get(ACCOUNT, {"id": 1})))["balance"] == 100  # reading goes on
        error = await refusal(db.admin.truncate_table, ACCOUNT)
        assert isinstance(error, StorageUnavailableError)
        assert error.retryable
        assert blanks(error) == []
        other.execute("ROLLBACK")
    await now(db.update(ACCOUNT, {"id": 1}, {"balance": 1}))
    assert (await now(db.get(ACCOUNT, {"id": 1})))["balance"] == 1
    await now(db.close())


async def test_a_manager_that_may_only_read(face: Face, tmp_path: Path) -> None:
    db = await prepared(face, tmp_path / "data.db", parameters="?mode=ro")
    assert (await now(db.get(ACCOUNT, {"id": 1})))["balance"] == 100
    for call, arguments in (
        (db.update, (ACCOUNT, {"id": 1}, {"balance": 0})),
        (db.insert, (ACCOUNT, {"id": 50})),
        (db.admin.drop_table, (ACCOUNT,)),
        (db.admin.truncate_table, (ACCOUNT,)),
    ):
        error = await refusal(call, *arguments)
        assert isinstance(error, StorageUnavailableError), (call, error)
        assert blanks(error) == []
    assert len(await now(db.scan(ACCOUNT, whole_table=True))) == 3
    await now(db.close())


async def test_a_full_file(face: Face, tmp_path: Path) -> None:
    file = tmp_path / "data.db"
    db = await prepared(face, file)
    await now(db.close())
    with closing(sqlite3.connect(file)) as other:
        (pages,) = other.execute("PRAGMA page_count").fetchone()
    db = face.open(f"sqlite:///{file}?max_page_count={pages + 4}")
    tx = db.begin()
    for number in range(100, 400):
        await now(tx.insert(ACCOUNT, {"id": number, "owner": "x" * 500}))
    await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 0}))
    error = await refusal(tx.commit)
    assert isinstance(error, StorageUnavailableError)
    assert "max_page_count" in str(error) + str(error.__cause__) + getattr(
        error.__cause__, "advice", ""
    )
    assert blanks(error) == []
    found = await now(db.scan(ACCOUNT, whole_table=True))
    assert [(r["id"], r["balance"]) for r in found] == [(1, 100), (2, 100), (3, 100)]
    await now(db.update(ACCOUNT, {"id": 1}, {"balance": 1}))  # a small one has room
    await now(db.close())


FULL_DISK = """
import resource, signal, sys, scalar_tx
file = sys.argv[1]
db = scalar_tx.connect(f"sqlite:///{file}")
db.admin.create_table("bank.account", columns={"id": "INT", "text": "TEXT"}, partition_key=["id"])
db.insert("bank.account", {"id": 1, "text": "first"})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
kept, lost = [1], []
for number in range(2, 200):
    tx = db.begin()
    tx.insert("bank.account", {"id": number, "text": "x" * 5000})
    try:
        tx.commit()
        kept.append(number)
    except scalar_tx.ScalarTxError as error:
        assert error.advice.strip() and error.message.strip() and error.code.startswith("STX-")
        lost.append((number, tx, error))
        break
assert lost, "the limit was never met"
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
again = scalar_tx.connect(f"sqlite:///{file}")
for number, tx, error in lost:
    outcome = tx.outcome
    if isinstance(error, scalar_tx.UnknownOutcomeError):
        assert outcome is scalar_tx.TransactionState.UNKNOWN, outcome
        outcome = again.settle(error.transaction_id)
    there = again.get("bank.account", {"id": number}) is not None
    assert there == (outcome is scalar_tx.TransactionState.COMMITTED), (there, outcome)
for number in kept:
    assert again.get("bank.account", {"id": number}) is not None, number
again.insert("bank.account", {"id": 1000, "text": "room again"})
print(len(kept) > 3)
"""


def test_a_full_disk(tmp_path: Path) -> None:
    """No more bytes may be written than a limit allows, as on a disk that is full."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "data.db")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "True"


UNREADABLE = """
import os, sys, scalar_tx
with scalar_tx.connect(f"sqlite:///{sys.argv[1]}/other.db") as db:
    db.admin.create_table("a.b", columns={"id": "INT"}, partition_key=["id"])
    db.upsert("a.b", {"id": 1})  # whatever is imported is imported now
if os.getuid() == 0:
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
db = scalar_tx.connect(f"sqlite:///{sys.argv[1]}/data.db")
for call in (
    lambda: db.get("bank.account", {"id": 1}),
    lambda: db.upsert("bank.account", {"id": 1}),
    lambda: db.admin.namespaces(),
):
    try:
        call()
    except scalar_tx.StorageUnavailableError as error:
        assert error.code == "STX-4114" and "data.db" in str(error), error
        print(error.advice)
"""


async def test_a_file_that_may_not_be_read(face: Face, tmp_path: Path) -> None:
    db = await prepared(face, tmp_path / "data.db")
    await now(db.close())
    (tmp_path / "data.db").chmod(0)
    shared = Path(tempfile.gettempdir())
    for directory in (tmp_path, *tmp_path.parents):  # another user must get as far as the file
        if directory.is_relative_to(shared) and directory != shared:
            directory.chmod(directory.stat().st_mode | 0o055)
    done = subprocess.run(
        [sys.executable, "-c", UNREADABLE, str(tmp_path), str(pwd.getpwnam("nobody").pw_uid)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )
    (tmp_path / "data.db").chmod(0o600)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3


def test_the_first_use_of_a_manager_that_failed_can_be_tried_again(
    face: Face, tmp_path: Path
) -> None:
    import asyncio

    db = face.open(f"sqlite:///{tmp_path}/later/data.db")

    async def use() -> None:
        assert isinstance(await refusal(db.admin.namespaces), StorageUnavailableError)
        (tmp_path / "later").mkdir()
        await make_accounts(db)
        assert (await now(db.get(ACCOUNT, {"id": 1})))["balance"] == 100

    asyncio.run(use())
    close(db)

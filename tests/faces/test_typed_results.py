"""What does a type checker know of operations that name a class?

mypy, strict, judges a small program: each line with ``# wrong`` must be refused, and no other one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = '''"""A program that uses classes as records, and is only looked at."""

from dataclasses import dataclass
from enum import Enum
from typing import assert_type
import uuid

import pydantic

import scalar_tx
from scalar_tx import Delete, Get, Insert, Record, Scan, Update


@scalar_tx.table("bank.account")
@dataclass(frozen=True, slots=True)
class Account:
    id: int
    balance: int


class Kind(Enum):
    OLD = 1


@scalar_tx.table("bank.note")
class Note(pydantic.BaseModel):
    id: uuid.UUID
    kind: Kind = Kind.OLD


NUMBER = uuid.uuid4()


class Other:
    pass


KEY = {"id": 1}
ACCOUNT = Account(1, 5)

with scalar_tx.connect("memory://") as db, db.transaction() as tx:
    for owner in (db, tx, db.two_phase.begin()):
        assert_type(owner.get(Account, KEY), Account | None)
        assert_type(owner.get(Note, index=KEY), Note | None)
        assert_type(owner.get("bank.account", KEY), Record | None)
        assert_type(owner.scan(Account, whole_table=True, limit=5), list[Account])
        assert_type(owner.scan("bank.account", KEY, columns=["id"]), list[Record])
        assert_type(owner.batch([Get(Account, KEY), Get(Account, {"id": 2})]), list[Account | None])
        assert_type(owner.batch([Get("bank.account", KEY)]), list[Record | None])
        assert_type(owner.batch([Scan(Note, KEY)]), list[list[Note]])
        owner.batch([Get(Account, KEY), Insert(ACCOUNT), Scan("bank.account", KEY)])
        owner.mutate([Insert(ACCOUNT), Update(Account, KEY, {"balance": 1}), Delete(ACCOUNT)])
        owner.insert(ACCOUNT)
        owner.upsert(Note(id=NUMBER))
        owner.update(ACCOUNT, missing="ignore")
        owner.update(Account, KEY, {"balance": 1})
        owner.update("bank.account", KEY, {"balance": 1})
        owner.delete(ACCOUNT)
        owner.delete(Account, KEY)
        owner.put(ACCOUNT)
        owner.get(Note, {"id": NUMBER})
        owner.scan(Note, index={"kind": Kind.OLD})
        owner.update(Note, {"id": NUMBER}, {"kind": Kind.OLD})
        owner.insert(Note, {"id": NUMBER})
        owner.delete(Note, {"id": NUMBER})
        owner.mutate([Update(Note, {"id": NUMBER}, {"kind": Kind.OLD})])
        owner.get("bank.note", {"id": NUMBER})  # wrong
        owner.insert("bank.note", {"id": NUMBER})  # wrong
        owner.update("bank.note", {"id": NUMBER}, {})  # wrong
        owner.delete("bank.note", {"id": NUMBER})  # wrong
        owner.get(Other, KEY)  # wrong
        owner.get(ACCOUNT, KEY)  # wrong
        owner.get(Account, KEY, columns=["id"])  # wrong
        owner.scan(Other, KEY)  # wrong
        owner.insert(Other())  # wrong
        owner.insert("bank.account")  # wrong
        owner.insert(ACCOUNT, {"id": 1})  # wrong
        owner.update("bank.account", KEY)  # wrong
        owner.delete("bank.account")  # wrong
        Get(Other, KEY)  # wrong
    found = tx.get(Account, KEY)
    found.balance  # wrong
    with tx.scanner(Account, KEY) as accounts:
        for account in accounts:
            assert_type(account, Account)
    for record in tx.scanner("bank.account", KEY):
        assert_type(record, Record)
    assert_type(db.load(Account, [ACCOUNT, {"id": 2}]), int)


async def main() -> None:
    async with scalar_tx.connect_async("memory://") as db, db.transaction() as tx:
        for owner in (db, tx, db.two_phase.begin()):
            assert_type(await owner.get(Account, KEY), Account | None)
            assert_type(await owner.get("bank.account", KEY), Record | None)
            assert_type(await owner.scan(Note, whole_table=True), list[Note])
            assert_type(await owner.batch([Get(Account, KEY)]), list[Account | None])
            await owner.insert(ACCOUNT)
            await owner.update(ACCOUNT)
            await owner.delete(Account, KEY)
            await owner.get(Other, KEY)  # wrong
            await owner.insert(Other())  # wrong
            owner.insert(ACCOUNT)  # wrong
        async with await tx.scanner(Account, KEY) as accounts:
            async for account in accounts:
                assert_type(account, Account)
'''


def test_what_mypy_knows(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")),
            *("--cache-dir", str(tmp_path / "cache"), "--no-error-summary", str(program)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    refused = {int(line) for line in re.findall(r"program\.py:(\d+): error", done.stdout)}
    wrong = {n for n, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# wrong")}
    assert refused == wrong, done.stdout
    assert len(wrong) == 18

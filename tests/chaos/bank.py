"""What do the writers do to the database, and what would it look like if nothing ever died?

Accounts lie in banks; a transfer stays inside one bank, so each bank's total never changes. A note
is written where there is none and erased where there is one. Lists grow. Every transaction also
inserts a marker under its own id: a marker is there exactly if its transaction is committed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal

import scalar_tx
from tests.chaos import lists

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping
    from pathlib import Path

ACCOUNT: Final = "chaos.account"
NOTE: Final = "chaos.note"
MARKER: Final = "chaos_beside.marker"
TABLES: Final = (ACCOUNT, NOTE, MARKER, *lists.LISTS)

BANKS: Final = 16
ACCOUNTS: Final = 8  # in each bank
NOTES: Final = 60
START: Final = 1000  # in each account
BANK_TOTAL: Final = ACCOUNTS * START


@dataclass(frozen=True)
class Work:
    """What one transaction means to do; the marker of a committed one says the same."""

    kind: Literal["transfer", "note", "lists"]
    bank: int = 0
    source: int = 0
    target: int = 0
    amount: int = 0
    number: int = 0
    deeds: str = ""

    @classmethod
    def drawn(cls, dice: random.Random) -> Work:
        """Some work or other."""
        kind = dice.choices(("transfer", "note", "lists"), (45, 25, 30))[0]
        if kind == "note":
            return cls("note", number=dice.randrange(NOTES))
        if kind == "lists":
            return cls("lists", deeds=lists.drawn(dice))
        source, target = dice.sample(range(ACCOUNTS), 2)
        return cls("transfer", dice.randrange(BANKS), source, target, dice.randint(1, 50))


def url(file: Path) -> str:
    """The library's own form: WAL and synchronous=EXTRA."""
    return f"sqlite:///{file}"


def create(target: str, options: Mapping[str, str] | None = None) -> None:
    """The tables, and the accounts as they begin."""
    wanted = dict(options or {})
    with scalar_tx.connect(target) as db:
        db.admin.create_coordinator_tables(if_not_exists=True, options=wanted)
        db.admin.create_table(
            ACCOUNT,
            columns={"bank": "INT", "id": "INT", "balance": "BIGINT"},
            partition_key=["bank"],
            clustering_key=["id"],
            options=wanted,
        )
        db.admin.create_table(
            NOTE,
            columns={"number": "INT", "written_by": "TEXT"},
            partition_key=["number"],
            options=wanted,
        )
        db.admin.create_table(
            MARKER,
            columns={
                "id": "TEXT",
                "kind": "TEXT",
                "bank": "INT",
                "source": "INT",
                "target": "INT",
                "amount": "BIGINT",
                "number": "INT",
                "deeds": "TEXT",
                "erased": "TEXT",
            },
            partition_key=["id"],
            options=wanted,
        )
        for table in lists.LISTS:
            db.admin.create_table(
                table,
                columns={"part": "INT", "id": "INT", "elements": "TEXT"},
                partition_key=["part"],
                clustering_key=["id"],
                options=wanted,
            )
        rows = [
            {"bank": bank, "id": number, "balance": START}
            for bank in range(BANKS)
            for number in range(ACCOUNTS)
        ]
        db.load(ACCOUNT, rows, batch=ACCOUNTS)


def do(tx: scalar_tx.Transaction, work: Work, element: str) -> lists.Operations:
    """Do the work and leave the marker, in one transaction; return what it did to lists."""
    erased = None
    done: lists.Operations = []
    if work.kind == "transfer":
        _transfer(tx, work)
    elif work.kind == "note":
        erased = _turn_note(tx, work.number)
    else:
        done = lists.do(tx, work.deeds, element)
    tx.insert(MARKER, {"id": tx.id, **asdict(work), "erased": erased})
    return done


def _transfer(tx: scalar_tx.Transaction, work: Work) -> None:
    for number, change in ((work.source, -work.amount), (work.target, work.amount)):
        key = {"bank": work.bank, "id": number}
        found = tx.get(ACCOUNT, key)
        assert found is not None, "accounts are never removed"
        balance = found["balance"]
        assert isinstance(balance, int)
        tx.update(ACCOUNT, key, {"balance": balance + change})


def _turn_note(tx: scalar_tx.Transaction, number: int) -> str | None:
    """Write the note, or erase it and return who wrote it."""
    found = tx.get(NOTE, {"number": number})
    if found is None:
        tx.insert(NOTE, {"number": number, "written_by": tx.id})
        return None
    tx.delete(NOTE, {"number": number})
    return str(found["written_by"])

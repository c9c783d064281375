"""What do the writers do to the database, and what would it look like if nothing ever died?

Accounts lie in banks; a transfer stays inside one bank, so each bank's total never changes. A note
is written where there is none and erased where there is one. Every transaction also inserts a
marker under its own id: a marker is there exactly if its transaction is committed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal

import scalar_tx

if TYPE_CHECKING:
    import random
    from pathlib import Path

ACCOUNT: Final = "chaos.account"
NOTE: Final = "chaos.note"
MARKER: Final = "chaos.marker"
TABLES: Final = (ACCOUNT, NOTE, MARKER)

BANKS: Final = 16
ACCOUNTS: Final = 8  # in each bank
NOTES: Final = 60
START: Final = 1000  # in each account
BANK_TOTAL: Final = ACCOUNTS * START


@dataclass(frozen=True)
class Work:
    """What one transaction means to do; the marker of a committed one says the same."""

    kind: Literal["transfer", "note"]
    bank: int = 0
    source: int = 0
    target: int = 0
    amount: int = 0
    number: int = 0

    @classmethod
    def drawn(cls, dice: random.Random) -> Work:
        """Some work or other."""
        if dice.random() < 0.3:
            return cls("note", number=dice.randrange(NOTES))
        source, target = dice.sample(range(ACCOUNTS), 2)
        return cls("transfer", dice.randrange(BANKS), source, target, dice.randint(1, 50))


def url(file: Path) -> str:
    """The library's own form: WAL and synchronous=EXTRA."""
    return f"sqlite:///{file}"


def create(file: Path) -> None:
    """The tables, and the accounts as they begin."""
    with scalar_tx.connect(url(file)) as db:
        db.admin.create_table(
            ACCOUNT,
            columns={"bank": "INT", "id": "INT", "balance": "BIGINT"},
            partition_key=["bank"],
            clustering_key=["id"],
        )
        db.admin.create_table(
            NOTE, columns={"number": "INT", "written_by": "TEXT"}, partition_key=["number"]
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
                "erased": "TEXT",
            },
            partition_key=["id"],
        )
        rows = [
            {"bank": bank, "id": number, "balance": START}
            for bank in range(BANKS)
            for number in range(ACCOUNTS)
        ]
        db.load(ACCOUNT, rows)


def do(tx: scalar_tx.Transaction, work: Work) -> None:
    """Do the work and leave the marker, in one transaction."""
    erased = None
    if work.kind == "transfer":
        _transfer(tx, work)
    else:
        erased = _turn_note(tx, work.number)
    tx.insert(MARKER, {"id": tx.id, **asdict(work), "erased": erased})


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

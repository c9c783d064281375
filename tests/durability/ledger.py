"""What do the transactions do, and what must the tables hold after any set of them?

Each moves an amount between two accounts, writes or erases a note, and leaves a marker with its
number: a marker is there exactly if its transaction is committed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import scalar_tx
from tests.durability.tape import Told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.durability.tape import Tape

ACCOUNT: Final = "ledger.account"
NOTE: Final = "ledger.note"
MARKER: Final = "ledger.marker"
TABLES: Final = (ACCOUNT, NOTE, MARKER)
ACCOUNTS: Final = 6
NOTES: Final = 5
START: Final = 100
LOSES_EVERY: Final = 8  # so many transactions, one loses to the next
SET_UP: Final = 0  # the number under which it is told that the tables and accounts are there

Contents = tuple[dict[int, int], dict[int, str]]  # balances, notes


@dataclass(frozen=True, slots=True)
class Work:
    """One transaction."""

    number: int
    source: int
    target: int
    amount: int
    note: int
    text: str | None  # None: erase it
    isolation: Literal["SERIALIZABLE", "SNAPSHOT"]
    ending: Literal["commit", "roll back", "lose"]

    @classmethod
    def numbered(cls, seed: int, number: int) -> Work:
        """The same for the same seed and number."""
        dice = random.Random(f"work {seed} {number}")
        source, target = dice.sample(range(ACCOUNTS), 2)
        place = number % LOSES_EVERY
        if place == 1 and number > 1:  # it wins over the one before: both change one account
            source = cls.numbered(seed, number - 1).source
            target = (source + 1) % ACCOUNTS
        return cls(
            number,
            source,
            target,
            dice.randint(1, 9),
            dice.randrange(NOTES),
            # Long ones take pages of their own.
            None if dice.random() < 0.3 else f"{number} " * dice.choice((1, 40, 2500)),
            "SERIALIZABLE" if dice.random() < 0.5 else "SNAPSHOT",
            "lose" if place == 0 else "roll back" if place == 4 else "commit",
        )


def contents_after(seed: int, numbers: Iterable[int]) -> Contents:
    """What the tables hold once exactly these transactions are committed."""
    balances = dict.fromkeys(range(ACCOUNTS), START)
    notes: dict[int, str] = {}
    for number in sorted(numbers):
        work = Work.numbered(seed, number)
        balances[work.source] -= work.amount
        balances[work.target] += work.amount
        notes.pop(work.note, None)
        if work.text is not None:
            notes[work.note] = work.text
    return balances, notes


def set_up(db: scalar_tx.TransactionManager) -> None:
    """Make the tables and accounts; may be called again where it was interrupted."""
    for table, column in ((ACCOUNT, "balance"), (NOTE, "text"), (MARKER, "by")):
        db.admin.create_table(
            table,
            columns={"book": "INT", "id": "INT", column: "INT" if column == "balance" else "TEXT"},
            partition_key=["book"],
            clustering_key=["id"],
            if_not_exists=True,
        )
    rows = [{"book": 0, "id": number, "balance": START} for number in range(ACCOUNTS)]
    db.load(ACCOUNT, rows)


def do(tx: scalar_tx.Transaction, work: Work) -> None:
    """Everything of a transaction but its end."""
    for account, change in ((work.source, -work.amount), (work.target, work.amount)):
        key = {"book": 0, "id": account}
        found = tx.get(ACCOUNT, key)
        assert found is not None, "accounts are never removed"
        balance = found["balance"]
        assert isinstance(balance, int)
        tx.update(ACCOUNT, key, {"balance": balance + change})
    key = {"book": 0, "id": work.note}
    found = tx.get(NOTE, key)
    if work.text is not None:
        tx.upsert(NOTE, {**key, "text": work.text})
    elif found is not None:
        tx.delete(NOTE, key)
    tx.insert(MARKER, {"book": 0, "id": work.number, "by": tx.id})


class Teller:
    """Runs transactions and tells the tape what came of them.

    ``errors`` are those that callers met; anything else than the library's own goes through.
    ``unknown``: the ids of transactions whose outcome nobody could tell, by number.
    """

    def __init__(self, tape: Tape, seed: int) -> None:
        self.errors: list[scalar_tx.ScalarTxError] = []
        self.unknown: dict[int, str] = {}
        self.known: dict[int, Told] = {}
        self._tape = tape
        self._seed = seed

    def run(self, db: scalar_tx.TransactionManager, first: int, count: int) -> None:
        """Transactions of these numbers, one after the other."""
        for number in range(first, first + count):
            # A winner is run in the middle of the one that loses to it.
            if number == 1 or number % LOSES_EVERY != 1:
                self.one(db, Work.numbered(self._seed, number))

    def one(self, db: scalar_tx.TransactionManager, work: Work) -> None:
        """One transaction, and the one it loses to."""
        tx = db.begin(isolation=work.isolation)
        try:
            do(tx, work)
            if work.ending == "lose":
                self.one(db, Work.numbered(self._seed, work.number + 1))
            if work.ending == "roll back":
                tx.rollback()
                self._tell(work.number, Told.FAILED)
                return
            self._tell(work.number, Told.BEGUN)
            tx.commit()
        except scalar_tx.UnknownOutcomeError as error:
            self.errors.append(error)
            self.unknown[work.number] = tx.id
            self._tell(work.number, Told.UNKNOWN)
        except scalar_tx.ScalarTxError as error:
            self.errors.append(error)
            self._tell(work.number, Told.FAILED)
            tx.rollback()
        else:
            self._tell(work.number, Told.DONE)

    def _tell(self, number: int, what: Told) -> None:
        self.known[number] = what
        self._tape.tell(number, what)

    def settle(self, db: scalar_tx.TransactionManager) -> None:
        """Ask what became of the unknown ones."""
        for number, tx_id in list(self.unknown.items()):
            committed = db.settle(tx_id) is scalar_tx.TransactionState.COMMITTED
            self._tell(number, Told.DONE if committed else Told.FAILED)
            del self.unknown[number]

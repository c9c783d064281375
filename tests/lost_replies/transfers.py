"""What does a transfer read and write, and what is to be seen of it afterwards?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from scalar_tx import Insert, TransactionState
from scalar_tx.errors import ConflictError, StorageUnavailableError, UnknownOutcomeError
from tests.faces.either import now
from tests.lost_replies.places import FIRST, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx import Transaction
    from scalar_tx.model.types import Row, Value
    from tests.lost_replies.places import Place

READINGS_SECONDS = 60.0
ENDS = (ConflictError, StorageUnavailableError, UnknownOutcomeError)

Address = tuple[str, tuple[int, int]]


class Layout(Enum):
    """How far apart the two accounts are."""

    ONE_PARTITION = "one partition"
    TWO_PARTITIONS = "two partitions"
    TWO_TABLES = "two tables"


class Way(Enum):
    """Which way the commit of a transfer is to take, and what it is a transfer of for that."""

    EVERY_STEP = "every step"
    FINISHED_ALONG = "finished with the decision"
    WRITTEN_ALONG = "written with the decision"
    RECORDS_ALONE = "by the records alone"
    ONE_RECORD = "by one record alone"

    @property
    def reads_a_guard(self) -> bool:
        """Is there a read to be validated?"""
        return self in {Way.EVERY_STEP, Way.FINISHED_ALONG}

    @property
    def pays(self) -> bool:
        """Is there a payee, or only a payer?"""
        return self is not Way.ONE_RECORD

    @property
    def makes_a_receipt(self) -> bool:
        """Does it make a record?"""
        return self not in {Way.RECORDS_ALONE, Way.ONE_RECORD}

    @property
    def leaves_a_decision(self) -> bool:
        """Can be asked what became of it?"""
        return self.makes_a_receipt

    @property
    def after(self) -> View:
        """What is to be seen once it is committed."""
        paid = self.pays
        return View(
            90,
            110 if paid else 100,
            ("paid", "paid" if paid else None),
            10 if self.makes_a_receipt else None,
        )


@dataclass(frozen=True)
class View:
    """What a reader sees: two balances, what they were marked with, and the receipt."""

    payer: Value = 100
    payee: Value = 100
    mark: tuple[Value, Value] = (None, None)
    receipt: Value = None


BEFORE = View()


def moved_on(view: View) -> View:
    """What is to be seen once another transaction has moved one coin back."""
    assert isinstance(view.payer, int)
    assert isinstance(view.payee, int)
    return View(view.payer + 1, view.payee - 1, ("next", "next"), view.receipt)


@dataclass(frozen=True)
class Accounts:
    """Where a transfer's records lie.

    The receipt does not exist before. The guard is read and not written, where there is to be a
    read to validate.
    """

    payer: Address
    payee: Address
    receipt: Address
    guard: Address

    @classmethod
    def made(cls, place: Place, layout: Layout) -> Accounts:
        """Fresh accounts with 100 each."""
        p = place.fresh()
        payee: Address = {
            Layout.ONE_PARTITION: (FIRST, (p, 2)),
            Layout.TWO_PARTITIONS: (FIRST, (p + 1, 1)),
            Layout.TWO_TABLES: (SECOND, (p, 1)),
        }[layout]
        found = cls((FIRST, (p, 1)), payee, (FIRST, (p, 3)), (SECOND, (p, 4)))
        place.observer.mutate(
            [
                Insert(name, {**_key(key), "balance": 100})
                for name, key in (found.payer, found.payee, found.guard)
            ]
        )
        return found

    def seen(self, place: Place) -> View:
        """What a transaction of another client sees."""

        def read(tx: Transaction) -> View:
            payer, payee, receipt = (
                tx.get(name, _key(key)) for name, key in (self.payer, self.payee, self.receipt)
            )
            assert payer is not None
            assert payee is not None
            return View(
                payer["balance"],
                payee["balance"],
                (payer["mark"], payee["mark"]),
                None if receipt is None else receipt["balance"],
            )

        return place.observer.run(read)

    def move_on(self, place: Place) -> None:
        """Read and write the same records in another transaction."""

        def move(tx: Transaction) -> None:
            for (name, key), amount in ((self.payer, 1), (self.payee, -1)):
                record = tx.get(name, _key(key))
                assert record is not None
                assert isinstance(record["balance"], int)
                tx.update(name, _key(key), {"balance": record["balance"] + amount, "mark": "next"})

        place.observer.run(move)

    def stored(self, place: Place, tx_id: str) -> list[Row | None]:
        """The rows of the transfer and its decision, whatever they mean."""
        rows = [place.row(*address) for address in (self.payer, self.payee, self.receipt)]
        return [*rows, place.decision(tx_id)]


@dataclass(frozen=True)
class End:
    """How a commit ended for its caller, and how long that took."""

    said: str
    tx_id: str
    named: str | None  # the transaction that the error names
    outcome: TransactionState | None
    seconds: float


async def transfer(db: Any, accounts: Accounts, way: Way, begins: Callable[[], object]) -> End:
    """Pay 10. ``begins`` is called right before the commit.

    A client whose line was cut a moment ago may have to read more than once.
    """
    deadline = time.monotonic() + READINGS_SECONDS
    while True:
        tx = db.begin()
        try:
            await _read_and_write(tx, accounts, way)
            break
        except (ConflictError, StorageUnavailableError):
            await now(tx.rollback())
            if time.monotonic() > deadline:
                raise
    begins()
    said, named, began = "committed", None, time.monotonic()
    try:
        await now(tx.commit())
    except ENDS as error:
        said = next(kind.__name__ for kind in ENDS if isinstance(error, kind))
        named = error.transaction_id
    return End(said, tx.id, named, tx.outcome, time.monotonic() - began)


async def _read_and_write(tx: Any, accounts: Accounts, way: Way) -> None:
    if way.reads_a_guard:
        await now(tx.get(accounts.guard[0], _key(accounts.guard[1])))
    for (name, key), amount in ((accounts.payer, -10), (accounts.payee, 10)):
        if amount > 0 and not way.pays:
            continue
        record = await now(tx.get(name, _key(key)))
        changed = {"balance": record["balance"] + amount, "mark": "paid"}
        await now(tx.update(name, _key(key), changed))
    if way.makes_a_receipt:
        name, key = accounts.receipt
        await now(tx.insert(name, {**_key(key), "balance": 10}))


def _key(key: tuple[int, int]) -> dict[str, Value]:
    return {"p": key[0], "c": key[1]}

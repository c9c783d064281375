"""The bank of the tour: accounts, a ledger of transfers, and one transfer.

In one database its tables are ``bank.account`` and ``bank.transfer``. Spread over several it has
a table of accounts in each, ``bank_<storage>.account``, and its ledger in the first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from scalar_tx.model.operations import Get

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from scalar_tx.manager import TransactionManager
    from scalar_tx.model.record import Record

TRANSFER: Final = "bank.transfer"
ACCOUNTS: Final = 20
OPENING_BALANCE: Final = 1000
# Servers of a tour need neither scaling nor backup; other databases pass over these options.
_OPTIONS: Final = {"no-scaling": "true", "no-backup": "true"}
# A transfer's name, the numbers of both accounts, the amount.
Order: TypeAlias = tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class Bank:
    """The bank, spread over storages of these names; none: in one embedded database.

    ``patience_s``: a transfer that meets the dead process's records is given up for another one
    after so long.
    """

    storages: tuple[str, ...] = ()

    @property
    def spread(self) -> bool:
        """Does it lie in several storages?"""
        return len(self.storages) > 1

    @property
    def patience_s(self) -> float:
        """How long a transfer is tried."""
        return 2.0 if self.storages else 0.3

    @property
    def namespaces(self) -> dict[str, str]:
        """Each namespace with the name of its storage; empty: there is nothing to map."""
        if not self.spread:
            return {}
        return {"bank": self.storages[0], **{f"bank_{name}": name for name in self.storages}}

    @property
    def accounts(self) -> tuple[str, ...]:
        """The tables of accounts."""
        if not self.spread:
            return ("bank.account",)
        return tuple(f"bank_{name}.account" for name in self.storages)

    def account(self, number: int) -> str:
        """The table of an account: they are dealt out in turn."""
        return self.accounts[(number - 1) % len(self.accounts)]

    @property
    def transfer(self) -> Callable[..., None]:
        """The function that makes one transfer."""
        return move if self.spread else pay

    def arguments(self, order: Order) -> tuple[Any, ...]:
        """What that function takes after the transaction."""
        name, source, target, amount = order
        if not self.spread:
            return order
        return name, (self.account(source), source), (self.account(target), target), amount

    def pay(self, tx: Any, order: Order) -> None:
        """Make a transfer."""
        self.transfer(tx, *self.arguments(order))

    def draw(self, dice: random.Random) -> tuple[int, int]:
        """Two accounts; of a bank that is spread, in two storages."""
        while True:
            source, target = dice.sample(range(1, ACCOUNTS + 1), 2)
            if not self.spread or self.account(source) != self.account(target):
                return source, target

    def make(self, db: TransactionManager) -> None:
        """Make the tables and the accounts."""
        for table in self.accounts:
            db.admin.create_table(
                table,
                columns={"id": "INT", "balance": "BIGINT"},
                partition_key=["id"],
                options=_OPTIONS,
            )
        db.admin.create_table(
            TRANSFER,
            columns={"id": "TEXT", "source": "INT", "target": "INT", "amount": "BIGINT"},
            partition_key=["id"],
            options=_OPTIONS,
        )
        for table in self.accounts:
            numbers = [n for n in range(1, ACCOUNTS + 1) if self.account(n) == table]
            db.load(table, ({"id": number, "balance": OPENING_BALANCE} for number in numbers))

    def remove(self, db: TransactionManager) -> None:
        """Drop what ``make`` made."""
        for table in (*self.accounts, TRANSFER):
            db.admin.drop_table(table, if_exists=True)
        for namespace in self.namespaces or ("bank",):
            db.admin.drop_namespace(namespace, if_exists=True)

    def read(self, db: TransactionManager) -> tuple[dict[int, int], list[Record]]:
        """Every balance and the ledger. Only while nobody writes: the ledger is read weakly."""
        numbers = range(1, ACCOUNTS + 1)
        reads = [Get(self.account(number), {"id": number}) for number in numbers]
        with db.transaction(read_only=True) as tx:
            accounts: Sequence[Any] = tx.batch(reads)
            ledger = tx.scan(TRANSFER, whole_table=True, weak=True)
        return {n: one["balance"] for n, one in zip(numbers, accounts, strict=True) if one}, ledger


# The tour prints these functions as they stand; 76 columns fit its frame.
def pay(tx: Any, name: str, source: int, target: int, amount: int) -> None:
    """Move an amount, and note the transfer, all of it or nothing."""
    payer = tx.get("bank.account", {"id": source})
    payee = tx.get("bank.account", {"id": target})
    less, more = payer["balance"] - amount, payee["balance"] + amount
    tx.update("bank.account", {"id": source}, {"balance": less})
    tx.update("bank.account", {"id": target}, {"balance": more})
    told = {"source": source, "target": target, "amount": amount}
    tx.insert("bank.transfer", {"id": name, **told})


def move(tx: Any, name: str, payer: Any, payee: Any, amount: int) -> None:
    """Move an amount between databases, all of it or nothing."""
    (here, source), (there, target) = payer, payee
    less = tx.get(here, {"id": source})["balance"] - amount
    more = tx.get(there, {"id": target})["balance"] + amount
    tx.update(here, {"id": source}, {"balance": less})
    tx.update(there, {"id": target}, {"balance": more})
    told = {"source": source, "target": target, "amount": amount}
    tx.insert("bank.transfer", {"id": name, **told})

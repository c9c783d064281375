"""The bank of the tour: accounts, a ledger of transfers, and one transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from scalar_tx.manager import TransactionManager

ACCOUNT: Final = "bank.account"
TRANSFER: Final = "bank.transfer"
ACCOUNTS: Final = 20
OPENING_BALANCE: Final = 1000
# Short: a transfer that meets the dead process's records is soon given up for another one.
PATIENCE_S: Final = 0.3


def make_bank(db: TransactionManager) -> None:
    """Make both tables and the accounts."""
    db.admin.create_table(ACCOUNT, columns={"id": "INT", "balance": "BIGINT"}, partition_key=["id"])
    db.admin.create_table(
        TRANSFER,
        columns={"id": "TEXT", "source": "INT", "target": "INT", "amount": "BIGINT"},
        partition_key=["id"],
    )
    db.load(
        ACCOUNT,
        ({"id": number, "balance": OPENING_BALANCE} for number in range(1, ACCOUNTS + 1)),
    )


# The tour prints this function as it stands; 76 columns fit its frame.
def pay(tx: Any, name: str, source: int, target: int, amount: int) -> None:
    """Move an amount, and note the transfer, all of it or nothing."""
    payer = tx.get("bank.account", {"id": source})
    payee = tx.get("bank.account", {"id": target})
    less, more = payer["balance"] - amount, payee["balance"] + amount
    tx.update("bank.account", {"id": source}, {"balance": less})
    tx.update("bank.account", {"id": target}, {"balance": more})
    told = {"source": source, "target": target, "amount": amount}
    tx.insert("bank.transfer", {"id": name, **told})

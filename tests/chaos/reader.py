"""A process that adds up banks while others write to them and die.

The total is judged inside the transaction: at SERIALIZABLE an exception only leaves it if what was
read still holds, so a wrong total that gets out is one that the database did show.

    python -m tests.chaos.reader TARGET FOLDER --name r1 --seed 7
"""

from __future__ import annotations

import argparse
import os
import random
import time
from pathlib import Path

import scalar_tx
from tests.chaos.bank import ACCOUNT, BANK_TOTAL, BANKS
from tests.chaos.moments import say
from tests.chaos.recordings import recorded

PAUSE_S = 0.005
OUTAGE_PAUSE_S = 0.2


class WrongTotalError(Exception):
    """A bank's accounts do not add up."""


def add_up(db: scalar_tx.TransactionManager, bank: int) -> None:
    """One bank's total, in one transaction."""
    with db.transaction(isolation="SERIALIZABLE", read_only=True) as tx:
        balances = [row["balance"] for row in tx.scan(ACCOUNT, {"bank": bank})]
        total = sum(balance for balance in balances if isinstance(balance, int))
        if total != BANK_TOTAL:
            raise WrongTotalError(f"bank {bank} holds {total}: {balances}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--seed", type=int, required=True)
    wanted = parser.parse_args()
    dice = random.Random(wanted.seed)
    parent = os.getppid()
    notes = os.open(wanted.folder / "reader", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    with (
        scalar_tx.connect(wanted.target) as db,
        recorded(db, wanted.folder, wanted.name),
    ):
        say("ready")
        while os.getppid() == parent:
            try:
                add_up(db, dice.randrange(BANKS))
            except scalar_tx.ConflictError:
                os.write(notes, b"conflict\n")
            except scalar_tx.StorageUnavailableError:
                os.write(notes, b"outage\n")
                time.sleep(OUTAGE_PAUSE_S)
            except WrongTotalError as error:
                os.write(notes, f"wrong {error}\n".encode())
            else:
                os.write(notes, b"read\n")
            time.sleep(PAUSE_S)


if __name__ == "__main__":
    main()

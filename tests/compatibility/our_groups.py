"""A process in which three transactions share a decision, and which may end in the middle of that.

``python -m tests.compatibility.our_groups FILE WHEN STEP``: they insert record 1, update record 2
and delete record 3; WHEN is "before", "after" or "never" the STEP.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.compatibility.bank import ACCOUNT, account, key
from tests.compatibility.ours import STEPS_LEFT_OUT, die, ours, watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx import Transaction, TransactionManager

GROUP_COMMIT = "consensus_commit_coordinator_group_commit"
SECONDS = 60.0


def insert_the_first(tx: Transaction) -> None:
    tx.insert(ACCOUNT, account(1))


def update_the_second(tx: Transaction) -> None:
    tx.update(ACCOUNT, key(2), {"balance": 120})


def delete_the_third(tx: Transaction) -> None:
    tx.delete(ACCOUNT, key(3))


WORKS = (insert_the_first, update_the_second, delete_the_third)


def opened(file: Path) -> TransactionManager:
    """The library with groups whose members wait for each other on a slow machine too."""
    wanted: dict[str, Any] = {
        STEPS_LEFT_OUT: False,
        f"{GROUP_COMMIT}_enabled": True,
        f"{GROUP_COMMIT}_delayed_slot_move_timeout_millis": int(SECONDS * 1000),
    }
    return ours(file, **wanted)


def main() -> None:
    """The other process; its last words are the ids."""
    file, when, step = sys.argv[1:]
    together = threading.Barrier(len(WORKS))
    ids: list[str] = []

    def wait() -> None:
        together.wait(SECONDS)

    def do(db: TransactionManager, work: Callable[[Transaction], None]) -> None:
        tx = db.begin()
        work(tx)
        tx.commit()
        ids.append(tx.id)

    with opened(Path(file)) as db:
        stops = watch(db)
        # All prepare at the same time. Who waits at a stop does not count at those after it.
        for nth in range(len(WORKS), 0, -1):
            stops.at("before", "prepare", wait, nth=nth)
        if when != "never":
            stops.at(when, step, die)  # type: ignore[arg-type]  # as the test has written them
        threads = [threading.Thread(target=do, args=(db, work)) for work in WORKS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(*ids)


if __name__ == "__main__":
    main()

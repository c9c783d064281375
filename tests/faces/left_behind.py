"""How does a record come to be left undecided by a writer that died?"""

from __future__ import annotations

import time
from typing import Any

from scalar_tx.consensus_commit import record
from scalar_tx.runtime.blocking import run_blocking
from tests.faces import either


def leave_prepared(
    db: Any, name: str, key: dict[str, Any], values: dict[str, Any], *, age: float
) -> str:
    """Prepare a write as a transaction ``age`` seconds ago did, and go no further; its id."""
    tx_id = f"dead writer of {key}"
    run_blocking(
        _prepare(db, name, key, values, tx_id, at=time.time_ns() // 1_000_000 - round(age * 1000))
    )
    return tx_id


async def _prepare(
    db: Any, name: str, key: dict[str, Any], values: dict[str, Any], tx_id: str, *, at: int
) -> None:
    context = either.parts(db).context
    table = await context.catalog.table(name)
    position = tuple(key.values())
    before = await context.storage.get(table.stored, position)
    await context.storage.mutate(
        [record.prepare(table, position, values, before, tx_id=tx_id, at=at)]
    )

"""How does the database get rid of tokens and codes that are good for nothing any more?

By small steps over the whole of two tables, since no list of what is expired is kept: each reads
some rows, and removes those of them that are dead. What is expired never comes to life again, so
SNAPSHOT is enough.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_auditor.identity import one_time_codes
from scalar_auditor.identity.model import OneTimeCode, Token
from scalar_tx.cluster.gate import GateClosedError
from scalar_tx.consensus_commit.in_the_log import kind_of
from scalar_tx.errors import ScalarTxError
from scalar_tx.model.isolation import Isolation

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.cluster.gate import Gate
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.transaction_async import AsyncTransaction

_log = logging.getLogger("scalar_auditor.purging")

HOUR: Final = 3600.0  # seconds between the end of one round and the next
TOGETHER: Final = 100  # rows that a step reads
_PATIENCE: Final = 600.0  # seconds that a step waits for the end of a pause
_BREATH: Final = 0.05  # seconds between two steps: nobody waits for them


@dataclass(frozen=True, slots=True)
class Position:
    """Where the next step begins: in the tokens or the codes, and behind which row."""

    among_codes: bool = False
    after: str | None = None


BEGINNING: Final = Position()


async def step(tx: AsyncTransaction, position: Position, now_ms: int) -> Position | None:
    """Remove what is dead among the next rows; where the next step begins, None: all was seen."""
    kind: type[Token | OneTimeCode] = OneTimeCode if position.among_codes else Token
    scanner = await tx.scanner(kind, whole_table=True, limit=TOGETHER, after=position.after)
    async with scanner:
        rows = [row async for row in scanner]
        token = scanner.page_token
    for row in rows:
        if _is_dead(row, now_ms):
            await tx.delete(row)
    if len(rows) == TOGETHER:
        return Position(position.among_codes, token)
    return None if position.among_codes else Position(among_codes=True)


async def purge(manager: AsyncTransactionManager, gate: Gate, now_ms: Callable[[], int]) -> None:
    """One round over both tables. GateClosedError: the node was paused for too long."""
    position: Position | None = BEGINNING
    while position is not None:
        with await gate.admit_later(_PATIENCE):
            position = await manager.run(step, position, now_ms(), isolation=Isolation.SNAPSHOT)
        await asyncio.sleep(_BREATH)


async def keep_purged(
    manager: AsyncTransactionManager, gate: Gate, now_ms: Callable[[], int]
) -> None:
    """A round about every hour, until this task is cancelled."""
    while True:
        await asyncio.sleep(HOUR)
        try:
            await purge(manager, gate, now_ms)
        except (ScalarTxError, GateClosedError) as error:
            _log.warning("expired tokens are kept for another hour: %s", kind_of(error))


def _is_dead(row: Token | OneTimeCode, now_ms: int) -> bool:
    if isinstance(row, OneTimeCode):
        return one_time_codes.is_dead(row, now_ms)
    return row.expires_at <= now_ms

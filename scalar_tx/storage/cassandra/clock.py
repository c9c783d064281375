"""How far is a Cassandra node's clock ahead of this machine's?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.storage.cassandra.session import ONE
from scalar_tx.storage.cassandra.statements import Statement

if TYPE_CHECKING:
    from scalar_tx.storage.cassandra.session import Session

_NOW: Final = "SELECT toUnixTimestamp(now()) FROM system.local"


async def clock_ahead_ms(session: Session, host: Any = None) -> float:
    """The clock of a node; ``host`` None: of any."""
    before = time.time()
    answer = await session.read(Statement(_NOW), ONE, "system.local", host=host)
    here = (before + time.time()) / 2 * 1000
    return int.from_bytes(answer.rows[0][0] or b"", "big", signed=True) - here

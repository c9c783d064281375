"""What is a storage in a database server? Tables behind a pool of connections."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from scalar_tx.storage.sql.storage import SqlStorage

if TYPE_CHECKING:
    from scalar_tx.storage.sql.addresses import Access
    from scalar_tx.storage.sql.pool import Pool
    from scalar_tx.storage.sql.storage import Engine


class ServerStorage(SqlStorage):
    """Tables in one database of a server; ``clock`` selects its seconds since 1970."""

    def __init__(self, engine: Engine, pool: Pool, access: Access, *, clock: str) -> None:
        super().__init__(
            engine,
            pool,
            name=access.name,
            metadata_schema=access.metadata_schema,
            most=pool.most,
        )
        self.pool: Final = pool
        self._clock = clock

    async def clock_ahead_ms(self) -> float:
        """How far the server's clock is ahead of this machine's."""
        self.pool.read(self._clock)  # opens a connection if there is none, which may take a while
        before = time.time()
        ((theirs,),) = self.pool.read(self._clock)
        return 1000 * (float(theirs) - (before + time.time()) / 2)

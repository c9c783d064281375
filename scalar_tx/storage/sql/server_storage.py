"""What is a storage in a database server? Tables behind a pool of connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.storage.sql.storage import SqlStorage

if TYPE_CHECKING:
    from scalar_tx.storage.sql.addresses import Access
    from scalar_tx.storage.sql.pool import Pool
    from scalar_tx.storage.sql.storage import Engine


class ServerStorage(SqlStorage):
    """Tables in one database of a server."""

    def __init__(self, engine: Engine, pool: Pool, access: Access) -> None:
        super().__init__(
            engine,
            pool,
            name=access.name,
            metadata_schema=access.metadata_schema,
            most=pool.most,
        )
        self.pool: Final = pool

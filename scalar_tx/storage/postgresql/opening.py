"""How is a PostgreSQL storage opened?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.storage.postgresql.catalog import PostgresqlDefinitions
from scalar_tx.storage.postgresql.codec import CELLS, ENCODERS, objection
from scalar_tx.storage.postgresql.connections import PostgresqlDriver
from scalar_tx.storage.postgresql.settings import postgresql_settings
from scalar_tx.storage.postgresql.together import together
from scalar_tx.storage.sql.pool import Pool
from scalar_tx.storage.sql.server_storage import ServerStorage
from scalar_tx.storage.sql.storage import Engine

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings

CLOCK: Final = "SELECT extract(epoch FROM clock_timestamp())::float8"


def from_settings(settings: StorageSettings) -> ServerStorage:
    """The storage that settings describe. Nothing is connected to before first use.

    SettingsError: the contact point can't be read.
    """
    found = postgresql_settings(settings)
    access = found.access
    pool = Pool(
        PostgresqlDriver(found),
        most=access.most,
        idle=access.idle,
        patience_s=found.limits.statement_s or found.limits.reply_s,
    )
    engine = Engine(PostgresqlDefinitions(), ENCODERS, CELLS, objection, together=together)
    return ServerStorage(engine, pool, access, clock=CLOCK)

"""How is a MySQL or MariaDB storage opened?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.storage.mysql.catalog import MysqlDefinitions
from scalar_tx.storage.mysql.codec import CELLS, ENCODERS, SORTS_BY, objection_for
from scalar_tx.storage.mysql.connections import MysqlDriver
from scalar_tx.storage.mysql.dialect import mysql_dialect
from scalar_tx.storage.mysql.settings import mysql_settings
from scalar_tx.storage.sql.pool import Pool
from scalar_tx.storage.sql.server_storage import ServerStorage
from scalar_tx.storage.sql.storage import Engine

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings

CLOCK: Final = "SELECT UNIX_TIMESTAMP(SYSDATE(6))"


def from_settings(settings: StorageSettings) -> ServerStorage:
    """The storage that settings describe. Nothing is connected to before first use.

    SettingsError: the contact point can't be read.
    """
    found = mysql_settings(settings)
    access = found.access
    pool = Pool(
        MysqlDriver(found),
        most=access.most,
        idle=access.idle,
        patience_s=found.limits.statement_s or found.limits.reply_s,
    )
    definitions = MysqlDefinitions(mysql_dialect(found.key_size))
    engine = Engine(definitions, ENCODERS, CELLS, objection_for(found.key_size), SORTS_BY)
    return ServerStorage(engine, pool, access, clock=CLOCK)

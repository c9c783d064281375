"""What is a storage in a SQLite file?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.storage.sql.storage import Engine, SqlStorage
from scalar_tx.storage.sql.tables import DEFAULT_METADATA_SCHEMA
from scalar_tx.storage.sqlite.catalog import SqliteDefinitions
from scalar_tx.storage.sqlite.codec import CELLS, ENCODERS, objection
from scalar_tx.storage.sqlite.connections import FileConnections
from scalar_tx.storage.sqlite.settings import sqlite_settings

if TYPE_CHECKING:
    from scalar_tx.storage.sqlite.settings import SqliteSettings

# Calls that write at once share a commit.
_CALLS_AT_ONCE: Final = 16
_ENGINE = Engine(SqliteDefinitions(), ENCODERS, CELLS, objection, cells_go_back=True)


class SqliteStorage(SqlStorage):
    """Tables in one SQLite file, shared with any number of processes."""

    def __init__(
        self,
        settings: SqliteSettings,
        *,
        name: str = "jdbc",
        metadata_schema: str = DEFAULT_METADATA_SCHEMA,
    ) -> None:
        self.connections = FileConnections(settings)
        super().__init__(
            _ENGINE,
            self.connections,
            name=name,
            metadata_schema=metadata_schema,
            most=_CALLS_AT_ONCE,
            parallel=False,
        )


def open_sqlite(
    path_or_url: str, *, name: str = "jdbc", metadata_schema: str = DEFAULT_METADATA_SCHEMA
) -> SqliteStorage:
    """A storage in the file of that path, ``sqlite:///`` or ``jdbc:sqlite:`` URL.

    ``name`` is what ``StorageInfo`` says, ``metadata_schema`` the namespace of the metadata table
    (``scalar.db.jdbc.table_metadata.schema``). The file is opened, and made if need be, at first
    use. SettingsError: the URL is wrong.
    """
    return SqliteStorage(sqlite_settings(path_or_url), name=name, metadata_schema=metadata_schema)

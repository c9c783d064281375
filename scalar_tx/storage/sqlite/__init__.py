"""SQLite: several threads and processes, Java ones too, on one file (Storage specification 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.errors import SettingsError
from scalar_tx.storage.sqlite.storage import open_sqlite

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings
    from scalar_tx.storage.interface import Storage

__all__ = ["from_settings", "open_sqlite"]

_METADATA_SCHEMA = "scalar.db.jdbc.table_metadata.schema"


def from_settings(settings: StorageSettings) -> Storage:
    """The storage that settings describe: their contact point is a path or a URL.

    SettingsError: there is not exactly one contact point, or its URL is wrong.
    """
    points = settings.contact_points
    # ScalarDB takes the first of several JDBC URLs; of our own forms several are a mistake.
    if not points or (len(points) > 1 and settings.kind != "jdbc"):
        raise SettingsError(
            f"{settings.place}: the storage is {settings.kind}, "
            f"and scalar.db.contact_points names {len(points)} files",
            advice="Name one file, for example shop.db; a comma in its name is written '\\\\,'",
        )
    schema = settings.properties.get(_METADATA_SCHEMA)
    if schema is None:
        return open_sqlite(points[0], name=settings.kind)
    return open_sqlite(points[0], name=settings.kind, metadata_schema=schema)

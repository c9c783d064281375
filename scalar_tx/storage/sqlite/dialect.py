"""How does SQLite spell things? (Storage specification 1.4 and 5.1)"""

from __future__ import annotations

from typing import Final

from scalar_tx.model.types import DataType
from scalar_tx.storage.sql.dialect import Dialect, MetadataTypes, upsert_on_conflict

# Stands between namespace and table in a name of the file, so neither may hold it.
JOINT: Final = "$"
# SQLite's LIKE ignores the case of ASCII letters and stops at U+0000; this function does neither.
LIKE_FUNCTION: Final = "scalar_tx_like"

SQLITE: Final = Dialect(
    quote_sign='"',
    placeholder="?",
    joint=JOINT,
    types={
        DataType.BOOLEAN: "BOOLEAN",
        DataType.INT: "INT",
        DataType.BIGINT: "BIGINT",
        DataType.FLOAT: "FLOAT",
        DataType.DOUBLE: "DOUBLE",
        DataType.TEXT: "TEXT",
        DataType.BLOB: "BLOB",
        DataType.DATE: "INT",
        DataType.TIME: "BIGINT",
        DataType.TIMESTAMP: "BIGINT",
        DataType.TIMESTAMPTZ: "BIGINT",
    },
    metadata_types=MetadataTypes(
        name="TEXT",
        data_type="TEXT",
        key_type="TEXT",
        clustering_order="TEXT",
        flag="BOOLEAN",
        position="INTEGER",
    ),
    upsert=upsert_on_conflict,
    truncate="DELETE FROM",
    like=LIKE_FUNCTION + "({column},{value},{value})",
)

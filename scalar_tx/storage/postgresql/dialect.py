"""How does PostgreSQL spell things? (Storage specification 1.4 and 5.1)"""

from __future__ import annotations

from typing import Final

from scalar_tx.model.types import DataType
from scalar_tx.storage.sql.dialect import Dialect, MetadataTypes, upsert_on_conflict

POSTGRESQL: Final = Dialect(
    quote_sign='"',
    placeholder="%s",
    joint=None,
    types={
        DataType.BOOLEAN: "BOOLEAN",
        DataType.INT: "INT",
        DataType.BIGINT: "BIGINT",
        DataType.FLOAT: "REAL",
        DataType.DOUBLE: "DOUBLE PRECISION",
        DataType.TEXT: "TEXT",
        DataType.BLOB: "BYTEA",
        DataType.DATE: "DATE",
        DataType.TIME: "TIME",
        DataType.TIMESTAMP: "TIMESTAMP",
        DataType.TIMESTAMPTZ: "TIMESTAMP WITH TIME ZONE",
    },
    key_types={DataType.TEXT: "VARCHAR(10485760)"},
    metadata_types=MetadataTypes(
        name="VARCHAR(128)",
        data_type="VARCHAR(20)",
        key_type="VARCHAR(20)",
        clustering_order="VARCHAR(10)",
        flag="BOOLEAN",
        position="INTEGER",
    ),
    upsert=upsert_on_conflict,
    like="{column} LIKE {value} ESCAPE {value}",
    holds_nan=True,
    null_is_least=False,
    # The row that is there may be of a transaction that ends while this one waits for it.
    if_absent=" ON CONFLICT DO NOTHING",
    by_code_point='{column} COLLATE "C"',
    clustering_index=True,
)

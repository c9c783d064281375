"""How do MySQL and MariaDB spell things? (Storage specification 1.4 and 5.1)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.model.types import DataType
from scalar_tx.storage.sql.dialect import Dialect, MetadataTypes

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_KEY_SIZE: Final = 128


def _upsert(keys: Sequence[str], others: Sequence[str]) -> tuple[str, str]:
    # Not INSERT IGNORE: that cuts values short instead of refusing them.
    changed = others or keys[:1]
    changes = ",".join(
        f"{column}=VALUES({column})" if others else f"{column}={column}" for column in changed
    )
    return "INSERT INTO", f" ON DUPLICATE KEY UPDATE {changes}"


def _like_values(pattern: str, escape: str) -> tuple[str, str]:
    # An empty escape means the backslash to MySQL.
    return (pattern, escape) if escape else (pattern.replace("\\", "\\\\"), "\\")


def mysql_dialect(key_size: int = DEFAULT_KEY_SIZE) -> Dialect:
    """The spelling where texts and blobs of keys and indexes hold ``key_size`` signs or bytes."""
    return Dialect(
        quote_sign="`",
        placeholder="%s",
        joint=None,
        types={
            DataType.BOOLEAN: "BOOLEAN",
            DataType.INT: "INT",
            DataType.BIGINT: "BIGINT",
            DataType.FLOAT: "REAL",
            DataType.DOUBLE: "DOUBLE",
            DataType.TEXT: "LONGTEXT",
            DataType.BLOB: "LONGBLOB",
            DataType.DATE: "DATE",
            DataType.TIME: "TIME(6)",
            DataType.TIMESTAMP: "DATETIME(3)",
            DataType.TIMESTAMPTZ: "DATETIME(3)",
        },
        key_types={
            DataType.TEXT: f"VARCHAR({key_size})",
            DataType.BLOB: f"VARBINARY({key_size})",
        },
        metadata_types=MetadataTypes(
            name="VARCHAR(128)",
            data_type="VARCHAR(20)",
            key_type="VARCHAR(20)",
            clustering_order="VARCHAR(10)",
            flag="BOOLEAN",
            position="INTEGER",
        ),
        upsert=_upsert,
        # A collation that both have; LIKE goes sign by sign and pads nothing.
        like="{column} LIKE {value} COLLATE utf8mb4_bin ESCAPE {value}",
        like_values=_like_values,
        row_values=False,
        holds_infinity=False,
        by_code_point="CAST({column} AS BINARY)",
        equal_by_code_point=False,
        orders_in_key=True,
        on_duplicate=True,
        alters_together=True,
    )

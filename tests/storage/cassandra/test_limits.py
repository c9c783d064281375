"""What can't Cassandra hold, by its storage's own word?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.storage_settings import StorageSettings
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.runtime.blocking import run_blocking as run
from scalar_tx.storage.cassandra import open_cassandra
from scalar_tx.storage.interface import Write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.model.types import Value
    from scalar_tx.storage.cassandra.storage import CassandraStorage

TABLE: Final = Table("ns.t", TableSchema({"p": "INT", "c": "INT"}, ["p"], ["c"]))


@pytest.fixture(scope="module")
def storage() -> Iterator[CassandraStorage]:
    """Of a cluster that is nowhere."""
    opened = open_cassandra(StorageSettings("cassandra", ("127.0.0.1:1",)))
    yield opened
    run(opened.close())


@pytest.mark.parametrize("data_type", [DataType.FLOAT, DataType.DOUBLE])
@pytest.mark.parametrize("value, word", [(-0.0, "-0.0"), (math.nan, "NaN")])
def test_floats_that_are_no_keys(
    storage: CassandraStorage, data_type: DataType, value: float, word: str
) -> None:
    assert word in (storage.objection(TABLE.name, data_type, value, in_key=True) or "")
    assert storage.objection(TABLE.name, data_type, value, in_key=False) is None


@pytest.mark.parametrize("value", [0.0, 1.5, -1.5, math.inf, 0, "", "x" * 65_535])
def test_keys(storage: CassandraStorage, value: Value) -> None:
    assert storage.objection(TABLE.name, DataType.DOUBLE, value, in_key=True) is None


def test_a_text_too_long_for_a_key(storage: CassandraStorage) -> None:
    for text in ("x" * 65_536, "\u00e9" * 32_768):
        found = storage.objection(TABLE.name, DataType.TEXT, text, in_key=True)
        assert "65,535" in (found or "")


def test_more_records_than_a_batch_holds(storage: CassandraStorage) -> None:
    assert storage.info(TABLE.name).max_mutations == 65_535
    with pytest.raises(InvalidOperationError, match="65,535"):
        run(storage.mutate([Write(TABLE, (1, c), {}) for c in range(65_536)]))

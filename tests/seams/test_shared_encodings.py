"""An adapter takes the ordered key bytes and the value bytes without another adapter's folder."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from scalar_tx.model.encoding import ordered_bytes, value_bytes, values_from_bytes
from scalar_tx.model.table import Order
from scalar_tx.model.types import DataType, Value


def test_the_encodings_bring_no_adapter_along() -> None:
    code = (
        "import sys, scalar_tx.model.encoding; "
        "print([m for m in sys.modules if m.startswith('scalar_tx.storage.')])"
    )
    # The package itself opens storages by name, so look only at what belongs to one of them.
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    for folder in ("storage.sql", "storage.sqlite", "storage.memory"):
        assert folder not in done.stdout


# Storage specification 4.2: values and their bytes, ascending and descending.
VECTORS: list[tuple[DataType, Value, str, str]] = [
    (DataType.BOOLEAN, True, "01", "fe"),
    (DataType.INT, 100, "80000064", "7fffff9b"),
    (DataType.INT, -(2**31), "00000000", "ffffffff"),
    (DataType.BIGINT, -(2**53), "7fe0000000000000", "801fffffffffffff"),
    (DataType.FLOAT, -0.0, "7fffffff", "80000000"),
    (DataType.FLOAT, 1.100000023841858, "bf8ccccd", "40733332"),
    (DataType.DOUBLE, -1.0, "400fffffffffffff", "bff0000000000000"),
    (DataType.TEXT, "あ", "e3818200", "1c7e7dff"),
    (DataType.BLOB, b"\x01\x02\xff", "0102ff", "fefd00ff"),
]


def test_keys_are_encoded_as_specified() -> None:
    for data_type, value, ascending, descending in VECTORS:
        assert ordered_bytes(value, data_type).hex() == ascending
        assert ordered_bytes(value, data_type, Order.DESC).hex() == descending


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=2))
def test_the_order_of_bytes_is_the_order_of_numbers(pair: list[int]) -> None:
    first, second = pair
    encoded = [ordered_bytes(number, DataType.BIGINT) for number in pair]
    assert (first < second) == (encoded[0] < encoded[1])


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.binary(), st.floats())
def test_values_come_back_from_their_bytes(text: str, data: bytes, number: float) -> None:
    values: list[tuple[DataType, Value]] = [
        (DataType.TEXT, text),
        (DataType.BLOB, data),
        (DataType.DOUBLE, number),
        (DataType.INT, None),
    ]
    assert repr(values_from_bytes(value_bytes(values))) == repr(values)

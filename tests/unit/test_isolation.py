"""Which texts mean which isolation level?"""

from __future__ import annotations

import pickle

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.isolation import Isolation


@pytest.mark.parametrize(
    "text,level",
    [
        ("SERIALIZABLE", Isolation.SERIALIZABLE),
        (" snapshot ", Isolation.SNAPSHOT),
        ("Read-Committed", Isolation.READ_COMMITTED),
        ("read committed", Isolation.READ_COMMITTED),
        (Isolation.SNAPSHOT, Isolation.SNAPSHOT),
    ],
)
def test_isolation_levels(text: object, level: Isolation) -> None:
    assert Isolation.parse(text) is level
    assert pickle.loads(pickle.dumps(level)) is level


@pytest.mark.parametrize("value", ["", "serial", None, 1, b"SNAPSHOT"])
def test_what_is_no_isolation_level(value: object) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        Isolation.parse(value)
    assert "READ_COMMITTED" in caught.value.advice

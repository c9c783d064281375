"""What becomes of an open transaction when a table gets another column?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import ConflictError
from scalar_tx.connection import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCOUNT = "bank.account"
KEY = {"id": 1}


@pytest.fixture
def db() -> Iterator[scalar_tx.TransactionManager]:
    with scalar_tx.connect("memory://") as manager:
        manager.admin.create_table(
            ACCOUNT, columns={"id": "INT", "balance": "INT"}, partition_key=["id"]
        )
        manager.upsert(ACCOUNT, {"id": 1, "balance": 10})
        yield manager


@pytest.mark.parametrize(
    "use",
    [
        lambda tx: tx.get(ACCOUNT, KEY),
        lambda tx: tx.scan(ACCOUNT, whole_table=True),
        lambda tx: tx.update(ACCOUNT, KEY, {"balance": 11}),
        lambda tx: tx.update(ACCOUNT, KEY, {"city": "Rome"}),
        lambda tx: tx.upsert(ACCOUNT, {"id": 1, "balance": 11}),
    ],
)
def test_it_is_a_conflict_because_what_was_read_lacks_the_column(
    db: scalar_tx.TransactionManager, use: Callable[[Any], object]
) -> None:
    tx = db.begin()
    tx.get(ACCOUNT, KEY)
    tx.scan(ACCOUNT, whole_table=True)
    db.admin.add_column(ACCOUNT, "city", "TEXT")
    with pytest.raises(ConflictError) as told:
        use(tx)
    assert told.value.retryable


def test_looked_up_anew_and_found_the_same_it_is_none(db: scalar_tx.TransactionManager) -> None:
    tx = db.begin()
    tx.get(ACCOUNT, KEY)
    parts_of(db).context.catalog.forget()
    tx.update(ACCOUNT, KEY, {"balance": 11})
    tx.commit()
    assert db.get(ACCOUNT, KEY, columns=["balance"]) == {"balance": 11}

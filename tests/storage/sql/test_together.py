"""Is a group of writes that PostgreSQL takes as one statement done whole, or refused whole?"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import WriteRefusedError
from scalar_tx.model.conditions import Comparison, Operator, if_exists, if_not_exists
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.interface import Erase, WholeTableSource, Write
from scalar_tx.storage.interface import ScanRequest as Request
from tests.storage.sql.stage import all_rows, mutate, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.storage.interface import StorageMutation
    from scalar_tx.storage.sql.server_storage import ServerStorage

pytestmark = pytest.mark.servers("postgresql")

TABLE = Table("together.t", TableSchema({"k": "INT", "n": "INT", "t": "TEXT"}, ["k"]))
MARKER = "scalar_tx: a condition was not met"


@pytest.fixture
def storage(postgresql: ServerStorage) -> Iterator[ServerStorage]:
    run(postgresql.admin.drop_table(TABLE.name, if_exists=True))
    run(postgresql.admin.create_table(TABLE))
    yield postgresql
    run(postgresql.admin.drop_table(TABLE.name))


def texts_of(storage: ServerStorage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The first words of what is written from now on, and BEGIN for a transaction."""
    said: list[str] = []
    write, transaction = storage.pool.write, storage.pool.transaction

    def noted(text: str, parameters: object = ()) -> int:
        said.append(text.split(maxsplit=1)[0])
        return write(text, parameters)  # type: ignore[arg-type]  # handed on

    def begun(steps: object) -> object:
        said.append("BEGIN")
        return transaction(steps)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(storage.pool, "write", noted)
    monkeypatch.setattr(storage.pool, "transaction", begun)
    return said


def numbers(storage: ServerStorage) -> dict[object, object]:
    return {row["k"]: row["n"] for row in all_rows(storage, Request(TABLE, WholeTableSource()))}


def test_all_kinds_of_writes_are_one_statement(
    storage: ServerStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(storage, *(Write(TABLE, (k,), {"n": k}) for k in range(5)))
    said = texts_of(storage, monkeypatch)
    group: list[StorageMutation] = [
        Write(TABLE, (0,), {"n": 10}),
        Write(TABLE, (1,), {"n": 11}, Comparison("n", Operator.EQ, 1)),
        Write(TABLE, (2,), {"n": 12}, if_exists),
        Erase(TABLE, (3,), Comparison("n", Operator.EQ, 3)),
        Erase(TABLE, (4,)),
        Erase(TABLE, (5,)),  # there is none
        Write(TABLE, (6,), {"n": 16, "t": MARKER}, if_not_exists),
        Write(TABLE, (7,), {}),
    ]
    for _ in range(7):  # until it is prepared
        mutate(storage, *group)
        assert numbers(storage) == {0: 10, 1: 11, 2: 12, 6: 16, 7: None}
        mutate(storage, Erase(TABLE, (6,)), Write(TABLE, (1,), {"n": 1}))
        mutate(storage, Write(TABLE, (3,), {"n": 3}), Write(TABLE, (4,), {"n": 4}))
    assert set(said) == {"WITH"}


@pytest.mark.parametrize("refused", range(4))
def test_one_that_is_refused_refuses_all(storage: ServerStorage, refused: int) -> None:
    mutate(storage, *(Write(TABLE, (k,), {"n": k}) for k in range(3)))
    before = numbers(storage)
    for _ in range(7):
        group: list[StorageMutation] = [
            Write(TABLE, (0,), {"n": 10}, Comparison("n", Operator.EQ, 0)),
            Erase(TABLE, (1,), if_exists),
            Write(TABLE, (2,), {"n": 12}),
            Write(TABLE, (3,), {"n": 13}, if_not_exists),
        ]
        unmet: list[StorageMutation] = [
            Write(TABLE, (0,), {"n": 10}, Comparison("n", Operator.EQ, 9)),
            Erase(TABLE, (8,), if_exists),
            Write(TABLE, (9,), {"n": 12}, if_exists),
            Write(TABLE, (2,), {"n": 13}, if_not_exists),
        ]
        group[refused] = unmet[refused]
        if refused == 3:
            del group[2]
        with pytest.raises(WriteRefusedError, match=r"together\.t \(.*was not met") as caught:
            mutate(storage, *group)
        assert MARKER in str(caught.value.__cause__)
        assert numbers(storage) == before


def test_a_long_group_is_a_transaction(
    storage: ServerStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = texts_of(storage, monkeypatch)
    mutate(storage, *(Write(TABLE, (k,), {"n": k}, if_not_exists) for k in range(32)))
    mutate(storage, *(Write(TABLE, (k,), {"n": k}, if_exists) for k in range(32)))
    mutate(storage, *(Write(TABLE, (k,), {"n": k}, if_not_exists) for k in range(32, 65)))
    assert said == ["WITH", "WITH", "BEGIN"]
    with pytest.raises(WriteRefusedError):
        mutate(storage, *(Write(TABLE, (k,), {"n": 0}, if_not_exists) for k in range(40, 80)))
    assert numbers(storage) == {k: k for k in range(65)}


def test_groups_that_cross_wait_for_each_other(storage: ServerStorage) -> None:
    """Some of their writes have conditions and some have none; no two block each other."""
    mutate(storage, *(Write(TABLE, (k,), {"n": 0}) for k in range(6)))
    errors: list[Exception] = []

    def write(backwards: bool) -> None:
        for n in range(60):
            group = [
                Write(TABLE, (k,), {"n": n}, if_exists if k % 2 == backwards else None)
                for k in range(6)
            ]
            try:
                mutate(storage, *(group[::-1] if backwards else group))
            except Exception as error:  # noqa: BLE001  # told below
                errors.append(error)

    threads = [threading.Thread(target=write, args=(n % 2 == 0,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(set(numbers(storage).values())) == 1

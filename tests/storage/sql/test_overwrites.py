"""Tables as other programs make them, written over by an INSERT that turns into an update."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import WriteRefusedError
from scalar_tx.model.conditions import column
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.interface import Overwrite, Write
from scalar_tx.storage.sqlite import open_sqlite
from tests.storage.sql.stage import run

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx.storage.interface import StorageMutation
    from scalar_tx.storage.sql.storage import SqlStorage

TABLE = Table(
    "over.notes",
    TableSchema({"id": "INT", "t": "TEXT", "state": "INT", "n": "INT", "old": "TEXT"}, ["id"]),
)
SETTLED = (column("state") == 3) | column("state").is_null()
KINDS = [
    "sqlite",
    *(pytest.param(kind, marks=pytest.mark.servers(kind)) for kind in ("postgresql", "mysql")),
]
DEFINE = {
    "sqlite": 'CREATE UNIQUE INDEX one ON "over$notes" (t)',
    "postgresql": "CREATE UNIQUE INDEX one ON over.notes (t)",
    "mysql": "CREATE UNIQUE INDEX one ON `over`.notes (t(20))",
}
NOT_NULL = {
    "postgresql": "ALTER TABLE over.notes ALTER t SET NOT NULL",
    "mysql": "ALTER TABLE `over`.notes MODIFY t LONGTEXT NOT NULL",
}
IN_SQLITE = (
    'CREATE TABLE "over$notes" (id INT PRIMARY KEY, t TEXT NOT NULL, state INT, n INT, old TEXT)'
)


@pytest.fixture
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> SqlStorage:
    kind = request.param
    found: SqlStorage
    if kind == "sqlite":
        found = open_sqlite(str(tmp_path / "over.db"))
    else:
        found = request.getfixturevalue(kind)
    run(found.admin.drop_table(TABLE.name, if_exists=True))
    run(found.admin.create_table(TABLE))
    return found


def mutate(storage: SqlStorage, *mutations: StorageMutation) -> None:
    run(storage.mutate(mutations))


def define(storage: SqlStorage, text: str) -> None:
    def steps(session: object) -> None:
        session.count(text)  # type: ignore[attr-defined]  # of whichever driver

    storage._connections.transaction(steps)


def over(number: int, **values: str) -> Overwrite:
    return Overwrite(TABLE, (number,), {"state": 1, **values}, SETTLED, "n", {"old": "t"}, True)


each = pytest.mark.parametrize("storage", KINDS, indirect=True)


def kind_of(storage: SqlStorage) -> str:
    return {"SqliteStorage": "sqlite"}.get(type(storage).__name__) or (
        "mysql" if storage._engine.definitions.dialect.on_duplicate else "postgresql"
    )


@each
@pytest.mark.parametrize("together", [True, False])
def test_another_record_that_has_the_value_is_left_alone(
    storage: SqlStorage, together: bool
) -> None:
    define(storage, DEFINE[kind_of(storage)])
    mutate(storage, Write(TABLE, (1,), {"t": "taken", "state": 3, "n": 1}))
    before = run(storage.get(TABLE, (1,)))
    more = [over(3, t="another")] if together else []
    with pytest.raises(WriteRefusedError):
        mutate(storage, over(2, t="taken"), *more)
    assert run(storage.get(TABLE, (1,))) == before
    assert run(storage.get(TABLE, (2,))) is None
    assert run(storage.get(TABLE, (3,))) is None


@each
@pytest.mark.parametrize("together", [True, False])
def test_what_may_not_be_missing_is_a_refusal(storage: SqlStorage, together: bool) -> None:
    """The record has it; a reader would write it by an UPDATE, which need not name it."""
    kind = kind_of(storage)
    if kind == "sqlite":
        define(storage, 'DROP TABLE "over$notes"')
        define(storage, IN_SQLITE)
    else:
        define(storage, NOT_NULL[kind])
    mutate(storage, Write(TABLE, (1,), {"t": "there", "state": 3, "n": 1}))
    before = run(storage.get(TABLE, (1,)))
    more = [over(3, t="another")] if together else []
    with pytest.raises(WriteRefusedError):
        mutate(storage, over(1), *more)
    assert run(storage.get(TABLE, (1,))) == before
    assert run(storage.get(TABLE, (3,))) is None
    mutate(storage, over(1, t="new"), *more)
    assert run(storage.get(TABLE, (1,))) == {
        "id": 1,
        "t": "new",
        "state": 1,
        "n": 2,
        "old": "there",
    }

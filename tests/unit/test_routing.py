"""Does each table's work reach the storage that holds it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from scalar_tx.errors import (
    ConflictError,
    InvalidOperationError,
    ReplyLostError,
    SchemaError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.interface import (
    AtomicityUnit,
    Erase,
    PartitionSource,
    ScanRequest,
    WholeTableSource,
    Write,
    unit_key,
)
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.storage.routing import RoutedStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from scalar_tx.model.types import Value
    from scalar_tx.storage.interface import Storage

T = TypeVar("T")

SCHEMA = TableSchema(columns={"id": "INT", "v": "TEXT"}, partition_key=["id"])
HERE = Table("here.t", SCHEMA)
THERE = Table("there.t", SCHEMA)
EXCEPTION = Table("there.own", SCHEMA)


def run(steps: Coroutine[Any, Any, T]) -> T:
    """Memory never waits, so one step is all there is."""
    with pytest.raises(StopIteration) as done:
        steps.send(None)
    result: T = done.value.value
    return result


class Failing(MemoryStorage):
    closed = False

    async def close(self) -> None:
        self.closed = True
        raise OSError("can't close")


def routed(first: Storage, second: Storage) -> RoutedStorage:
    return RoutedStorage(
        {"first": first, "second": second},
        default="first",
        namespaces={"there": "second"},
        tables={"there.own": "first"},
    )


@pytest.fixture
def parts() -> tuple[MemoryStorage, MemoryStorage]:
    return MemoryStorage(), MemoryStorage(unit=AtomicityUnit.RECORD, max_mutations=1)


@pytest.fixture
def storage(parts: tuple[MemoryStorage, MemoryStorage]) -> RoutedStorage:
    storage = routed(*parts)
    for table in (HERE, THERE, EXCEPTION):
        run(storage.admin.create_table(table))
    return storage


def write(table: Table, number: int = 1) -> Write:
    return Write(table, (number,), {"v": table.name})


def test_tables_lie_where_they_are_mapped(
    storage: RoutedStorage, parts: tuple[MemoryStorage, MemoryStorage]
) -> None:
    first, second = parts
    for name, holder in ((HERE.name, first), (THERE.name, second), (EXCEPTION.name, first)):
        assert [run(part.admin.table(name)) is not None for part in parts] == [
            part is holder for part in parts
        ]
        assert run(storage.admin.table(name)) is not None
    assert run(storage.admin.table("there.none")) is None


def test_reads_and_writes_reach_the_holder(
    storage: RoutedStorage, parts: tuple[MemoryStorage, MemoryStorage]
) -> None:
    run(storage.mutate([write(HERE), write(EXCEPTION)]))
    run(storage.mutate([write(THERE)]))
    first, second = parts
    for table, holder in ((HERE, first), (THERE, second), (EXCEPTION, first)):
        row = {"id": 1, "v": table.name}
        assert run(holder.get(table, (1,))) == row
        assert run(storage.get(table, (1,))) == row
        for source in (PartitionSource((1,)), WholeTableSource()):
            pages = storage.scan(ScanRequest(table, source))
            assert run(pages.next_page()) == [row]
            assert run(pages.next_page()) is None


def test_a_write_over_two_storages_is_refused_whole(storage: RoutedStorage) -> None:
    with pytest.raises(InvalidOperationError, match="first, second"):
        run(storage.mutate([write(HERE), write(THERE)]))
    assert run(storage.get(HERE, (1,))) is None
    assert run(storage.get(THERE, (1,))) is None
    with pytest.raises(InvalidOperationError):
        run(storage.mutate([]))


def test_info_is_the_holder_s_under_its_configured_name(storage: RoutedStorage) -> None:
    assert [storage.info(table.name).name for table in (HERE, THERE, EXCEPTION)] == [
        "first",
        "second",
        "first",
    ]
    assert storage.info(THERE.name).atomicity_unit is AtomicityUnit.RECORD
    assert storage.info(THERE.name).max_mutations == 1
    # So that mutations for two storages of one kind are never grouped together.
    units = {unit_key(one, storage.info(one.table.name)) for one in (write(HERE), write(EXCEPTION))}
    assert len(units) == 1
    assert unit_key(Erase(THERE, (1,)), storage.info(THERE.name)) not in units


class Picky(MemoryStorage):
    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        return "it holds nothing"


def test_the_storage_of_the_table_objects_to_a_value(storage: RoutedStorage) -> None:
    nan = float("nan")
    picky = routed(Picky(), MemoryStorage())
    objections = {
        picky.name_for_table(table.name): picky.objection(table.name, DataType.INT, 1, in_key=True)
        for table in (HERE, THERE)
    }
    assert sorted(map(str, objections.values())) == ["None", "it holds nothing"]
    assert storage.objection("ns.t", DataType.DOUBLE, nan, in_key=True)
    assert storage.objection("ns.t", DataType.DOUBLE, nan, in_key=False) is None


def test_administration(storage: RoutedStorage, parts: tuple[MemoryStorage, MemoryStorage]) -> None:
    admin = storage.admin
    first, second = parts
    run(storage.mutate([write(HERE)]))
    run(storage.mutate([write(THERE)]))
    run(admin.create_index(THERE, "v"))
    indexed = run(admin.table(THERE.name))
    assert indexed is not None
    assert list(indexed.schema.secondary_index) == ["v"]
    run(admin.drop_index(indexed, "v"))
    run(admin.add_columns(THERE, {"more": DataType.INT}))
    grown = run(second.admin.table(THERE.name))
    assert grown is not None
    assert "more" in grown.columns
    assert list(grown.schema.secondary_index) == []
    run(admin.rename_columns(grown, {"more": "most"}))
    run(admin.alter_types(THERE, {"most": DataType.BIGINT}))
    grown = run(second.admin.table(THERE.name))
    assert grown is not None
    assert grown.schema.columns["most"] is DataType.BIGINT
    run(admin.drop_columns(THERE, ["most"]))
    run(admin.rename_table(THERE.name, "there.other"))
    assert run(second.admin.tables("there")) == ["there.other"]
    with pytest.raises(InvalidOperationError, match="would be looked for in 'first'"):
        run(admin.rename_table("there.other", "here.other"))
    run(admin.rename_table("there.other", THERE.name))
    run(admin.repair_table(THERE))
    run(admin.truncate_table(THERE.name))
    assert run(storage.get(HERE, (1,))) is not None
    assert run(storage.get(THERE, (1,))) is None
    # Whole namespaces: the mapping of single tables does not count.
    assert run(admin.tables("there")) == [THERE.name]
    run(admin.create_namespace("there", if_not_exists=True))
    run(admin.drop_table(THERE.name))
    run(admin.drop_namespace("there"))
    assert "there" not in run(second.admin.namespaces())
    assert "there" in run(first.admin.namespaces())


class Broken(MemoryStorage):
    """Every call fails with one and the same error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def _fail(self, *arguments: object, **more: object) -> Any:
        async def fail() -> None:
            raise self.error

        return fail()

    get = mutate = at_one_moment = _fail

    def scan(self, request: ScanRequest) -> Any:
        return self

    next_page = _fail

    @property
    def admin(self) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        return self._fail


CALLS: dict[str, Callable[[RoutedStorage], Coroutine[Any, Any, Any]]] = {
    "get": lambda s: s.get(THERE, (1,)),
    "scan": lambda s: s.scan(ScanRequest(THERE, WholeTableSource())).next_page(),
    "mutate": lambda s: s.mutate([write(THERE)]),
    "at_one_moment": lambda s: s.at_one_moment(THERE.name, lambda reads: run_nothing()),
    "create_namespace": lambda s: s.admin.create_namespace("there"),
    "drop_namespace": lambda s: s.admin.drop_namespace("there"),
    "namespaces": lambda s: s.admin.namespaces(),
    "create_table": lambda s: s.admin.create_table(THERE),
    "drop_table": lambda s: s.admin.drop_table(THERE.name),
    "truncate_table": lambda s: s.admin.truncate_table(THERE.name),
    "tables": lambda s: s.admin.tables("there"),
    "table": lambda s: s.admin.table(THERE.name),
    "create_index": lambda s: s.admin.create_index(THERE, "v"),
    "drop_index": lambda s: s.admin.drop_index(THERE, "v"),
    "repair_table": lambda s: s.admin.repair_table(THERE),
    "add_columns": lambda s: s.admin.add_columns(THERE, {}),
    "drop_columns": lambda s: s.admin.drop_columns(THERE, []),
    "rename_columns": lambda s: s.admin.rename_columns(THERE, {}),
    "alter_types": lambda s: s.admin.alter_types(THERE, {}),
    "rename_table": lambda s: s.admin.rename_table(THERE.name, "there.other"),
    "foreign_table": lambda s: s.admin.foreign_table(THERE.name, {}),
}


async def run_nothing() -> None:
    """No reads."""


@pytest.mark.parametrize("call", CALLS)
def test_an_error_says_which_storage_it_comes_from(call: str) -> None:
    for error in (
        StorageUnavailableError("away", code="STX-4001"),
        ReplyLostError("away"),
        StorageBusyError("away"),
        WriteRefusedError("away"),
        InvalidOperationError("away"),
        SchemaError("away"),
    ):
        storage = routed(MemoryStorage(), Broken(error))
        for _ in range(2):  # a driver's error that comes twice is named once
            with pytest.raises(type(error)) as caught:
                CALLS[call](storage).send(None)
            assert caught.value is error
            assert str(error).startswith("storage 'second': away")
        assert str(error).count("second") == 1


def test_an_error_of_the_steps_at_one_moment_is_left_as_it_is() -> None:
    async def lose(reads: object) -> None:
        raise ConflictError("lost")

    storage = routed(MemoryStorage(), MemoryStorage())
    with pytest.raises(ConflictError) as caught:
        storage.at_one_moment(THERE.name, lose).send(None)
    assert caught.value.message == "lost"


def test_namespaces_are_listed_where_they_are_mapped(
    storage: RoutedStorage, parts: tuple[MemoryStorage, MemoryStorage]
) -> None:
    first, second = parts
    run(second.admin.create_namespace("stray"))
    run(first.admin.create_namespace("plain"))
    listed = run(storage.admin.namespaces())
    assert "stray" not in listed
    assert {"here", "plain", "there"} <= set(listed)
    assert len(listed) == len(set(listed))


def test_all_are_closed_although_one_fails() -> None:
    first, second = Failing(), Failing()
    closing = routed(first, second).close()
    with pytest.raises(OSError, match="can't close") as caught:
        closing.send(None)
    assert caught.value.__notes__ == ["on closing the storage 'first'"]
    assert first.closed
    assert second.closed


@pytest.mark.parametrize("where", ["default", "namespaces", "tables"])
def test_a_mapping_to_no_storage_is_refused(where: str) -> None:
    routes: dict[str, Any] = {"default": "a", "namespaces": {}, "tables": {}}
    routes[where] = "x" if where == "default" else {"n.t": "x"}
    with pytest.raises(InvalidOperationError, match="'x'"):
        RoutedStorage({"a": MemoryStorage()}, **routes)

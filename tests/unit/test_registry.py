"""Is a storage found by its name, scheme or JDBC URL, and is what is missing named?"""

from __future__ import annotations

import importlib
import importlib.metadata
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.errors import SettingsError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.settings import StorageSettings, load
from scalar_tx.storage import registry
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.storage.registry import Adapter, adapter_of, open_storage
from scalar_tx.storage.routing import RoutedStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path


class Opened(MemoryStorage):
    """A storage that knows what it was opened with, and whether it was closed."""

    all: list[Opened] = []  # noqa: RUF012 - emptied by the fixture

    def __init__(self, settings: StorageSettings) -> None:
        super().__init__()
        self.settings = settings
        self.closed = False
        Opened.all.append(self)

    async def close(self) -> None:
        self.closed = True


def open_outside(settings: StorageSettings) -> Opened:
    if settings.username == "nobody":
        raise SettingsError("nobody may not")
    return Opened(settings)


OUTSIDE = Adapter(
    "outside",
    "outside_adapter:open_outside",
    aliases=("beyond",),
    schemes=("outside",),
    jdbc=("outside",),
    properties=("outside.depth",),
    extra="outside",
    doctor="outside_adapter:examine",
)


def examine() -> str:
    return "well"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Make entry points of these objects, as another distribution would."""

    def install(**found: object) -> None:
        class Point:
            def __init__(self, name: str, value: object) -> None:
                self.value = f"somewhere:{name}"
                self._found = value

            def load(self) -> object:
                if isinstance(self._found, Exception):
                    raise self._found
                return self._found

        def entry_points(*, group: str) -> list[Point]:
            assert group == "scalar_tx.storages"
            return [Point(name, value) for name, value in found.items()]

        monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
        registry._installed.cache_clear()

    monkeypatch.setitem(sys.modules, "outside_adapter", sys.modules[__name__])
    Opened.all.clear()
    yield install
    registry._installed.cache_clear()


def refusal(call: Callable[..., Any], *arguments: object) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        call(*arguments)
    return caught.value


def finished(steps: Coroutine[Any, Any, None]) -> None:
    """Neither memory nor SQLite ever suspends."""
    with pytest.raises(StopIteration):
        steps.send(None)


@pytest.mark.parametrize(
    "kind,points,name",
    [
        ("memory", (), "memory"),
        ("sqlite", ("x.db",), "sqlite"),
        ("jdbc", ("jdbc:sqlite:x.db",), "sqlite"),
        ("jdbc", ("JDBC:SQLite:x.db",), "sqlite"),
        ("jdbc", ("jdbc:postgresql://h/d",), "postgresql"),
        ("jdbc", ("jdbc:mariadb://h/d",), "mysql"),
        ("cassandra", ("h",), "cassandra"),
        ("dynamo", ("eu-west-1",), "dynamo"),
        ("dynamodb", ("eu-west-1",), "dynamo"),
    ],
)
def test_names(kind: str, points: tuple[str, ...], name: str) -> None:
    assert adapter_of(StorageSettings(kind, points)).name == name


def test_every_name_and_scheme_means_one_adapter() -> None:
    for field in ("schemes", "jdbc"):
        words = [word for one in registry.adapters() for word in getattr(one, field)]
        assert len(words) == len(set(words))
    names = [name for one in registry.adapters() for name in (one.name, *one.aliases)]
    assert len(names) == len(set(names))
    for scheme in registry.schemes():
        assert adapter_of(load(f"{scheme}://x").storage).schemes.count(scheme) == 1


@pytest.mark.parametrize(
    "properties",
    [
        {"scalar.db.storage": "sqlite", "scalar.db.contact_points": "x.db"},
        {"scalar.db.storage": "sqlite", "scalar.db.contact_points": "sqlite:///x.db"},
        {
            "scalar.db.storage": "jdbc",
            "scalar.db.contact_points": "jdbc:sqlite:x.db",
            "scalar.db.jdbc.table_metadata.schema": "meta",
        },
    ],
)
def test_sqlite_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, properties: dict[str, object]
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = open_storage(load(properties).storage)
    assert storage.info("n.t").name == properties["scalar.db.storage"]
    table = Table("n.t", TableSchema(columns={"id": "INT"}, partition_key=["id"]))
    finished(storage.admin.create_table(table))
    finished(storage.close())
    with closing(sqlite3.connect("x.db")) as file:
        names = {name for (name,) in file.execute("SELECT name FROM sqlite_schema")}
    schema = properties.get("scalar.db.jdbc.table_metadata.schema", "scalardb")
    assert {"n$t", f"{schema}$metadata"} <= names


@pytest.mark.parametrize("points", [(), ("a.db", "b.db")])
def test_sqlite_is_one_file(points: tuple[str, ...]) -> None:
    error = refusal(open_storage, StorageSettings("sqlite", points, place="f.properties:3"))
    assert "f.properties:3" in error.message
    assert f"names {len(points)} files" in error.message


def test_an_unknown_name_is_refused_with_the_known() -> None:
    error = refusal(open_storage, StorageSettings("oracle", place="f.properties:3"))
    assert "f.properties:3" in error.message
    assert "'oracle'" in error.message
    for known in ("cassandra", "dynamo", "jdbc", "memory", "multi-storage", "sqlite"):
        assert known in error.advice
    error = refusal(open_storage, StorageSettings("jdbc", ("jdbc:oracle:thin:me/hush@//h",)))
    assert "jdbc:oracle:" in error.message
    assert "hush" not in str(error)
    assert "jdbc:sqlite:" in error.advice


@pytest.mark.parametrize("points", [(), ("x.db",), ("jdbc:",), ("mysql://me:hush@host/db",)])
def test_jdbc_needs_a_jdbc_url(points: tuple[str, ...]) -> None:
    error = refusal(open_storage, StorageSettings("jdbc", points))
    assert "JDBC URL" in error.message
    assert "hush" not in str(error)


def test_what_comes_later_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_SHIPPED", (*registry.adapters(), Adapter("tomorrow", None)))
    error = refusal(open_storage, StorageSettings("tomorrow", ("h",)))
    assert "later version" in error.message
    assert "sqlite" in error.advice


@pytest.mark.parametrize("kind, driver", [("postgresql", "psycopg"), ("mysql", "pymysql")])
def test_a_missing_driver_of_a_server_names_the_extra(
    kind: str, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [one for one in sys.modules if one.startswith(f"scalar_tx.storage.{kind}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, driver, None)
    error = refusal(open_storage, StorageSettings(kind, (f"{kind}://h/d",)))
    assert driver in error.message
    assert f"scalar-tx[{kind}]" in error.advice


def test_an_adapter_of_another_distribution(
    install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(outside=OUTSIDE)
    monkeypatch.setenv("SCALAR_TX_DEPTH", "3")
    for target in (
        "outside://a",
        {"scalar.db.storage": "beyond", "scalar.db.outside.depth": "${SCALAR_TX_DEPTH}"},
    ):
        storage = open_storage(load(target).storage)
        assert isinstance(storage, Opened)
    assert Opened.all[1].settings.properties["scalar.db.outside.depth"] == "3"
    assert (
        load("outside://a", {"outside_depth": 4}).storage.properties["scalar.db.outside.depth"]
        == "4"
    )
    assert adapter_of(StorageSettings("jdbc", ("jdbc:outside:x",))) is OUTSIDE
    assert "outside" in registry.kinds()
    assert "outside" in registry.schemes()
    doctor = registry.doctor_of(StorageSettings("outside"))
    assert doctor is not None
    assert doctor() == "well"
    assert registry.doctor_of(StorageSettings("memory")) is None


def test_a_broken_adapter_of_another_distribution_harms_no_other(
    install: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    install(broken=ImportError("no such thing"), wrong="a text", outside=OUTSIDE)
    assert adapter_of(StorageSettings("outside")) is OUTSIDE
    assert "somewhere:broken" in caplog.text
    assert "somewhere:wrong" in caplog.text


def test_a_missing_driver_names_the_extra(
    install: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "needs_driver.py").write_text("import no_such_driver\n")
    (tmp_path / "needs_itself.py").write_text("import needs_itself.part\n")
    install(
        one=Adapter("one", "needs_driver:open", extra="one"),
        two=Adapter("two", "needs_itself:open", extra="two"),
    )
    error = refusal(open_storage, StorageSettings("one"))
    assert "no_such_driver" in error.message
    assert 'pip install "scalar-tx[one]"' in error.advice
    # Its own missing part is a mistake of the adapter, not of the installation.
    with pytest.raises(ModuleNotFoundError):
        open_storage(StorageSettings("two"))


def test_whose_driver_is_missing_and_whose_settings_are_wrong_is_told(
    install: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "needs_driver.py").write_text("import no_such_driver\n")
    install(one=Adapter("one", "needs_driver:open", extra="one"), outside=OUTSIDE)
    second = "scalar.db.multi_storage.storages.b"
    error = refusal(open_storage, load(SEVERAL | {f"{second}.storage": "one"}).storage)
    assert error.message.startswith("storage 'b': ")
    assert "no_such_driver" in error.message
    error = refusal(open_storage, load(SEVERAL | {f"{second}.username": "nobody"}).storage)
    assert error.message.startswith("storage 'b': ")
    assert f"{second}." in error.advice


SEVERAL: dict[str, object] = {
    "scalar.db.storage": "multi-storage",
    "scalar.db.multi_storage.storages": "a,b",
    "scalar.db.multi_storage.storages.a.storage": "outside",
    "scalar.db.multi_storage.storages.b.storage": "outside",
    "scalar.db.multi_storage.default_storage": "a",
    "scalar.db.multi_storage.namespace_mapping": "n:b",
    "scalar.db.multi_storage.table_mapping": "n.t:a",
}


def test_several_storages(install: Callable[..., None]) -> None:
    install(outside=OUTSIDE)
    storage = open_storage(load(SEVERAL).storage)
    assert isinstance(storage, RoutedStorage)
    assert dict(storage.storages) == dict(zip("ab", Opened.all, strict=True))
    assert [storage.info(table).name for table in ("x.y", "n.x", "n.t")] == ["a", "b", "a"]


def test_what_was_opened_in_vain_is_closed(install: Callable[..., None]) -> None:
    install(outside=OUTSIDE)
    settings = load(SEVERAL | {"scalar.db.multi_storage.storages.b.username": "nobody"}).storage
    assert "nobody may not" in refusal(open_storage, settings).message
    assert [one.closed for one in Opened.all] == [True]
    # A name that is not known is found before anything is opened.
    settings = load(SEVERAL | {"scalar.db.multi_storage.storages.b.storage": "nowhere"}).storage
    assert "nowhere" in refusal(open_storage, settings).message
    assert len(Opened.all) == 1


def test_where_the_coordinator_table_is_made_on_first_use(install: Callable[..., None]) -> None:
    install(outside=OUTSIDE)
    creates = registry.creates_coordinator
    assert creates(load("memory://").storage, "coordinator")
    assert creates(load("sqlite:///x.db").storage, "coordinator")
    assert not creates(load("cassandra://x").storage, "coordinator")
    several = load(SEVERAL | {"scalar.db.multi_storage.storages.b.storage": "memory"}).storage
    assert not creates(several, "coordinator")
    assert creates(several, "n")
    mapping = {"scalar.db.multi_storage.table_mapping": "coordinator.state:b"}
    by_table = {"scalar.db.multi_storage.storages.b.storage": "memory"} | mapping
    assert creates(load(SEVERAL | by_table).storage, "coordinator")


def test_every_shipped_adapter_is_where_the_registry_says() -> None:
    shipped = [one for one in registry.adapters() if one.open is not None]
    names = ["memory", "sqlite", "postgresql", "mysql", "cassandra", "dynamo"]
    assert [one.name for one in shipped] == names
    for one in shipped:
        module, _, function = str(one.open).partition(":")
        assert callable(getattr(importlib.import_module(module), function))
    assert isinstance(open_storage(load("memory://").storage), MemoryStorage)

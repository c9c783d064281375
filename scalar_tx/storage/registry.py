"""Which storages are there, and how is one opened?

The only place that lists storages. An adapter is imported when it is asked for, by the name, the
URL scheme or the JDBC URL that the settings hold. Other distributions add adapters by an entry
point of the group ``scalar_tx.storages`` whose object is an ``Adapter``.
"""

from __future__ import annotations

import importlib
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from scalar_tx.errors import SettingsError
from scalar_tx.model.storage_settings import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scalar_tx.model.storage_settings import MultiStorageSettings, StorageSettings
    from scalar_tx.storage.interface import Storage

logger = logging.getLogger("scalar_tx.storage")

ENTRY_POINTS = "scalar_tx.storages"
MULTI_STORAGE = "multi-storage"
# ScalarDB's name for every relational database; the JDBC URL says which it is.
JDBC = "jdbc"


@dataclass(frozen=True, slots=True)
class Adapter:
    """What is known of a storage without importing it. Functions are named ``module:function``.

    ``open`` takes StorageSettings and returns a Storage; None: the name is known, the adapter comes
    with a later version. ``aliases`` are further names, ``schemes`` those of URLs, ``jdbc`` the
    second words of JDBC URLs. ``properties`` are its own, without ``scalar.db.``. ``extra`` is the
    pip extra that brings its driver, ``doctor`` its part of ``scalar-tx doctor``, ``keys`` that of
    ``scalar-tx doctor --keys``: it takes a Storage, a Table and the columns of which one changes
    with every change of a record, and yields ``model.misplaced.LookedAt``. ``demo_server`` is what
    starts a server for a tour. ``creates_coordinator``: the coordinator table is made on first use,
    and so are the library's other own tables.
    """

    name: str
    open: str | None
    aliases: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    jdbc: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    extra: str | None = None
    doctor: str | None = None
    keys: str | None = None
    demo_server: str | None = None
    creates_coordinator: bool = False


_SHIPPED = (
    Adapter(
        "memory",
        "scalar_tx.storage.memory:open_memory",
        schemes=("memory",),
        creates_coordinator=True,
    ),
    Adapter(
        "sqlite",
        "scalar_tx.storage.sqlite:from_settings",
        schemes=("sqlite",),
        jdbc=("sqlite",),
        doctor="scalar_tx.storage.sqlite.doctor:examine",
        creates_coordinator=True,
    ),
    Adapter(
        "postgresql",
        "scalar_tx.storage.postgresql.opening:from_settings",
        aliases=("postgres",),
        schemes=("postgresql", "postgres"),
        jdbc=("postgresql",),
        extra="postgresql",
        demo_server="tests.servers:postgresql",
        doctor="scalar_tx.storage.postgresql.doctor:examine",
    ),
    Adapter(
        "mysql",
        "scalar_tx.storage.mysql.opening:from_settings",
        aliases=("mariadb",),
        schemes=("mysql", "mariadb"),
        jdbc=("mysql", "mariadb"),
        extra="mysql",
        demo_server="tests.servers:mysql",
        doctor="scalar_tx.storage.mysql.doctor:examine",
    ),
    Adapter(
        "cassandra",
        "scalar_tx.storage.cassandra:open_cassandra",
        schemes=("cassandra",),
        properties=(
            "cassandra.local_data_center",
            "cassandra.request_timeout_millis",
            "cassandra.tls.ca_root_cert_path",
            "cassandra.tls.enabled",
        ),
        extra="cassandra",
        demo_server="tests.servers:cassandra",
        doctor="scalar_tx.storage.cassandra.doctor:examine",
    ),
    Adapter(
        "dynamo",
        "scalar_tx.storage.dynamo.storage:from_settings",
        aliases=("dynamodb",),
        schemes=("dynamodb",),
        properties=(
            "dynamo.profile",
            "dynamo.connect_timeout_millis",
            "dynamo.request_timeout_millis",
            "dynamo.transport",
        ),
        extra="dynamodb",
        demo_server="tests.servers:dynamodb",
        doctor="scalar_tx.storage.dynamo.doctor:examine",
        keys="scalar_tx.storage.dynamo.misplaced:look_at_keys",
    ),
)


def open_storage(settings: StorageSettings) -> Storage:
    """Open the storage, or the several storages, that the settings describe.

    SettingsError: the name is not known, the adapter is not there yet, or its driver is missing.
    """
    if settings.multi is not None:
        return _open_several(settings.multi)
    opener = _opener(settings)
    storage: Storage = opener(settings)
    return storage


def adapter_of(settings: StorageSettings) -> Adapter:
    """The adapter that opens a storage; SettingsError if its kind is not known."""
    if settings.kind == JDBC:
        return _of_jdbc_url(settings)
    adapter = _find(lambda one: settings.kind in (one.name, *one.aliases))
    if adapter is None:
        raise SettingsError(
            f"{settings.place}: there is no storage {settings.kind!r}",
            advice=f"The storages are {', '.join(kinds())}",
            code="STX-3028",
        )
    return adapter


def creates_coordinator(settings: StorageSettings, namespace: str) -> bool:
    """Is the coordinator table made on first use, where it lies in this namespace?"""
    return creates_own_tables(settings, f"{namespace}.state")


def creates_own_tables(settings: StorageSettings, table: str) -> bool:
    """Is a table of the library's own made on first use?"""
    if settings.multi is None:
        return adapter_of(settings).creates_coordinator
    return creates_own_tables(settings.multi.storages[settings.multi.holder(table)], table)


def doctor_of(settings: StorageSettings) -> Callable[..., Any] | None:
    """The storage's own part of ``scalar-tx doctor``, if it has one."""
    adapter = adapter_of(settings)
    return None if adapter.doctor is None else _imported(adapter, adapter.doctor, settings.place)


def keys_of(settings: StorageSettings) -> Callable[..., Any] | None:
    """What looks at the key bytes of the storage's records, if they can be wrong there."""
    adapter = adapter_of(settings)
    return None if adapter.keys is None else _imported(adapter, adapter.keys, settings.place)


def kinds() -> list[str]:
    """Every name that ``scalar.db.storage`` takes, aliases left out."""
    return sorted({*(one.name for one in adapters()), JDBC, MULTI_STORAGE})


def schemes() -> list[str]:
    """Every URL scheme of a storage."""
    return sorted({scheme for one in adapters() for scheme in one.schemes})


def kind_of_scheme(scheme: str) -> str | None:
    """The name of the storage that a URL scheme means."""
    if scheme == JDBC:
        return JDBC
    adapter = _find(lambda one: scheme in one.schemes)
    return None if adapter is None else adapter.name


def adapter_properties() -> frozenset[str]:
    """The properties that only an adapter knows, without ``scalar.db.``."""
    return frozenset(name for one in adapters() for name in one.properties)


def adapters() -> tuple[Adapter, ...]:
    """All adapters: those shipped, then those that other distributions add."""
    return (*_SHIPPED, *_installed())


def _open_several(multi: MultiStorageSettings) -> Storage:
    from scalar_tx.storage.routing import RoutedStorage  # one storage is usual

    # All are looked up before any is opened: most mistakes show themselves here.
    openers: dict[str, Callable[[StorageSettings], Storage]] = {}
    for name, one in multi.storages.items():
        with _one_of_several(name):
            openers[name] = _opener(one)
    opened: dict[str, Storage] = {}
    try:
        for name, opener in openers.items():
            with _one_of_several(name):
                opened[name] = opener(multi.storages[name])
    except Exception:
        for storage in opened.values():
            _let_go(storage)
        raise
    return RoutedStorage(
        opened, default=multi.default, namespaces=multi.namespaces, tables=multi.tables
    )


@contextmanager
def _one_of_several(name: str) -> Iterator[None]:
    """Where the settings of one of several storages are wrong, say whose they are."""
    try:
        yield
    except SettingsError as error:
        error.message = f"storage {name!r}: {error.message}"
        own = f"scalar.db.multi_storage.storages.{name}."
        error.advice = f"{error.advice.rstrip('. ')}. What is this storage's own begins with {own}"
        raise


def _let_go(storage: Storage) -> None:
    """Close a storage that was opened in vain."""
    closing = storage.close()
    try:
        closing.send(None)
    except StopIteration:
        return
    except Exception:
        logger.exception("a storage that was opened in vain could not be closed")
    # It wants to wait, and nobody here can: its driver lets go when it is collected.
    closing.close()


def _opener(settings: StorageSettings) -> Callable[[StorageSettings], Storage]:
    adapter = adapter_of(settings)
    if adapter.open is None:
        raise SettingsError(
            f"{settings.place}: the storage {adapter.name!r} comes with a later version",
            advice=f"Until then there are {', '.join(_open_now())}",
            code="STX-3026",
        )
    return _imported(adapter, adapter.open, settings.place)


def _open_now() -> list[str]:
    return sorted(one.name for one in adapters() if one.open is not None)


def _imported(adapter: Adapter, reference: str, place: str) -> Callable[..., Any]:
    module, _, function = reference.partition(":")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        ours = (error.name or "").partition(".")[0] == module.partition(".")[0]
        if adapter.extra is None or ours:
            raise
        raise SettingsError(
            f"{place}: the storage {adapter.name!r} needs the module {error.name}, which is not "
            "installed",
            advice=f'Run: pip install "scalar-tx[{adapter.extra}]"',
            code="STX-3029",
        ) from error
    return found


def _of_jdbc_url(settings: StorageSettings) -> Adapter:
    url = settings.contact_points[0] if settings.contact_points else ""
    words = url.split(":", 2)
    if len(words) < 3 or words[0].lower() != JDBC:
        what = repr(redacted(url)) if url else "missing"
        raise SettingsError(
            f"{settings.place}: the storage is {JDBC}, and its JDBC URL is {what}",
            advice="Set scalar.db.contact_points to a URL such as jdbc:sqlite:shop.db",
        )
    database = words[1].lower()
    adapter = _find(lambda one: database in one.jdbc)
    if adapter is None:
        known = sorted({word for one in adapters() for word in one.jdbc})
        raise SettingsError(
            f"{settings.place}: there is no storage for jdbc:{database}: URLs",
            advice=f"Known are {', '.join(f'jdbc:{word}:' for word in known)}",
            code="STX-3028",
        )
    return adapter


def _find(wanted: Callable[[Adapter], bool]) -> Adapter | None:
    """The first adapter that is wanted; other distributions are asked only if none of ours is."""

    def candidates() -> Iterator[Adapter]:
        yield from _SHIPPED
        yield from _installed()

    return next((one for one in candidates() if wanted(one)), None)


@cache
def _installed() -> tuple[Adapter, ...]:
    from importlib.metadata import entry_points  # takes a while, seldom needed

    found = []
    for point in entry_points(group=ENTRY_POINTS):
        try:
            adapter = point.load()
        except Exception as error:  # noqa: BLE001 - whatever another distribution raises
            logger.warning("the storage adapter %s can't be loaded: %s", point.value, error)
            continue
        if isinstance(adapter, Adapter):
            found.append(adapter)
        else:
            logger.warning("%s is no storage adapter; it is ignored", point.value)
    return tuple(found)

"""Which storage, or which several, do the properties describe? (Storage specification 6)"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from scalar_tx.errors import InvalidOperationError, SettingsError
from scalar_tx.model.storage_settings import (
    ConnectionPoolSettings,
    MultiStorageSettings,
    StorageSettings,
)
from scalar_tx.model.table import split_name
from scalar_tx.settings.keys import PREFIX
from scalar_tx.settings.names import SUB_STORAGES
from scalar_tx.settings.properties_file import Property
from scalar_tx.settings.values import Values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = logging.getLogger("scalar_tx.settings")

MULTI_STORAGE = "multi-storage"
# What this library keeps beside the coordinator's tables, such as outcomes of calls with a key.
OWN_NAMESPACE = "scalar_tx"
# What a file that names no storage means in ScalarDB.
_UNNAMED = "cassandra"

_MULTI = "multi_storage."


def storage_settings(properties: Mapping[str, Property], values: Values) -> StorageSettings:
    """The storage that properties by canonical name describe; ``values`` is their reading."""
    settings = _one(values)
    if settings.kind != MULTI_STORAGE:
        return settings
    multi = _several(properties, values)
    return StorageSettings(
        kind=MULTI_STORAGE,
        scan_fetch_size=settings.scan_fetch_size,
        system_namespace=settings.system_namespace,
        properties=settings.properties,
        multi=multi,
        place=settings.place,
    )


def _one(values: Values, prefix: str = PREFIX) -> StorageSettings:
    kind = values.text("storage")
    if kind is None and not values.words("contact_points"):
        raise SettingsError(
            f"the settings name no storage: {PREFIX}storage is not set",
            advice=f"Set {PREFIX}storage, for example to sqlite, and {PREFIX}contact_points",
        )
    return StorageSettings(
        kind=(kind or _UNNAMED).lower(),
        contact_points=values.words("contact_points"),
        contact_port=values.integer("contact_port"),
        username=values.text("username"),
        password=values.text("password"),
        connection_pool=_pool(values, prefix),
        scan_fetch_size=values.integer_if_set("scan_fetch_size"),
        system_namespace=values.word("system_namespace_name"),
        properties={PREFIX + name: text for name, text in values.texts.items()},
        place=values.place("storage") or f"{PREFIX}storage, by default",
    )


def _pool(values: Values, prefix: str) -> ConnectionPoolSettings:
    sizes: list[int | None] = [
        values.integer(f"connection_pool.{name}")
        if values.names(f"connection_pool.{name}")
        else None
        for name in ("min_idle", "max_idle", "max_total")
    ]
    given = [size for size in sizes if size is not None]
    if given != sorted(given):
        places = [values.place(f"connection_pool.{name}") for name in ("max_total", "max_idle")]
        raise SettingsError(
            f"{places[0] or places[1]}: {prefix}connection_pool.* asks for {given}, which does "
            "not rise",
            advice="min_idle can't be above max_idle, nor max_idle above max_total",
        )
    return ConnectionPoolSettings(*sizes)


def _several(properties: Mapping[str, Property], values: Values) -> MultiStorageSettings:
    names = tuple(dict.fromkeys(values.words(f"{_MULTI}storages")))
    if not names:
        raise SettingsError(
            f"{values.place('storage')}: {PREFIX}storage is {MULTI_STORAGE}, "
            f"and {PREFIX}{_MULTI}storages names none",
            advice=f"List the storages: {PREFIX}{_MULTI}storages=a,b",
        )
    _warn_of_unlisted(properties, names)
    default = values.text(f"{_MULTI}default_storage")
    if default is None:
        raise SettingsError(
            f"{values.place('storage')}: {PREFIX}storage is {MULTI_STORAGE}, "
            f"and {PREFIX}{_MULTI}default_storage is not set",
            advice=f"Set it to one of {', '.join(names)}",
        )
    _expect_defined(default, names, values.place(f"{_MULTI}default_storage"))
    if values.names(f"{_MULTI}table_mapping"):
        logger.warning(
            "%s: %s%stable_mapping is deprecated in ScalarDB; map namespaces",
            values.place(f"{_MULTI}table_mapping"),
            PREFIX,
            _MULTI,
        )
    several = MultiStorageSettings(
        storages={name: _sub_storage(properties, name) for name in names},
        default=default,
        namespaces=_mapping(values, f"{_MULTI}namespace_mapping", names, _expect_namespace),
        tables=_mapping(values, f"{_MULTI}table_mapping", names, split_name),
    )
    return _own_namespace_beside_the_coordinator(several, values)


def _own_namespace_beside_the_coordinator(
    several: MultiStorageSettings, values: Values
) -> MultiStorageSettings:
    """Unless they are mapped, the library's own tables lie where the decisions do."""
    coordinator = values.word("consensus_commit.coordinator.namespace")
    holder = several.holder(f"{coordinator}.state")
    if holder == several.default or OWN_NAMESPACE in several.namespaces:
        return several
    return replace(several, namespaces={**several.namespaces, OWN_NAMESPACE: holder})


def _sub_storage(properties: Mapping[str, Property], name: str) -> StorageSettings:
    """Everything that is not multi-storage's own, overridden by what is given for this one."""
    own = f"{SUB_STORAGES}{name}."
    inherited = {key: one for key, one in properties.items() if not key.startswith(_MULTI)}
    # Inherited, the kind would be multi-storage again.
    outer = inherited.pop("storage", None)
    for key, one in properties.items():
        if key.startswith(own):
            short = key.removeprefix(own)
            inherited[short] = Property(short, one.value, one.place)
    values = Values(inherited)
    kind = values.text("storage")
    if kind is None or kind.lower() == MULTI_STORAGE:
        place = values.place("storage") or (outer.place if outer else "the settings")
        what = "is multi-storage itself" if kind else "names no storage of its own"
        raise SettingsError(
            f"{place}: the storage {name!r} of {PREFIX}{_MULTI}storages {what}",
            advice=f"Set {PREFIX}{own}storage to the storage it is, for example sqlite",
        )
    return _one(values, PREFIX + own)


def _mapping(
    values: Values, key: str, names: tuple[str, ...], expect: Callable[[str], object]
) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for pair in values.words(key):
        what, separator, storage = pair.partition(":")
        what, storage = what.strip(), storage.strip()
        try:
            if not separator:
                raise InvalidOperationError("there is no ':'")
            expect(what)
        except InvalidOperationError as error:
            raise SettingsError(
                f"{values.place(key)}: {PREFIX}{key} holds {pair!r}: {error.message}",
                advice="Write name:storage, the pairs separated by commas",
            ) from error
        _expect_defined(storage, names, values.place(key))
        if mapping.get(what, storage) != storage:
            raise SettingsError(
                f"{values.place(key)}: {PREFIX}{key} maps {what!r} twice",
                advice="Map it to one storage",
            )
        mapping[what] = storage
    return mapping


def _expect_namespace(name: str) -> None:
    if not name or "." in name:
        raise InvalidOperationError(f"{name!r} is not a namespace")


def _expect_defined(storage: str, names: tuple[str, ...], place: str | None) -> None:
    if storage not in names:
        raise SettingsError(
            f"{place}: no storage is named {storage!r}",
            advice=f"{PREFIX}{_MULTI}storages lists {', '.join(names)}",
        )


def _warn_of_unlisted(properties: Mapping[str, Property], names: tuple[str, ...]) -> None:
    listed = tuple(f"{SUB_STORAGES}{name}." for name in names)
    for key, one in properties.items():
        if key.startswith(SUB_STORAGES) and not key.startswith(listed):
            logger.warning(
                "%s: %s%s is for a storage that %s%sstorages does not list; it is ignored",
                one.place,
                PREFIX,
                key,
                PREFIX,
                _MULTI,
            )

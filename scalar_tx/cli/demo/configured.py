"""Which of the storages that settings describe does the tour mean by a name?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.storage_settings import StorageSettings
    from scalar_tx.storage.registry import Adapter

_PREFIX: Final = "scalar.db."
# What describes a storage, and not the transactions over it.
_OF_A_STORAGE: Final = (
    "storage",
    "contact_p",
    "username",
    "password",
    "connection_pool.",
    "system_namespace_name",
    "cassandra.",
    "dynamo.",
    "jdbc.",
)


# What people call it, where ScalarDB's word is another.
_SHOWN: Final = {"dynamo": "dynamodb"}


def canonical(name: str) -> str | None:
    """The tour's name for a storage; None: there is none, or processes can't share it."""
    from scalar_tx.storage import registry

    for adapter in registry.adapters():
        if name in (adapter.name, *adapter.aliases):
            shareable = adapter.name == "sqlite" or adapter.demo_server is not None
            return _SHOWN.get(adapter.name, adapter.name) if shareable else None
    return None


def names() -> list[str]:
    """Every name that a storage of the tour can have."""
    from scalar_tx.storage import registry

    return [name for one in registry.adapters() if (name := canonical(one.name)) is not None]


def adapter_named(name: str) -> Adapter:
    """The adapter of a name of the tour."""
    from scalar_tx.storage import registry

    return next(one for one in registry.adapters() if name in (one.name, *one.aliases))


def described(config: str) -> list[str]:
    """The names of the storages that the settings of a target describe."""
    return list(_each(config))


def properties_of(config: str, storages: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """The properties of each storage of these names, out of the settings of a target.

    SettingsError: the settings describe no storage of one of the names.
    """
    found = _each(config)
    missing = [name for name in storages if name not in found]
    if missing:
        raise SettingsError(
            f"{config} describes {' and '.join(found)}, but not {' and '.join(missing)}",
            advice="Name storages that it describes, or leave --config out: then servers are "
            "started",
        )
    return {name: found[name] for name in storages}


def _each(config: str) -> dict[str, Mapping[str, str]]:
    """The properties of each storage, by the tour's name of its kind; the first of a kind."""
    from scalar_tx.settings import load
    from scalar_tx.storage import registry

    settings = load(config)
    multi = settings.storage.multi
    found: dict[str, Mapping[str, str]] = {}
    for one in [settings.storage] if multi is None else multi.storages.values():
        adapter = registry.adapter_of(one)
        name = canonical(adapter.name)
        if name is None:
            raise SettingsError(
                f"{one.place}: the tour's processes can't share the storage {adapter.name!r}",
                advice=f"Take {', '.join(names())}",
            )
        found.setdefault(name, _described(one))
    return found


def _described(storage: StorageSettings) -> Mapping[str, str]:
    return {
        key: text
        for key, text in storage.properties.items()
        if key.removeprefix(_PREFIX).startswith(_OF_A_STORAGE)
    }

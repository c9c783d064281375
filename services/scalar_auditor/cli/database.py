"""How does a command reach the database itself, beside the nodes or without them?

For operators, who have the nodes' properties and the services' keys.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_auditor.keys import KeyRing
    from scalar_tx.manager_async import AsyncTransactionManager

T = TypeVar("T")


def with_database(config: str | None, work: Callable[[AsyncTransactionManager], Awaitable[T]]) -> T:
    """What ``work`` makes of a manager of the database that a node is started with.

    SettingsError: it names a node, or the driver is missing. StorageUnavailableError: it names an
    embedded database that is not there.
    """
    from scalar_tx.cli.opening import insist_on_existence
    from scalar_tx.errors import SettingsError
    from scalar_tx.settings import load

    settings = load(config)
    if settings.is_node:
        raise SettingsError(
            f"{settings.storage.place} names a node, and this is done in its database",
            advice="Name what the node is started with: --config scalardb.properties",
            code="STX-5314",
        )
    insist_on_existence(settings)
    try:
        from scalar_tx.cluster.opening import open_manager
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"the services need the module {error.name}, which is not installed",
            advice='Run: pip install "scalar-tx[cluster]"',
            code="STX-3029",
        ) from error

    async def opened() -> T:
        manager: Any = open_manager(settings)
        try:
            return await work(manager)
        finally:
            await manager.close()

    return asyncio.run(opened())


def keys_of(file: str | None) -> KeyRing:
    """The services' keys. SettingsError, STX-5301."""
    if file is not None:
        from scalar_auditor.keys import KeyRing

        return KeyRing.read(Path(file))
    from scalar_auditor.parts import keys_of_environment

    return keys_of_environment()

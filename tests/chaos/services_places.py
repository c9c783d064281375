"""Which databases do the five services stand on while their node is killed?"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scalar_auditor.identity.first_admin import make_first_admin
from scalar_schema import read_files
from scalar_tx.connection_async import open_async
from scalar_tx.manager_async import AsyncTransactionManager
from scalar_tx.settings import load
from tests.chaos.node_places import FILE, TOGETHER
from tests.chaos.parts import PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ADMIN: Final = "root@chaos.example"
STORAGES: Final = (FILE, TOGETHER)
_NAMESPACES: Final = Path(__file__).resolve().parents[2] / "namespaces"


@dataclass(frozen=True)
class Stand:
    """A database with the tables of the services in it. ``properties`` name it to a node."""

    target: str
    properties: str
    admin_password: str


def on_a_file(folder: Path) -> Stand:
    """An SQLite file."""
    file = folder / "services.db"
    target = f"sqlite:///{file}"
    return Stand(target, f"scalar.db.contact_points={file}\n", asyncio.run(_prepared(target)))


@contextmanager
def standing_on(storage: str) -> Iterator[Callable[[Path], Stand]]:
    """What makes a database for a run. ServerMissingError: there is no such server here."""
    if storage == FILE:
        yield on_a_file
        return
    with PARTS[storage].servers() as servers:
        # Events lie in DynamoDB, all else and the decisions in Cassandra (Services 1).
        mapping = {"scalar.db.multi_storage.namespace_mapping": "event:dynamo"}
        lines = "".join(
            f"{name}={value}\n" for name, value in {**servers.properties, **mapping}.items()
        )

        def on_servers(folder: Path) -> Stand:
            file = folder / "services.properties"
            file.write_text(lines)
            return Stand(str(file), lines, asyncio.run(_prepared(str(file))))

        yield on_servers


async def _prepared(target: str) -> str:
    """The tables, and the first admin's password."""
    manager = AsyncTransactionManager(load(target), open_async)
    try:
        await manager.admin.create_coordinator_tables(if_not_exists=True)
        for one in read_files(sorted(_NAMESPACES.glob("*.json"))):
            await manager.admin.create_table(one.name, one.schema, if_not_exists=True)
        return await make_first_admin(manager, ADMIN)
    finally:
        await manager.close()

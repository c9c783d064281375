"""Which databases do nodes stand on whose processes are killed?"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import scalar_tx
from tests.chaos.bank import TABLES
from tests.chaos.parts import PARTS
from tests.chaos.places import FilePlace, ServerPlace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.chaos.places import Place

    # Makes a database with nothing in it yet, for one run; and says where it is to a node.
    Where = Callable[[Path], tuple[Place, str]]

FILE: Final = "sqlite"
TOGETHER: Final = "multi"  # Cassandra and DynamoDB Local in one transaction
CALMLY: Final = 8.0  # the pace there: their workers take long to begin, and their commits too
STORAGES: Final = (FILE, "postgresql", TOGETHER)


def on_a_file(folder: Path) -> tuple[Place, str]:
    """An SQLite file there, and the properties of a node on it."""
    file = folder / "chaos.db"
    return FilePlace(file), f"scalar.db.contact_points={file}\n"


def on_a_server(folder: Path, properties: Mapping[str, str]) -> tuple[Place, str]:
    """The same on servers that run already; what the run before has left there goes."""
    lines = "".join(f"{name}={value}\n" for name, value in properties.items())
    before = folder / "before.properties"
    before.write_text(lines)
    with scalar_tx.connect(str(before)) as db:
        for table in TABLES:
            db.admin.drop_table(table, if_exists=True)
        db.admin.drop_coordinator_tables(if_exists=True)
    return ServerPlace(folder / "scalardb.properties", properties, {}), lines


@contextmanager
def nodes_on(storage: str) -> Iterator[Where]:
    """What makes a database for each run. ServerMissingError: there is no such server here."""
    if storage == FILE:
        yield on_a_file
        return
    with PARTS[storage].servers() as servers:
        yield partial(on_a_server, properties=servers.properties)

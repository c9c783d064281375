"""What does the suite need to know about the storage it judges?"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from scalar_tx.storage.conformance.runners import BlockingRunner, LoopRunner, Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from scalar_tx.model.types import DataType
    from scalar_tx.storage.interface import Storage


class Role(Enum):
    """What a column of some type may be used for."""

    COLUMN = "column"
    PARTITION_KEY = "partition key"
    CLUSTERING_KEY = "clustering key"
    INDEX = "index"


class Change(Enum):
    """A change of a table that some storages have no means for."""

    DROP = "drop columns"
    RENAME = "rename columns outside the key"
    RENAME_KEY = "rename columns of the key"
    TYPES = "widen the types of columns"
    RENAME_TABLE = "rename a table"


@dataclass(frozen=True)
class Place:
    """Where a storage is to be opened: an empty folder of its own, and who will call it."""

    folder: Path
    runner: Runner


@dataclass(frozen=True)
class Subject:
    """One storage under test.

    ``open`` opens a storage which holds no tables of the namespaces ``conformance…``. ``reopen``
    opens the same data again, after the first was closed and also beside it; None where nothing
    outlives the storage. ``unsupported`` names types that the database can't use in a role: making
    such a table must then be refused. ``refuses`` names the changes of a table that it can't make.
    ``exclusions`` maps the name of a test to the reason why
    this storage does not pass it. ``remembers_empty_namespaces`` is False where a namespace is
    known by its tables only. ``keeps_tables``: where making a table takes long, the shared ones
    stay for the next runner, and whoever stops the server takes them away.
    """

    open: Callable[[Place], Storage]
    reopen: Callable[[Place], Storage] | None = None
    runners: tuple[Callable[[], Runner], ...] = (BlockingRunner, LoopRunner)
    unsupported: frozenset[tuple[DataType, Role]] = frozenset()
    refuses: frozenset[Change] = frozenset()
    exclusions: Mapping[str, str] = field(default_factory=dict)
    remembers_empty_namespaces: bool = True
    keeps_tables: bool = False
    racers: int = 4  # how many threads or tasks compete in a race
    race_rounds: int = 12  # how often each of them must win

    def supports(self, data_type: DataType, role: Role) -> bool:
        """May a column of that type be used so? A key or an index must be able to be a column."""
        return not {(data_type, role), (data_type, Role.COLUMN)} & self.unsupported

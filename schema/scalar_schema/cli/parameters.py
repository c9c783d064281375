"""The parameters that several commands take, and what of them goes to the storage."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

STORAGE_OPTIONS: Final = "Options of the storage"


class ReplicationStrategy(StrEnum):
    """How Cassandra places replicas."""

    SIMPLE = "SimpleStrategy"
    NETWORK_TOPOLOGY = "NetworkTopologyStrategy"


class CompactionStrategy(StrEnum):
    """How Cassandra merges files."""

    SIZE_TIERED = "STCS"
    LEVELED = "LCS"
    TIME_WINDOW = "TWCS"


Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE…", help="Schema files (JSON, as ScalarDB's loader reads them)."),
]
Config = Annotated[
    str | None,
    typer.Option(
        "--config",
        "-c",
        metavar="P",
        help="A properties file or a URL. Without it: ./scalardb.properties if there is one, "
        "else sqlite:///scalar_tx.db.",
        show_default=False,
    ),
]
Coordinator = Annotated[
    bool, typer.Option("--coordinator", help="The coordinator's table (of decisions), too.")
]
KeyedOutcomes = Annotated[
    bool,
    typer.Option("--outcome", help="The table of results of calls with a key, scalar_tx.outcome."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Replication = Annotated[
    ReplicationStrategy | None,
    typer.Option("--replication-strategy", help="Cassandra.", rich_help_panel=STORAGE_OPTIONS),
]
ReplicationFactor = Annotated[
    int | None,
    typer.Option("--replication-factor", min=1, help="Cassandra.", rich_help_panel=STORAGE_OPTIONS),
]
Compaction = Annotated[
    CompactionStrategy | None,
    typer.Option("--compaction-strategy", help="Cassandra.", rich_help_panel=STORAGE_OPTIONS),
]
RequestUnits = Annotated[
    int | None,
    typer.Option("--ru", min=1, help="DynamoDB: request units.", rich_help_panel=STORAGE_OPTIONS),
]
NoScaling = Annotated[
    bool,
    typer.Option("--no-scaling", help="DynamoDB: no scaling.", rich_help_panel=STORAGE_OPTIONS),
]
NoBackup = Annotated[
    bool,
    typer.Option(
        "--no-backup", help="DynamoDB: no continuous backup.", rich_help_panel=STORAGE_OPTIONS
    ),
]


def storage_options(
    replication: ReplicationStrategy | None,
    factor: int | None,
    compaction: CompactionStrategy | None,
    units: int | None,
    *,
    no_scaling: bool,
    no_backup: bool,
) -> dict[str, str]:
    """The options that were given, as texts under ScalarDB's names."""
    given = {
        "replication-strategy": None if replication is None else replication.value,
        "replication-factor": None if factor is None else str(factor),
        "compaction-strategy": None if compaction is None else compaction.value,
        "ru": None if units is None else str(units),
        "no-scaling": "true" if no_scaling else None,
        "no-backup": "true" if no_backup else None,
    }
    return {name: value for name, value in given.items() if value is not None}

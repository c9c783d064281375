"""``apply``, ``plan``, ``delete``, ``repair``, ``upgrade``, ``import``: one function each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from scalar_schema.cli.parameters import (
    Compaction,
    Config,
    Coordinator,
    DryRun,
    Files,
    Json,
    KeyedOutcomes,
    NoBackup,
    NoScaling,
    Replication,
    ReplicationFactor,
    RequestUnits,
    storage_options,
)
from scalar_schema.cli.run import Request, run
from scalar_schema.plan import Mode

Alter = Annotated[
    bool,
    typer.Option(
        "--alter", help="Bring tables that exist to what the files say: new columns, indexes."
    ),
]


def apply(
    *,
    files: Files = None,
    config: Config = None,
    coordinator: Coordinator = False,
    outcome: KeyedOutcomes = False,
    alter: Alter = False,
    dry_run: DryRun = False,
    json: Json = False,
    replication_strategy: Replication = None,
    replication_factor: ReplicationFactor = None,
    compaction_strategy: Compaction = None,
    ru: RequestUnits = None,
    no_scaling: NoScaling = False,
    no_backup: NoBackup = False,
) -> None:
    """Make the namespaces and tables that are missing. May be run again at any time."""
    end(
        Request(
            Mode.ALTER if alter else Mode.CREATE,
            some(files, coordinator=coordinator, outcome=outcome),
            config,
            coordinator,
            dry_run,
            json,
            storage_options(
                replication_strategy,
                replication_factor,
                compaction_strategy,
                ru,
                no_scaling=no_scaling,
                no_backup=no_backup,
            ),
            outcome=outcome,
        )
    )


def plan(
    *,
    files: Files = None,
    config: Config = None,
    coordinator: Coordinator = False,
    outcome: KeyedOutcomes = False,
    alter: Alter = False,
    json: Json = False,
) -> None:
    """Say what apply would do, and how tables that exist differ from the files."""
    mode = Mode.ALTER if alter else Mode.CREATE
    chosen = some(files, coordinator=coordinator, outcome=outcome)
    end(Request(mode, chosen, config, coordinator, dry_run=True, as_json=json, outcome=outcome))


def delete(
    *,
    files: Files = None,
    config: Config = None,
    coordinator: Coordinator = False,
    outcome: KeyedOutcomes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Remove the files' tables with all records, and namespaces that are left empty."""
    chosen = some(files, coordinator=coordinator, outcome=outcome)
    end(Request(Mode.DELETE, chosen, config, coordinator, dry_run, json, outcome=outcome))


def repair(
    *,
    files: Files = None,
    config: Config = None,
    coordinator: Coordinator = False,
    outcome: KeyedOutcomes = False,
    dry_run: DryRun = False,
    json: Json = False,
    replication_strategy: Replication = None,
    replication_factor: ReplicationFactor = None,
    compaction_strategy: Compaction = None,
    ru: RequestUnits = None,
    no_scaling: NoScaling = False,
    no_backup: NoBackup = False,
) -> None:
    """Make whatever is missing of tables: columns, indexes, metadata. Nothing is removed."""
    end(
        Request(
            Mode.REPAIR,
            some(files, coordinator=coordinator, outcome=outcome),
            config,
            coordinator,
            dry_run,
            json,
            storage_options(
                replication_strategy,
                replication_factor,
                compaction_strategy,
                ru,
                no_scaling=no_scaling,
                no_backup=no_backup,
            ),
            outcome=outcome,
        )
    )


def import_(
    *,
    files: Files = None,
    config: Config = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make tables that another program made usable for transactions, with their records.

    A file holds {"namespace.table": {}}, and may choose types by "override-columns-type".
    """
    end(
        Request(
            Mode.IMPORT, some(files, coordinator=False, outcome=False), config, False, dry_run, json
        )
    )


def upgrade(*, config: Config = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Make what tables of older releases of ScalarDB lack: indexes, coordinator columns."""
    end(Request(Mode.UPGRADE, (), config, False, dry_run, json))


def some(files: Sequence[Path] | None, *, coordinator: bool, outcome: bool) -> Sequence[Path]:
    """The files; at least one, unless a table of the library's own is all that is wanted."""
    if not files and not coordinator and not outcome:
        raise typer.BadParameter("name a schema file, or say --coordinator or --outcome")
    return files or ()


def end(request: Request) -> None:
    """Run, and end with its exit code."""
    raise typer.Exit(run(request))


def register(target: typer.Typer) -> typer.Typer:
    """Give a command these subcommands."""
    for command in (apply, plan, delete, repair, upgrade):
        target.command()(command)
    target.command("import")(import_)
    return target


app = register(
    typer.Typer(
        help="Make, alter, repair and remove the tables of schema files.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
)

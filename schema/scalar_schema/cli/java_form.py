"""The options of ScalarDB's own loader, without a subcommand (Storage specification 8.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalar_schema.cli.parameters import (
    Compaction,
    Config,
    Coordinator,
    DryRun,
    Json,
    KeyedOutcomes,
    NoBackup,
    NoScaling,
    Replication,
    ReplicationFactor,
    RequestUnits,
    storage_options,
)
from scalar_schema.cli.run import Request
from scalar_schema.cli.subcommands import end, register, some
from scalar_schema.plan import Mode

_PANEL = "Modes (at most one; without one: make what is missing)"

SchemaFile = Annotated[
    Path | None,
    typer.Option("--schema-file", "-f", help="The schema file.", show_default=False),
]
DeleteAll = Annotated[
    bool, typer.Option("--delete-all", "-D", help="Delete tables.", rich_help_panel=_PANEL)
]
RepairAll = Annotated[
    bool,
    typer.Option("--repair-all", help="Repair tables; needs -f.", rich_help_panel=_PANEL),
]
Alter = Annotated[
    bool, typer.Option("--alter", "-A", help="Alter tables; needs -f.", rich_help_panel=_PANEL)
]
Import = Annotated[
    bool,
    typer.Option("--import", "-I", help="Import tables; needs -f.", rich_help_panel=_PANEL),
]

loader = typer.Typer(
    help="Make, alter, repair and remove the tables of schema files. Use a subcommand, or the "
    "options of ScalarDB's own loader without one: scalar-schema --config P -f FILE --coordinator",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@loader.callback(invoke_without_command=True)
def load(
    context: typer.Context,
    *,
    config: Config = None,
    schema_file: SchemaFile = None,
    delete_all: DeleteAll = False,
    repair_all: RepairAll = False,
    alter: Alter = False,
    import_: Import = False,
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
    """Do what the options say, unless a subcommand is named."""
    if context.invoked_subcommand is not None:
        if any(value not in {None, False} for value in context.params.values()):
            raise typer.BadParameter(
                f"options go behind the subcommand: scalar-schema {context.invoked_subcommand} …"
            )
        return
    modes = {
        "--delete-all": (delete_all, Mode.DELETE),
        "--repair-all": (repair_all, Mode.REPAIR),
        "--alter": (alter, Mode.ALTER),
        "--import": (import_, Mode.IMPORT),
    }
    chosen = [name for name, (given, _) in modes.items() if given]
    if len(chosen) > 1:
        raise typer.BadParameter(f"{' and '.join(chosen)} exclude each other")
    if chosen and chosen[0] != "--delete-all" and schema_file is None:
        raise typer.BadParameter(f"{chosen[0]} needs a schema file: add -f FILE")
    if import_ and coordinator:
        raise typer.BadParameter("--import goes without --coordinator")
    mode = modes[chosen[0]][1] if chosen else Mode.CREATE
    options = storage_options(
        replication_strategy,
        replication_factor,
        compaction_strategy,
        ru,
        no_scaling=no_scaling,
        no_backup=no_backup,
    )
    end(
        Request(
            mode,
            some([schema_file] if schema_file else None, coordinator=coordinator, outcome=outcome),
            config,
            coordinator,
            dry_run,
            json,
            {} if mode is Mode.DELETE else options,
            outcome,
        )
    )


register(loader)

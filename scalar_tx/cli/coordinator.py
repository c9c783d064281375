"""``scalar-tx coordinator``: how large is the table of decisions, and what of it can go?"""

from __future__ import annotations

from typing import Annotated

import typer

from scalar_tx.cli.failures import ENVIRONMENT
from scalar_tx.cli.options import Config, Json

app = typer.Typer(
    help="Look at the table of decisions, and remove what nobody needs any more.",
    no_args_is_help=True,
)


@app.command(name="status")
def status(config: Config = None, json: Json = False) -> None:
    """Print how many decisions are on record, how old, and which could be removed.

    Reads the whole table, and some records of each other one.
    """
    from scalar_tx.cli.coordinator_status import print_status, status_of
    from scalar_tx.cli.opening import opened

    with opened(config, looking=True) as parts:
        found = status_of(parts)
    print_status(found, json=json)


@app.command(name="clean")
def clean(
    *,
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="AGE", help="90s, 30m, 24h or 7d.")
    ] = "24h",
    allow_young: Annotated[
        bool, typer.Option("--allow-young", help="Let AGE be less than 24h.")
    ] = False,
    no_older_java: Annotated[
        bool,
        typer.Option(
            "--no-older-java",
            help="Say that no ScalarDB before 3.19 reads or writes these tables.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, say what would be removed.")
    ] = False,
    rate: Annotated[
        float | None,
        typer.Option("--rate", metavar="N", help="Remove at most N rows a second."),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="ID", help="Go on where another run was stopped."),
    ] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Settle the records of old decided transactions and remove their decisions.

    Rows stay that don't tell which records were written. It may be stopped, and run again, at any
    time, beside running programs.
    """
    from scalar_tx.cli.coordinator_clean import Wanted, cleaned, print_cleaned
    from scalar_tx.cli.opening import opened

    wanted = Wanted.checked(
        older_than=older_than,
        allow_young=allow_young,
        no_older_java=no_older_java,
        dry_run=dry_run,
        rate=rate,
        after=after,
    )
    with opened(config, looking=dry_run) as parts:
        found = cleaned(parts, wanted)
    print_cleaned(found, json=json)
    if not found.whole:
        raise typer.Exit(ENVIRONMENT)

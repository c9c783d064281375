"""``scalar-auditor check``: does a database hold what the services promise?"""

from __future__ import annotations

from typing import Annotated

import typer

from scalar_auditor.cli.options import KeysFile
from scalar_tx.cli.options import Config, Json


def check(
    *,
    config: Config = None,
    keys: KeysFile = None,
    anchor: Annotated[
        str | None,
        typer.Option(
            "--anchor", metavar="FILE", help="Heads that histories must have; or s3://bucket/key."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Check all tables of the services against one another; nothing is changed.

    TARGET is what the node is started with; nodes may run meanwhile. Exit code 1: something is not
    as it has to be.
    """
    from scalar_auditor import check as checks
    from scalar_auditor.cli.database import keys_of, with_database
    from scalar_tx.cli.output import console, print_json

    ring = keys_of(keys)
    screen = console(errors=True)
    with screen.status("checking") as status:
        report = with_database(
            config,
            lambda manager: checks.check(
                manager,
                ring,
                anchor=anchor,
                progress=lambda name, count: status.update(f"checking {name}: {count} findings"),
            ),
        )
    if json:
        print_json(
            {name: {"count": one.count, "findings": one.texts} for name, one in report.items()}
        )
    else:
        for name, one in report.items():
            typer.echo(f"{name}: {f'{one.count} findings' if one.count else 'as it has to be'}")
            for text in one.texts:
                typer.echo(f"  {text}")
    if any(one.count for one in report.values()):
        raise typer.Exit(1)

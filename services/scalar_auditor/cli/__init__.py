"""The command line ``scalar-auditor``: one file a command.

Command modules are light; each imports what it needs when it runs, so that ``--help`` opens
nothing.
"""

from __future__ import annotations

from typing import Annotated

import typer

from scalar_auditor.cli import (
    admin,
    anchor,
    check,
    copy_namespace,
    events,
    export,
    groups,
    import_events,
    items,
    keys,
    login,
    logout,
    reset_code,
    reset_password,
    sample,
    sets,
    tables,
    users,
    verify,
    verify_set,
    whoami,
)
from scalar_auditor.cli.demo import demo
from scalar_auditor.cli.failures import AuditorCommands

app = typer.Typer(
    name="scalar-auditor",
    cls=AuditorCommands,
    help="What happened to files, who may look at them, and were they altered?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from scalar_tx import __version__

        print(f"scalar-auditor {__version__}")
        raise typer.Exit


@app.callback()
def _whole(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it and end."),
    ] = False,
) -> None:
    del version  # its callback has done everything


app.command(name="login")(login.login)
app.command(name="logout")(logout.logout)
app.command(name="reset-password")(reset_password.reset_password)
app.command(name="whoami")(whoami.whoami)
app.add_typer(sets.app, name="sets")
app.add_typer(groups.app, name="groups")
app.add_typer(items.app, name="items")
app.command(name="verify")(verify.verify)
app.command(name="verify-set")(verify_set.verify_set)
app.add_typer(events.app, name="events")
app.add_typer(users.app, name="users")
app.command(name="export")(export.export)
app.command(name="import")(import_events.import_events)
app.add_typer(keys.app, name="keys")
app.command(name="admin")(admin.admin)
app.command(name="reset-code")(reset_code.reset_code)
app.command(name="check")(check.check)
app.command(name="anchor")(anchor.anchor)
app.command(name="copy-namespace")(copy_namespace.copy_namespace)
app.command(name="tables")(tables.tables)
app.command(name="sample")(sample.sample)
app.command(name="demo")(demo)


def main() -> None:
    """Run the command line with the arguments of this process."""
    app(prog_name="scalar-auditor")

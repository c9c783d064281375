"""The command line ``scalar-tx``: one file a command.

Command modules are light; each imports what it needs when it runs, so that ``--help`` opens
nothing.
"""

from __future__ import annotations

from typing import Annotated

import typer

from scalar_tx.cli import (
    check,
    check_data,
    coordinator,
    doctor,
    inspect,
    node,
    pause,
    recover,
    schema,
    settle,
    state,
    status,
    unpause,
    user,
)
from scalar_tx.cli.demo import demo
from scalar_tx.cli.failures import Commands

app = typer.Typer(
    name="scalar-tx",
    cls=Commands,
    help="ACID transactions over several databases: look at them, settle them, check them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from scalar_tx import __version__

        print(f"scalar-tx {__version__}")
        raise typer.Exit


@app.callback()
def _whole(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it and end."),
    ] = False,
) -> None:
    del version  # its callback has done everything


app.command(name="demo")(demo)
app.command(name="schema", **schema.PASSES_ALL_ON)(schema.schema)
app.command(name="inspect")(inspect.inspect)
app.command(name="recover")(recover.recover)
app.command(name="state")(state.state)
app.command(name="settle")(settle.settle)
app.add_typer(coordinator.app, name="coordinator")
app.command(name="doctor")(doctor.doctor)
app.command(name="check")(check.check)
app.command(name="check-data")(check_data.check_data)
app.command(name="node")(node.node)
app.command(name="pause")(pause.pause)
app.command(name="unpause")(unpause.unpause)
app.command(name="status")(status.status)
app.add_typer(user.app, name="user")


def main() -> None:
    """Run the command line with the arguments of this process."""
    app(prog_name="scalar-tx")

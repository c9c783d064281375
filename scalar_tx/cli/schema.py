"""``scalar-tx schema``: the schema loader, which has a command line of its own."""

from __future__ import annotations

from typing import Any, Final

import typer

# What follows is the loader's: its own options and --help, too.
PASSES_ALL_ON: Final[dict[str, Any]] = {
    "context_settings": {
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
    "add_help_option": False,
}


def schema(context: typer.Context) -> None:
    """Make, compare, repair and remove tables from schema files."""
    from typer.main import get_command

    from scalar_tx.errors import ScalarTxError

    try:
        from scalar_schema.cli import app
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "scalar_schema":
            raise
        raise ScalarTxError(
            "the schema loader is not installed beside this library",
            advice="Install the whole distribution: pip install scalar-tx, or pip install -e . in "
            "a checkout",
        ) from error
    get_command(app).main(args=context.args, prog_name="scalar-tx schema")

"""How does a command end that could not do its work?

Exit code 1: the environment is in the way. 2: the command was used wrongly. Never a traceback for
an error that the library raises on purpose.
"""

from __future__ import annotations

from typing import Any, Final

import typer
from typer.core import TyperGroup

from scalar_tx.errors import (
    InvalidOperationError,
    ScalarTxError,
    SettingsError,
    TransactionNotFoundError,
)

ENVIRONMENT: Final = 1
WRONG_USE: Final = 2

_WRONG_USES: Final = (InvalidOperationError, SettingsError, TransactionNotFoundError)
# A coordinator table, an adapter or a driver that is not there is no mistake in the command, nor
# are others that are at work, or listen on a port.
_OF_THE_ENVIRONMENT: Final = {"STX-3040", "STX-3026", "STX-3029", "STX-3057", "STX-5000"}


def exit_code(error: ScalarTxError) -> int:
    """The exit code for an error of the library."""
    if isinstance(error, _WRONG_USES) and error.code not in _OF_THE_ENVIRONMENT:
        return WRONG_USE
    return ENVIRONMENT


def report(error: ScalarTxError) -> None:
    """Say on standard error what happened and what to do next."""
    where = f" (transaction {error.transaction_id})" if error.transaction_id else ""
    typer.secho(f"Error: {error.message.rstrip('. ')}{where}", err=True, fg="red")
    typer.echo(f"What to do: {error.advice.rstrip('. ')}. [{error.code}]", err=True)


class Commands(TyperGroup):
    """The group of all commands: turns the library's errors into messages and exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except ScalarTxError as error:
            report(error)
            raise typer.Exit(exit_code(error)) from error

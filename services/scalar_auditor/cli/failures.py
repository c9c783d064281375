"""How does a command end that could not do its work?

As those of ``scalar-tx``: exit code 1 where something is in the way, 2 where the command can't be
right; what happened and what to do next are said on standard error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import typer

from scalar_tx.cli.failures import ENVIRONMENT, WRONG_USE, Commands

if TYPE_CHECKING:
    from scalar_auditor.client.errors import AuditorError

_WRONG_USES: Final = {"INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION"}


class AuditorCommands(Commands):
    """The group of all commands: turns errors into messages and exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, SystemExit, KeyboardInterrupt):
            raise
        except Exception as error:
            raise typer.Exit(_told(error)) from error


def _told(error: Exception) -> int:
    """Say what a service refused; the exit code. Another error is raised again."""
    from scalar_auditor.client.errors import AuditorError
    from scalar_auditor.errors import ServiceError

    if isinstance(error, ServiceError):  # of a command on the database itself
        error = AuditorError(error.message, code=error.status.name, reason=error.reason)
    if not isinstance(error, AuditorError):
        raise error
    report(error)
    return WRONG_USE if error.code in _WRONG_USES else ENVIRONMENT


def report(error: AuditorError) -> None:
    """Say on standard error what happened and what to do next."""
    typer.secho(f"Error: {error.message.rstrip('. ')}", err=True, fg="red")
    names = f"{error.code} {error.reason}".strip()
    typer.echo(f"What to do: {error.advice.rstrip('. ')}. [{names}]", err=True)

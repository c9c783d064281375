"""``scalar-auditor users service-token``: how does a program such as an importer prove itself?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from scalar_auditor.cli import output
from scalar_auditor.cli.calling import calling
from scalar_tx.cli.options import Json

if TYPE_CHECKING:
    from scalar_auditor.client import AuditorClient

app = typer.Typer(help="Tokens of services, such as an importer.", no_args_is_help=True)

Name: TypeAlias = Annotated[
    str, typer.Argument(metavar="NAME", help="Of the service.", show_default=False)
]
_DAY: Final = 86_400  # seconds


@app.command(name="create")
@calling
def create(
    name: Name,
    *,
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How long it is good.")] = 90,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Make a token and print it; it is shown only now.

    A program gives it as SCALAR_AUDITOR_TOKEN in its environment.
    """
    made = client.identity.create_service_token(name=name, lifetime_seconds=days * _DAY)
    output.show(made, json=json)


@app.command(name="revoke")
@calling
def revoke(
    name: Name,
    *,
    token_id: Annotated[
        str, typer.Option("--token-id", metavar="ID", help="Only that one. Else: all of NAME.")
    ] = "",
    client: AuditorClient,
    json: Json = False,
) -> None:
    """End tokens, within five seconds."""
    client.identity.revoke_service_token(name=name, token_id=token_id)
    output.say("revoked", {"name": name, "token_id": token_id or "all"}, json=json)

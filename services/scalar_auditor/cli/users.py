"""``scalar-auditor users``: who may log in, and as what?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from scalar_auditor.cli import output, service_token
from scalar_auditor.cli.calling import calling
from scalar_auditor.cli.options import Email, Limit
from scalar_tx.cli.options import Json
from scalar_tx.cli.user_calls import Generate, NewPasswordFile

if TYPE_CHECKING:
    from scalar_auditor.client import AuditorClient

app = typer.Typer(
    help="Accounts and roles, for an AUDIT_ADMIN. Passwords are never arguments.",
    no_args_is_help=True,
)
app.add_typer(service_token.app, name="service-token")

RoleName: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="ROLE", help="AUDIT_ADMIN, GENERAL_USER, EXTERNAL_AUDITOR.", show_default=False
    ),
]
Organization: TypeAlias = Annotated[
    str, typer.Option("--organization", metavar="ORG", help="An organisation's id.")
]


@app.command(name="list")
@calling
def list_users(
    organization: Annotated[
        str, typer.Argument(metavar="ORG", help="An organisation's id.", show_default=False)
    ],
    *,
    limit: Limit = 100,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Print the people of an organisation."""
    output.show_all(
        client.identity.list_users(org_id=organization),
        ("user_email", "name", "status"),
        json=json,
        limit=limit,
        empty="There is nobody in it.",
    )


@app.command(name="show")
@calling
def show(email: Email, *, client: AuditorClient, json: Json = False) -> None:
    """Print an account."""
    output.show(client.identity.get_user(user_email=email), json=json)


@app.command(name="add")
@calling
def add(
    email: Email,
    *,
    name: Annotated[
        str | None, typer.Option("--name", help="Their name. Else: the e-mail address.")
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="ROLE", help="May be given several times: GENERAL_USER."),
    ] = None,
    external: Annotated[bool, typer.Option("--external", help="Somebody from outside.")] = False,
    organization: Organization = "",
    generate: Generate = False,
    new_password_file: NewPasswordFile = None,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Make an account."""
    from scalar_tx.cli import passwords

    secret, shown = passwords.chosen(email, new_password_file, generate=generate)
    roles = [one.upper() for one in role or ["GENERAL_USER"]]
    client.identity.register_user(
        user_email=email,
        name=name or email,
        password=secret,
        user_type="EXTERNAL" if external else "INTERNAL",
        org_id=organization,
        roles=roles,
    )
    said: dict[str, Any] = {
        "user_email": email.lower(),
        "roles": roles if json else " ".join(roles),
    }
    output.say("added", {**said, **shown}, json=json)


@app.command(name="role")
@calling
def role(
    email: Email,
    name: RoleName,
    *,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take it away.")] = False,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Give somebody a role, or take it away."""
    change = client.identity.revoke_role if revoke else client.identity.assign_role
    output.show(change(user_email=email, role=name.upper()), json=json)


@app.command(name="delete")
@calling
def delete(
    email: Email,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Delete an account, and whatever names it but what happened."""
    if not yes:
        typer.confirm(f"Delete the account {email}?", abort=True, err=True)
    client.identity.delete_user(user_email=email)
    output.say("deleted", {"user_email": email}, json=json)


@app.command(name="password")
@calling
def password(
    *,
    password_file: Annotated[
        str | None,
        typer.Option(
            "--password-file",
            metavar="FILE",
            help="The password until now. Else: SCALAR_TX_PASSWORD, or it is asked for.",
        ),
    ] = None,
    new_password_file: NewPasswordFile = None,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Set your own password."""
    from scalar_tx.cli import passwords

    old = passwords.to_log_in("yours until now", password_file, None)
    client.identity.change_password(
        old_password=old, new_password=passwords.new("yours", new_password_file)
    )
    output.say("password set", {}, json=json)


@app.command(name="add-organization")
@calling
def add_organization(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    *,
    chosen: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Its id; else one is made up.")
    ] = None,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Make an organisation."""
    output.show(client.identity.create_organization(name=name, org_id=chosen), json=json)


@app.command(name="organizations")
@calling
def organizations(*, limit: Limit = 100, client: AuditorClient, json: Json = False) -> None:
    """Print all organisations."""
    output.show_all(
        client.identity.list_organizations(),
        ("org_id", "name", "active", "admin_email"),
        json=json,
        limit=limit,
        empty="There is none.",
    )

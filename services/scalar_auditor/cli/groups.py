"""``scalar-auditor groups``: who looks at audit sets together?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from scalar_auditor.cli import output
from scalar_auditor.cli.calling import calling
from scalar_auditor.cli.options import Email, Limit
from scalar_tx.cli.options import Json

if TYPE_CHECKING:
    from scalar_auditor.client import AuditorClient

app = typer.Typer(help="Audit groups: people who reach sets together.", no_args_is_help=True)

GroupId: TypeAlias = Annotated[
    str, typer.Argument(metavar="GROUP", help="An audit group's id.", show_default=False)
]


@app.command(name="list")
@calling
def list_groups(*, limit: Limit = 100, client: AuditorClient, json: Json = False) -> None:
    """Print the groups that you are in."""
    output.show_all(
        client.audit.list_audit_groups(),
        ("audit_group_id", "name", "privilege", "owner_email"),
        json=json,
        limit=limit,
        empty="There is none. Make one: scalar-auditor groups create NAME",
    )


@app.command(name="create")
@calling
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    *,
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
    chosen: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Its id; else one is made up.")
    ] = None,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Make a group that you own."""
    made = client.audit.create_audit_group(
        name=name, description=description, audit_group_id=chosen
    )
    output.show(made, json=json)


@app.command(name="update")
@calling
def update(
    group: GroupId,
    *,
    name: Annotated[str | None, typer.Option("--name", help="Its name from now on.")] = None,
    description: Annotated[
        str | None, typer.Option("--description", help="Its description from now on.")
    ] = None,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Rename or describe a group; what is not given stays."""
    changed = client.audit.update_audit_group(
        audit_group_id=group, name=name, description=description
    )
    output.show(changed, json=json)


@app.command(name="delete")
@calling
def delete(
    group: GroupId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Delete a group; its members reach its sets no more."""
    if not yes:
        typer.confirm(f"Delete the audit group {group}?", abort=True, err=True)
    client.audit.delete_audit_group(audit_group_id=group)
    output.say("deleted", {"audit_group_id": group}, json=json)


@app.command(name="people")
@calling
def people(
    group: GroupId, *, limit: Limit = 100, client: AuditorClient, json: Json = False
) -> None:
    """Print who is in a group."""
    output.show_all(
        client.audit.list_group_members(audit_group_id=group),
        ("user_email", "privilege", "added_at"),
        json=json,
        limit=limit,
        empty="There is nobody.",
    )


@app.command(name="add-person")
@calling
def add_person(
    group: GroupId,
    email: Email,
    privilege: Annotated[str, typer.Argument(metavar="PRIVILEGE", help="OWNER or MEMBER.")] = (
        "MEMBER"
    ),
    *,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Let somebody into a group."""
    made = client.audit.add_group_member(
        audit_group_id=group, user_email=email, privilege=privilege.upper()
    )
    output.show(made, json=json)


@app.command(name="remove-person")
@calling
def remove_person(
    group: GroupId, email: Email, *, client: AuditorClient, json: Json = False
) -> None:
    """Take somebody out of a group."""
    client.audit.remove_group_member(audit_group_id=group, user_email=email)
    output.say("removed", {"user_email": email}, json=json)

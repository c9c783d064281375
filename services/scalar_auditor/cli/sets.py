"""``scalar-auditor sets``: which audit sets are there, who works on them, what is in them?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from scalar_auditor.cli import output
from scalar_auditor.cli.calling import calling
from scalar_auditor.cli.options import Email, Limit, SetId
from scalar_tx.cli.options import Json

if TYPE_CHECKING:
    from scalar_auditor.client import AuditorClient

app = typer.Typer(
    help="Audit sets: the people on them and the items in them.", no_args_is_help=True
)

Role: TypeAlias = Annotated[
    str, typer.Argument(metavar="ROLE", help="CO_OWNER, MEMBER or REVIEWER.", show_default=False)
]
Description: TypeAlias = Annotated[str, typer.Option("--description", help="What it is for.")]
Items: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="ITEM...", help="Items' ids.", show_default=False)
]
Group: TypeAlias = Annotated[
    str, typer.Argument(metavar="GROUP", help="An audit group's id.", show_default=False)
]
_AT_ONCE = 500  # items of one call


@app.command(name="list")
@calling
def list_sets(*, limit: Limit = 100, client: AuditorClient, json: Json = False) -> None:
    """Print the sets that you reach, directly or through a group."""
    output.show_all(
        client.audit.list_my_audit_sets(),
        ("audit_set_id", "name", "role", "owner_email", "updated_at"),
        json=json,
        limit=limit,
        empty="There is none. Make one: scalar-auditor sets create NAME",
    )


@app.command(name="show")
@calling
def show(audit_set: SetId, *, client: AuditorClient, json: Json = False) -> None:
    """Print a set, and your role on it."""
    output.show(client.audit.get_audit_set(audit_set_id=audit_set), json=json)


@app.command(name="create")
@calling
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    *,
    description: Description = "",
    chosen: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Its id; else one is made up.")
    ] = None,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Make a set that you own."""
    made = client.audit.create_audit_set(name=name, description=description, audit_set_id=chosen)
    output.show(made, json=json)


@app.command(name="update")
@calling
def update(
    audit_set: SetId,
    *,
    name: Annotated[str | None, typer.Option("--name", help="Its name from now on.")] = None,
    description: Annotated[
        str | None, typer.Option("--description", help="Its description from now on.")
    ] = None,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Rename or describe a set; what is not given stays."""
    changed = client.audit.update_audit_set(
        audit_set_id=audit_set, name=name, description=description
    )
    output.show(changed, json=json)


@app.command(name="delete")
@calling
def delete(
    audit_set: SetId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Delete a set, with all that is known of who is on it and what is in it."""
    if not yes:
        typer.confirm(_question(client, audit_set), abort=True, err=True)
    client.audit.delete_audit_set(audit_set_id=audit_set)
    output.say("deleted", {"audit_set_id": audit_set}, json=json)


def _question(client: AuditorClient, audit_set: str) -> str:
    from scalar_auditor.client import AuditorError

    try:
        found = client.audit.get_audit_set(audit_set_id=audit_set)
    except AuditorError as error:
        if error.code != "NOT_FOUND":
            raise
        # Nobody sees a set that is being deleted, and its owner may go on with that.
        return f"There is no audit set {audit_set}. If its deletion was begun, go on with it?"
    return f"Delete the audit set {found.name!r}?"


@app.command(name="people")
@calling
def people(
    audit_set: SetId, *, limit: Limit = 100, client: AuditorClient, json: Json = False
) -> None:
    """Print who works on a set."""
    output.show_all(
        client.audit.list_collaborators(audit_set_id=audit_set),
        ("user_email", "role", "added_at"),
        json=json,
        limit=limit,
        empty="There is nobody.",
    )


@app.command(name="add-person")
@calling
def add_person(
    audit_set: SetId, email: Email, role: Role, *, client: AuditorClient, json: Json = False
) -> None:
    """Let somebody work on a set."""
    from scalar_auditor.rpc.v1 import audit_pb2

    new = audit_pb2.NewCollaborator(user_email=email, role=role.upper())
    client.audit.add_collaborators(audit_set_id=audit_set, collaborators=[new])
    output.say("added", {"user_email": email, "role": role.upper()}, json=json)


@app.command(name="remove-person")
@calling
def remove_person(
    audit_set: SetId, email: Email, *, client: AuditorClient, json: Json = False
) -> None:
    """Take somebody off a set."""
    client.audit.remove_collaborator(audit_set_id=audit_set, user_email=email)
    output.say("removed", {"user_email": email}, json=json)


@app.command(name="change-role")
@calling
def change_role(
    audit_set: SetId, email: Email, role: Role, *, client: AuditorClient, json: Json = False
) -> None:
    """Give somebody on a set another role."""
    changed = client.audit.change_collaborator_role(
        audit_set_id=audit_set, user_email=email, role=role.upper()
    )
    output.show(changed, json=json)


@app.command(name="hand-over")
@calling
def hand_over(audit_set: SetId, email: Email, *, client: AuditorClient, json: Json = False) -> None:
    """Make somebody else the owner of a set; you become a CO_OWNER."""
    changed = client.audit.transfer_ownership(audit_set_id=audit_set, user_email=email)
    output.show(changed, json=json)


@app.command(name="items")
@calling
def items(
    audit_set: SetId, *, limit: Limit = 100, client: AuditorClient, json: Json = False
) -> None:
    """Print what is in a set, with the last verdict on each."""
    output.show_all(
        client.audit.list_items(audit_set_id=audit_set),
        ("item_id", "item_type", "item_name", "tampering_status", "deleted"),
        json=json,
        limit=limit,
        empty="There is nothing in it. Add something: scalar-auditor sets add-items SET ITEM...",
    )


@app.command(name="add-items")
@calling
def add_items(audit_set: SetId, items: Items, *, client: AuditorClient, json: Json = False) -> None:
    """Put items into a set; one that is in it stays as it is."""
    for first in range(0, len(items), _AT_ONCE):
        client.audit.add_items(audit_set_id=audit_set, item_ids=items[first : first + _AT_ONCE])
    output.say("added", {"items": len(items)}, json=json)


@app.command(name="remove-items")
@calling
def remove_items(
    audit_set: SetId, items: Items, *, client: AuditorClient, json: Json = False
) -> None:
    """Take items out of a set."""
    for one in items:
        client.audit.remove_item(audit_set_id=audit_set, item_id=one)
    output.say("removed", {"items": len(items)}, json=json)


@app.command(name="log")
@calling
def log(audit_set: SetId, *, limit: Limit = 100, client: AuditorClient, json: Json = False) -> None:
    """Print what outside auditors looked at, newest first."""
    output.show_all(
        client.audit.list_auditor_logs(audit_set_id=audit_set),
        ("created_at", "user_email", "action_type", "item_id"),
        json=json,
        limit=limit,
        empty="No outside auditor has looked at it.",
    )


@app.command(name="link")
@calling
def link(audit_set: SetId, group: Group, *, client: AuditorClient, json: Json = False) -> None:
    """Let the members of a group reach a set."""
    client.audit.link_audit_set(audit_group_id=group, audit_set_id=audit_set)
    output.say("linked", {"audit_set_id": audit_set, "audit_group_id": group}, json=json)


@app.command(name="unlink")
@calling
def unlink(audit_set: SetId, group: Group, *, client: AuditorClient, json: Json = False) -> None:
    """Let the members of a group not reach a set any more."""
    client.audit.unlink_audit_set(audit_group_id=group, audit_set_id=audit_set)
    output.say("unlinked", {"audit_set_id": audit_set, "audit_group_id": group}, json=json)

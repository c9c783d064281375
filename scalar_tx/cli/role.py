"""``scalar-tx user role``: what do several users of a node have in common?"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from scalar_tx.cli.options import Json
from scalar_tx.cli.user_calls import Name, Session, logged_in, say, subject

app = typer.Typer(help="Roles: grants for several users, or for other roles.", no_args_is_help=True)

Member: TypeAlias = Annotated[
    str, typer.Argument(metavar="MEMBER", help="A user, or role:NAME.", show_default=False)
]


@app.command(name="create")
@logged_in
def create(
    name: Name,
    *,
    session: Session,
    json: Json = False,
) -> None:
    """Make a role, which nobody has yet."""
    session.ask(lambda users: users.create_role(name))
    say("created", {"role": name}, json=json)


@app.command(name="drop")
@logged_in
def drop(
    name: Name,
    *,
    session: Session,
    json: Json = False,
) -> None:
    """Remove a role, from everybody who has it."""
    session.ask(lambda users: users.drop_role(name))
    say("dropped", {"role": name}, json=json)


@app.command(name="grant")
@logged_in
def grant(
    name: Name,
    member: Member,
    *,
    session: Session,
    json: Json = False,
) -> None:
    """Give a role to a user, or to another role."""
    session.ask(lambda users: users.grant_role(name, subject(member)))
    say("granted", {"role": name, "member": subject(member)}, json=json)


@app.command(name="revoke")
@logged_in
def revoke(
    name: Name,
    member: Member,
    *,
    session: Session,
    json: Json = False,
) -> None:
    """Take a role away again."""
    session.ask(lambda users: users.revoke_role(name, subject(member)))
    say("revoked", {"role": name, "member": subject(member)}, json=json)

"""``scalar-tx user``: who may log in to a node, and what may they do there?"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import typer

from scalar_tx.cli import passwords, role
from scalar_tx.cli.options import Json
from scalar_tx.cli.user_calls import (
    Generate,
    Name,
    NewPasswordFile,
    Session,
    logged_in,
    say,
    subject,
)
from scalar_tx.cli.user_reset import reset

app = typer.Typer(
    help="Users of a node, their roles and grants. Passwords are never arguments.",
    no_args_is_help=True,
)
app.add_typer(role.app, name="role")
app.command(name="reset")(reset)

Subject: TypeAlias = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="A user, or role:NAME.", show_default=False)
]
Privileges: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="PRIVILEGES",
        help="SELECT,INSERT,UPDATE,DELETE,CREATE,DROP,TRUNCATE,ALTER,GRANT; ALL: all but GRANT.",
        show_default=False,
    ),
]
Place: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="PLACE", help="namespace, or namespace.table", show_default=False),
]
_ALL = "SELECT,INSERT,UPDATE,DELETE,CREATE,DROP,TRUNCATE,ALTER"


def _named(privileges: str) -> list[str]:
    names = [one.strip().upper() for one in privileges.split(",") if one.strip()]
    return [name for one in names for name in (_ALL.split(",") if one == "ALL" else [one])]


@app.command(name="list")
@logged_in
def list_users(*, session: Session, json: Json = False) -> None:
    """Print all users."""
    found = session.ask(lambda users: users.all())
    if json:
        from scalar_tx.cli.output import print_json

        print_json(
            [
                {"user": one.name, "superuser": one.superuser, "roles": list(one.roles)}
                for one in found
            ]
        )
        return
    for one in found:
        words = [one.name, *(["superuser"] if one.superuser else [])]
        typer.echo(" ".join([*words, *(f"role:{name}" for name in one.roles)]))


@app.command(name="create")
@logged_in
def create(
    name: Name,
    *,
    superuser: Annotated[
        bool, typer.Option("--superuser", help="May do everything, users included.")
    ] = False,
    generate: Generate = False,
    new_password_file: NewPasswordFile = None,
    session: Session,
    json: Json = False,
) -> None:
    """Make a user, who may do nothing until something is granted."""
    secret, shown = passwords.chosen(name, new_password_file, generate=generate)
    session.ask(lambda users: users.create(name, secret, superuser=superuser))
    say("created", {"user": name, **shown}, json=json)


@app.command(name="drop")
@logged_in
def drop(
    name: Name,
    *,
    session: Session,
    json: Json = False,
) -> None:
    """Remove a user; what is open of theirs is refused within five seconds."""
    session.ask(lambda users: users.drop(name))
    say("dropped", {"user": name}, json=json)


@app.command(name="password")
@logged_in
def password(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Else: one's own.", show_default=False)
    ] = None,
    *,
    generate: Generate = False,
    new_password_file: NewPasswordFile = None,
    session: Session,
    json: Json = False,
) -> None:
    """Set a password. Whoever was logged in with the old one has to log in again."""
    whose = name or session.user
    secret, shown = passwords.chosen(whose, new_password_file, generate=generate)
    if whose == session.user:
        session.ask(lambda users: users.change_password(session.password, secret))
    else:
        session.ask(lambda users: users.set_password(whose, secret))
    say("password set", {"user": whose, **shown}, json=json)


@app.command(name="log-out")
@logged_in
def log_out(
    name: Name,
    *,
    session: Session,
    json: Json = False,
) -> None:
    """End all tokens of a user: they have to log in again, everywhere."""
    session.ask(lambda users: users.end_tokens(name))
    say("logged out", {"user": name}, json=json)


@app.command(name="grant")
@logged_in
def grant(
    who: Subject,
    privileges: Privileges,
    place: Place,
    *,
    session: Session,
    json: Json = False,
) -> None:
    """Allow something on a namespace or table: ada SELECT,INSERT shop.orders."""
    wanted = _named(privileges)
    session.ask(lambda users: users.grant(subject(who), wanted, place))
    _say_grant("granted", who, wanted, place, json=json)


@app.command(name="revoke")
@logged_in
def revoke(
    who: Subject,
    privileges: Privileges,
    place: Place,
    *,
    session: Session,
    json: Json = False,
) -> None:
    """Take back what was granted on exactly this namespace or table."""
    unwanted = _named(privileges)
    session.ask(lambda users: users.revoke(subject(who), unwanted, place))
    _say_grant("revoked", who, unwanted, place, json=json)


def _say_grant(done: str, who: str, privileges: list[str], place: str, *, json: bool) -> None:
    named: Any = privileges if json else " ".join(privileges)
    say(done, {"subject": subject(who), "privileges": named, "place": place}, json=json)


@app.command(name="grants")
@logged_in
def grants(
    who: Annotated[
        str | None,
        typer.Argument(metavar="[SUBJECT]", help="Else: one's own.", show_default=False),
    ] = None,
    *,
    session: Session,
    json: Json = False,
) -> None:
    """Print what a user or role was granted itself, without their roles' grants."""
    whose = subject(who or session.user)
    found = session.ask(lambda users: users.grants(whose))
    if json:
        from scalar_tx.cli.output import print_json

        print_json(
            [
                {"subject": one.subject, "privileges": list(one.privileges), "place": one.place}
                for one in found
            ]
        )
        return
    for one in found:
        typer.echo(f"{one.place}: {' '.join(one.privileges)}")

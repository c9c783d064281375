"""``scalar-auditor admin``: how does the first administrator come to be?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from scalar_tx.cli.options import Config, Json

if TYPE_CHECKING:
    from scalar_tx.manager_async import AsyncTransactionManager

_PLACEHOLDER: Final = "REPLACE_ME"  # what stands in the manifests of k8s/


def admin(
    email: Annotated[
        str | None,
        typer.Argument(metavar="EMAIL", help="Their e-mail address.", show_default=False),
    ] = None,
    *,
    email_file: Annotated[
        str | None,
        typer.Option("--email-file", metavar="FILE", help="In place of EMAIL: its first line."),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Their name. Else: the e-mail address.")] = "",
    new_password_file: Annotated[
        str | None,
        typer.Option(
            "--new-password-file",
            metavar="FILE",
            help="Their password: its first line. Else: one is made up, and printed.",
        ),
    ] = None,
    if_none: Annotated[
        bool,
        typer.Option("--if-none", help="Where there is an AUDIT_ADMIN, end well and do nothing."),
    ] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Make the first AUDIT_ADMIN in the database itself; a password made up is printed, once.

    TARGET is what the node is started with. Refused where there is one: they register others.
    """
    from scalar_auditor.cli.database import with_database
    from scalar_auditor.errors import FailedPreconditionError
    from scalar_auditor.identity.first_admin import is_there_one, make_first_admin
    from scalar_tx.cli.output import print_json

    if (email is None) == (email_file is None):
        raise typer.BadParameter("give EMAIL or --email-file, and not both", param_hint="EMAIL")
    typed = email or ""

    async def made(manager: AsyncTransactionManager) -> tuple[str, str] | None:
        # Once there is one, the files may be empty again: nobody needs them any more.
        if if_none and await is_there_one(manager):
            return None
        person = typed if email_file is None else _of_file(email_file, "the e-mail address")
        chosen = None
        if new_password_file is not None:
            chosen = _of_file(new_password_file, "the password")
        try:
            return person.lower(), await make_first_admin(
                manager, person, name=name, password=chosen
            )
        except FailedPreconditionError as error:
            if if_none and error.reason == "ADMIN_EXISTS":
                return None  # somebody was faster
            raise

    found = with_database(config, made)
    if found is None:
        if json:
            print_json({"made": False})
        else:
            print("There is an AUDIT_ADMIN already; nothing was changed.")
        return
    person, password = found
    if new_password_file is not None:
        if json:
            print_json({"made": True, "user_email": person})
        else:
            print(f"The first AUDIT_ADMIN is {person}, with the password of {new_password_file}.")
        return
    if json:
        print_json({"made": True, "user_email": person, "password": password})
        return
    print(
        f"The first AUDIT_ADMIN is {person}, with the password {password}\n"
        "It is shown only now: log in with it, and change it (scalar-auditor users password)."
    )


def _of_file(file: str, what: str) -> str:
    from scalar_tx.cli.passwords import from_file
    from scalar_tx.errors import InvalidOperationError

    text = from_file(file, what)
    if not text.strip() or _PLACEHOLDER in text:
        why = "empty" if not text.strip() else f"the placeholder {_PLACEHOLDER}"
        raise InvalidOperationError(
            f"{what} in {file} is {why}: nothing was made",
            advice="Put a real one there; in Kubernetes in the Secret auditor-first-admin",
            code="STX-5316",
        )
    return text

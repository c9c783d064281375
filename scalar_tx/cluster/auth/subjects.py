"""To whom can something be granted? A user or a role, as ``user:ada`` or ``role:clerks``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.auth.tables import REALM, ROLE, USER
from scalar_tx.errors import InvalidOperationError

if TYPE_CHECKING:
    from scalar_tx.transaction_async import AsyncTransaction

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")  # MySQL's keys are short
_TABLES: Final = {"user": USER, "role": ROLE}


def is_name(text: object) -> bool:
    """Can it be a user or a role?"""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def checked_name(text: object, what: str) -> str:
    """The name of a user or role. InvalidOperationError, STX-5208."""
    if not isinstance(text, str) or not is_name(text):
        raise InvalidOperationError(
            f"{text!r:.60} can't be the name of a {what}",
            advice="Use 1 to 64 letters and digits of ASCII, and . _ @ + - behind the first",
            code="STX-5208",
        )
    return text


def user_subject(name: str) -> str:
    """The user of that name."""
    return f"user:{checked_name(name, 'user')}"


def role_subject(name: str) -> str:
    """The role of that name."""
    return f"role:{checked_name(name, 'role')}"


def role_of(subject: str) -> str | None:
    """The name of a role; None: it is a user."""
    kind, _, name = subject.partition(":")
    return name if kind == "role" else None


def checked_subject(text: object) -> tuple[str, str]:
    """The kind and name of a subject. InvalidOperationError, STX-5208."""
    kind, _, name = text.partition(":") if isinstance(text, str) else ("", "", "")
    if kind not in _TABLES:
        raise InvalidOperationError(
            f"{text!r:.60} is neither a user nor a role",
            advice="Write 'user:' or 'role:' before the name",
            code="STX-5208",
        )
    return kind, checked_name(name, kind)


async def check_exists(tx: AsyncTransaction, subject: str) -> None:
    """InvalidOperationError, STX-5211: there is no such user or role."""
    kind, name = checked_subject(subject)
    if await tx.get(_TABLES[kind], {"realm": REALM, "name": name}) is None:
        raise missing(kind, name)


async def subjects(tx: AsyncTransaction) -> list[str]:
    """All users and roles."""
    return [
        ":".join((kind, str(row["name"])))
        for kind, table in _TABLES.items()
        for row in await tx.scan(table, {"realm": REALM})
    ]


def exists_already(what: str, name: str) -> InvalidOperationError:
    """A user or role of that name is there."""
    return InvalidOperationError(
        f"there is a {what} {name} already", advice="Choose another name", code="STX-5210"
    )


def missing(what: str, name: str) -> InvalidOperationError:
    """No user or role of that name is there."""
    return InvalidOperationError(
        f"there is no {what} {name}", advice="Create it, or correct the name", code="STX-5211"
    )

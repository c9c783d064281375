"""What do several methods of AuditService take from their requests, and do with them?"""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor import fields
from scalar_auditor.audit.sets import Words
from scalar_auditor.errors import HINDRANCES, InvalidArgumentError
from scalar_auditor.permissions import SetRole
from scalar_auditor.rpc.v1 import common_pb2

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from scalar_auditor.paging import Pages
    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller

STEPS_A_CALL: Final = 20  # of a deletion


def set_id(ask: Any) -> str:
    """The set that a request is about."""
    return fields.identifier("audit_set_id", ask.audit_set_id)


def user_email(ask: Any) -> str:
    """The person that a request is about."""
    return fields.email("user_email", ask.user_email)


def new_id(field: str, given: str) -> str:
    """The id of what is to be made: the client's choice, or the server's."""
    return fields.optional_identifier(field, given) or uuid.uuid4().hex


def present(ask: Any) -> Words:
    """The name and description that a request gives; what it doesn't give is None."""
    name = fields.line("name", ask.name) if ask.HasField("name") else None
    if ask.HasField("description"):
        return Words(name, fields.text("description", ask.description))
    return Words(name)


def no_owner_role(field: str, given: str) -> SetRole:
    """A role that can be given; the ownership is transferred instead."""
    role = fields.one_of(field, given, SetRole)
    if role is SetRole.OWNER:
        raise InvalidArgumentError(field, "nobody is made OWNER so: transfer the ownership")
    return role


def many(field: str, ids: Iterable[str], most: int) -> list[str]:
    """1 to ``most`` ids, each once."""
    given = list(ids)
    fields.count(field, len(given), 1, most)
    there: set[str] = set()
    for at, one in enumerate(given):
        if fields.identifier(f"{field}[{at}]", one) in there:
            raise InvalidArgumentError(f"{field}[{at}]", "it is there twice")
        there.add(one)
    return given


def cut(
    pages: Pages, found: Sequence[Any], size: int, position: Callable[[Any], str], *of: object
) -> str:
    """The token of the next page, where one entry more than ``size`` was asked for and found."""
    return pages.token(position(found[size - 1]), *of) if len(found) > size else ""


async def deleted(
    auditor: Auditor, caller: Caller, step: Callable[..., Awaitable[bool]], what: str
) -> common_pb2.Steps:
    """Some steps of a deletion, each a transaction; ``finished`` once nothing is left.

    ``step(tx, caller, what, now_ms, begun=…)``: True where that was the last. ``begun``: it is not
    the first of this call; one that finds all gone then was overtaken by another call.
    What a database has against a later step is no failure of the call, which has done something:
    who goes on with it goes on behind that, or hears it then.
    """
    now_ms = auditor.now_ms()
    for number in range(STEPS_A_CALL):
        try:
            work = partial(step, begun=number > 0)
            if await auditor.change(caller, work, caller, what, now_ms):
                return common_pb2.Steps(finished=True)
        except HINDRANCES:
            if not number:
                raise
            break
    return common_pb2.Steps(finished=False)

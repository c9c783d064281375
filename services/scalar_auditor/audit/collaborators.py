"""Who works on an audit set, as what, and who owns it?

At all times a set has exactly one OWNER: in both tables, and on the set itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scalar_auditor.audit.model import PersonOfSet, SetOfPerson
from scalar_auditor.audit.rules import role_on
from scalar_auditor.audit.sets import allowed, remove_person, rows_of_person
from scalar_auditor.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    NotFoundError,
    PermissionDeniedError,
)
from scalar_auditor.identity import rules as identity
from scalar_auditor.permissions import Action, SetRole
from scalar_tx import Get

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_auditor.audit.model import AuditSet
    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction


async def add(
    tx: AsyncTransaction,
    caller: Caller,
    audit_set_id: str,
    wanted: Mapping[str, SetRole],
    now_ms: int,
) -> list[PersonOfSet]:
    """Add people by their e-mails, all or none; who is there in that role stays as they are.

    NotFoundError: there is no such user. AlreadyExistsError: somebody is there in another role.
    """
    found, _ = await allowed(tx, caller, audit_set_id, Action.COLLABORATORS)
    users = await identity.all_active(tx, list(wanted))
    keys = [{"audit_set_id": audit_set_id, "user_email": email} for email in wanted]
    standing = await tx.batch([Get(PersonOfSet, key) for key in keys])
    result = []
    for user, role, row in zip(users, wanted.values(), standing, strict=True):
        if row is None:
            new = rows_of_person(found, user, role, caller, now_ms)
            await _insert(tx, new)
            result.append(new[1])
        elif row.role == role:
            result.append(row)
        else:
            raise AlreadyExistsError(
                f"{user.user_email!r} is in the audit set as {row.role}: change that role instead",
                reason="COLLABORATOR_EXISTS",
                user_email=user.user_email,
                role=row.role,
            )
    return result


async def _insert(tx: AsyncTransaction, rows: tuple[SetOfPerson, PersonOfSet]) -> None:
    for row in rows:
        await tx.insert(row)


async def remove(tx: AsyncTransaction, caller: Caller, audit_set_id: str, user_email: str) -> None:
    """Remove somebody who is no OWNER. NotFoundError: they are not there."""
    _, role = await allowed(tx, caller, audit_set_id, Action.COLLABORATORS)
    await _no_owner(tx, caller, role, audit_set_id, user_email)
    await remove_person(tx, audit_set_id, user_email)


async def change_role(
    tx: AsyncTransaction, caller: Caller, audit_set_id: str, user_email: str, role: SetRole
) -> PersonOfSet:
    """Give somebody who is no OWNER another role. NotFoundError: they are not there."""
    _, own_role = await allowed(tx, caller, audit_set_id, Action.COLLABORATORS)
    found = await _no_owner(tx, caller, own_role, audit_set_id, user_email)
    await identity.active(tx, user_email)
    if found.role != role:
        await _set_role(tx, audit_set_id, user_email, role)
    return replace(found, role=role.value)


async def _no_owner(
    tx: AsyncTransaction, caller: Caller, role: SetRole | None, audit_set_id: str, user_email: str
) -> PersonOfSet:
    """The collaborator, who must not be the OWNER: that role is only ever handed over."""
    found = await tx.get(PersonOfSet, {"audit_set_id": audit_set_id, "user_email": user_email})
    if found is None:
        raise NotFoundError(
            f"{user_email!r} is no collaborator of the audit set",
            reason="COLLABORATOR_NOT_FOUND",
            user_email=user_email,
        )
    if found.role != SetRole.OWNER:
        return found
    if role is SetRole.CO_OWNER and not caller.is_admin:
        raise PermissionDeniedError(
            "a CO_OWNER of the audit set may not remove or change its OWNER",
            audit_set_id=audit_set_id,
        )
    raise FailedPreconditionError(
        "an audit set has an OWNER: transfer the ownership first",
        reason="OWNER_STAYS",
        audit_set_id=audit_set_id,
    )


async def _set_role(
    tx: AsyncTransaction, audit_set_id: str, user_email: str, role: SetRole
) -> None:
    key = {"audit_set_id": audit_set_id, "user_email": user_email}
    await tx.update(SetOfPerson, key, {"role": role.value})
    await tx.update(PersonOfSet, key, {"role": role.value})


async def transfer(
    tx: AsyncTransaction, caller: Caller, audit_set_id: str, user_email: str, now_ms: int
) -> tuple[AuditSet, SetRole | None]:
    """Make somebody the OWNER; who was it becomes CO_OWNER. With the caller's role from now on.

    NotFoundError: there is no such user.
    """
    found, role = await allowed(tx, caller, audit_set_id, Action.DISPOSE)
    user = await identity.active(tx, user_email)
    if user_email == found.owner_email:
        return found, role
    await _set_role(tx, audit_set_id, found.owner_email, SetRole.CO_OWNER)
    key = {"audit_set_id": audit_set_id, "user_email": user_email}
    if await tx.get(PersonOfSet, key) is None:
        await _insert(tx, rows_of_person(found, user, SetRole.OWNER, caller, now_ms))
    else:
        await _set_role(tx, audit_set_id, user_email, SetRole.OWNER)
    changed = replace(found, owner_user_id=user.user_id, owner_email=user_email, updated_at=now_ms)
    await tx.update(changed)
    _, role = await role_on(tx, caller, audit_set_id)
    return changed, role


async def page(
    tx: AsyncTransaction, caller: Caller, audit_set_id: str, after: str | None, limit: int
) -> list[PersonOfSet]:
    """Collaborators by e-mail, behind ``after``."""
    await allowed(tx, caller, audit_set_id)
    return await tx.scan(
        PersonOfSet,
        {"audit_set_id": audit_set_id},
        start=None if after is None else {"user_email": after},
        start_inclusive=False,
        limit=limit,
    )

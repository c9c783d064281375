"""What becomes of an audit set: made, described, deleted?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from scalar_auditor.audit.model import (
    AuditSet,
    GroupOfSet,
    PersonOfSet,
    SetItem,
    SetOfGroup,
    SetOfItem,
    SetOfPerson,
)
from scalar_auditor.audit.rules import ACTIVE, DELETING
from scalar_auditor.errors import AlreadyExistsError, PermissionDeniedError
from scalar_auditor.event import rules as events
from scalar_auditor.identity import rules as identity
from scalar_auditor.permissions import Action, SetRole, insist
from scalar_auditor.visibility import insist_on_set

if TYPE_CHECKING:
    from scalar_auditor.identity.model import User
    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction

PAIRS_A_STEP: Final = 50  # that a deletion removes at once, from two tables each


@dataclass(frozen=True, slots=True)
class Words:
    """What a set or group is called and described as; None: as it is."""

    name: str | None = None
    description: str | None = None

    def instead_of(self, name: str, description: str) -> tuple[str, str]:
        """Name and description of one that was called and described so."""
        return (
            name if self.name is None else self.name,
            description if self.description is None else self.description,
        )


def insist_on_creating(caller: Caller) -> None:
    """PermissionDeniedError: the caller may create neither audit sets nor groups."""
    if not caller.may_create:
        raise PermissionDeniedError(
            "only an AUDIT_ADMIN or a GENERAL_USER may create audit sets and groups"
        )


async def create(
    tx: AsyncTransaction,
    caller: Caller,
    audit_set_id: str,
    words: Words,
    now_ms: int,
) -> AuditSet:
    """A new set of an id that nobody else has, the caller its owner."""
    new, owner = await _new(tx, caller, audit_set_id, words, now_ms)
    await tx.insert(new)
    for row in rows_of_person(new, owner, SetRole.OWNER, caller, now_ms):
        await tx.insert(row)
    return new


async def create_once(
    tx: AsyncTransaction,
    caller: Caller,
    audit_set_id: str,
    words: Words,
    now_ms: int,
) -> AuditSet:
    """As ``create``, of an id that the client chose: the same again is the set that there is.

    AlreadyExistsError: there is another of that id, or there was one and its auditors' log stands,
    which a new owner may not read.
    """
    found = await tx.get(AuditSet, {"audit_set_id": audit_set_id})
    if found is not None:
        new, _ = await _new(tx, caller, audit_set_id, words, now_ms)
        if replace(found, created_at=now_ms, updated_at=now_ms) == new:
            return found
        raise _taken(audit_set_id)
    if await events.views_of(tx, audit_set_id, None, 1):
        raise _taken(audit_set_id)
    return await create(tx, caller, audit_set_id, words, now_ms)


async def _new(
    tx: AsyncTransaction,
    caller: Caller,
    audit_set_id: str,
    words: Words,
    now_ms: int,
) -> tuple[AuditSet, User]:
    owner = await identity.active(tx, caller.email)
    name, description = words.instead_of("", "")
    new = AuditSet(
        audit_set_id=audit_set_id,
        name=name,
        description=description,
        owner_user_id=owner.user_id,
        owner_email=owner.user_email,
        status=ACTIVE,
        created_at=now_ms,
        updated_at=now_ms,
    )
    return new, owner


def _taken(audit_set_id: str) -> AlreadyExistsError:
    return AlreadyExistsError(
        f"the id {audit_set_id!r} is taken: choose another, or none",
        reason="AUDIT_SET_EXISTS",
        audit_set_id=audit_set_id,
    )


def rows_of_person(
    of: AuditSet, user: User, role: SetRole, by: Caller, added_at: int
) -> tuple[SetOfPerson, PersonOfSet]:
    """A person's role on a set, in both tables."""
    # Who added is kept by id: what a deleted user's e-mail stands in is removed with them.
    email, user_id, set_id = user.user_email, user.user_id, of.audit_set_id
    by_person = SetOfPerson(email, set_id, user_id, role.value, by.user_id, added_at)
    return by_person, PersonOfSet(set_id, email, user_id, role.value, added_at)


async def allowed(
    tx: AsyncTransaction, caller: Caller, audit_set_id: str, action: Action = Action.VIEW
) -> tuple[AuditSet, SetRole | None]:
    """The set, and the caller's role on it; else as ``insist``."""
    role = await insist_on_set(tx, caller, audit_set_id, action)
    found = await tx.get(AuditSet, {"audit_set_id": audit_set_id})
    if found is None:
        raise AssertionError(audit_set_id)
    return found, role


async def describe(
    tx: AsyncTransaction,
    caller: Caller,
    audit_set_id: str,
    words: Words,
    now_ms: int,
) -> tuple[AuditSet, SetRole | None]:
    """The set with another name or description. With the caller's role."""
    found, role = await allowed(tx, caller, audit_set_id, Action.DESCRIBE)
    name, description = words.instead_of(found.name, found.description)
    changed = replace(found, name=name, description=description)
    if changed != found:
        changed = replace(changed, updated_at=now_ms)
        await tx.update(changed)
    return changed, role


async def delete_step(
    tx: AsyncTransaction, caller: Caller, audit_set_id: str, now_ms: int, *, begun: bool = False
) -> bool:
    """One step of deleting a set; True: nothing is left of it but its auditors' log.

    The first step marks it: from then on it is there for nobody, and nothing can be added to it.
    Its owner's rows go last, together with the set: until then the owner, and an AUDIT_ADMIN, may
    go on with the deletion. ``begun``: by the call that asks; what is there then and is not being
    deleted is another set of that id. Errors as of ``insist``.
    """
    found = await tx.get(AuditSet, {"audit_set_id": audit_set_id})
    if found is None or found.status == ACTIVE:
        if begun:
            return True
        found, _ = await allowed(tx, caller, audit_set_id, Action.DISPOSE)
        await tx.update(replace(found, status=DELETING, updated_at=now_ms))
        return False
    if not caller.is_admin and caller.email != found.owner_email:
        insist(caller, None, Action.DISPOSE, audit_set_id, exists=False)
    for remove in (_remove_items, _remove_links, _remove_others):
        if await remove(tx, found):
            return False
    await remove_person(tx, audit_set_id, found.owner_email)
    await tx.delete(AuditSet, {"audit_set_id": audit_set_id})
    return True


async def _remove_items(tx: AsyncTransaction, found: AuditSet) -> int:
    rows = await tx.scan(SetItem, {"audit_set_id": found.audit_set_id}, limit=PAIRS_A_STEP)
    for row in rows:
        await remove_item(tx, row.audit_set_id, row.item_id)
    return len(rows)


async def _remove_links(tx: AsyncTransaction, found: AuditSet) -> int:
    rows = await tx.scan(GroupOfSet, {"audit_set_id": found.audit_set_id}, limit=PAIRS_A_STEP)
    for row in rows:
        await remove_link(tx, row.audit_group_id, row.audit_set_id)
    return len(rows)


async def _remove_others(tx: AsyncTransaction, found: AuditSet) -> int:
    rows = await tx.scan(PersonOfSet, {"audit_set_id": found.audit_set_id}, limit=PAIRS_A_STEP)
    others = [row.user_email for row in rows if row.user_email != found.owner_email]
    for email in others:
        await remove_person(tx, found.audit_set_id, email)
    return len(others)


async def remove_person(tx: AsyncTransaction, audit_set_id: str, user_email: str) -> None:
    """Remove somebody from a set, in both tables."""
    await tx.delete(SetOfPerson, {"user_email": user_email, "audit_set_id": audit_set_id})
    await tx.delete(PersonOfSet, {"audit_set_id": audit_set_id, "user_email": user_email})


async def remove_item(tx: AsyncTransaction, audit_set_id: str, item_id: str) -> None:
    """Remove an item from a set, in both tables."""
    await tx.delete(SetItem, {"audit_set_id": audit_set_id, "item_id": item_id})
    await tx.delete(SetOfItem, {"item_id": item_id, "audit_set_id": audit_set_id})


async def remove_link(tx: AsyncTransaction, audit_group_id: str, audit_set_id: str) -> None:
    """Remove a set's link to a group, in both tables."""
    await tx.delete(SetOfGroup, {"audit_group_id": audit_group_id, "audit_set_id": audit_set_id})
    await tx.delete(GroupOfSet, {"audit_set_id": audit_set_id, "audit_group_id": audit_group_id})

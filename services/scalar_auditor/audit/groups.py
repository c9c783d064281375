"""Who is in an audit group, as what, and which sets is it linked to?

Only its members and an AUDIT_ADMIN see a group. Its members are kept by group here and by person
by identity; both are written together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from scalar_auditor.audit.model import AuditGroup, GroupMember, GroupOfSet, SetOfGroup
from scalar_auditor.audit.rules import groups_of, is_there
from scalar_auditor.audit.sets import PAIRS_A_STEP, remove_link
from scalar_auditor.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    NotFoundError,
    PermissionDeniedError,
)
from scalar_auditor.identity import rules as identity
from scalar_auditor.permissions import Action, Privilege
from scalar_auditor.visibility import insist_on_set
from scalar_tx import column

if TYPE_CHECKING:
    from scalar_auditor.audit.sets import Words
    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction

MOST_OF_A_SET: Final = 100  # groups a set is linked to: who asks for a role on it looks at each


@dataclass(frozen=True, slots=True)
class Seen:
    """A group, and the caller's privilege in it; None: an AUDIT_ADMIN who is not in it."""

    group: AuditGroup
    privilege: Privilege | None

    @property
    def is_owner(self) -> bool:
        """Is the caller an OWNER of it?"""
        return self.privilege is Privilege.OWNER


async def seen(tx: AsyncTransaction, caller: Caller, audit_group_id: str) -> Seen:
    """A group that the caller may see. NotFoundError."""
    found = await _found(tx, caller, audit_group_id)
    if found is None or not is_there(found.group):
        raise _no_group(audit_group_id)
    return found


async def _found(tx: AsyncTransaction, caller: Caller, audit_group_id: str) -> Seen | None:
    key = {"audit_group_id": audit_group_id}
    group = await tx.get(AuditGroup, key)
    member = await tx.get(GroupMember, {**key, "user_email": caller.email})
    if group is None or (member is None and not caller.is_admin):
        return None
    return Seen(group, None if member is None else Privilege(member.privilege))


def _no_group(audit_group_id: str) -> NotFoundError:
    return NotFoundError(
        f"there is no audit group {audit_group_id!r}",
        reason="AUDIT_GROUP_NOT_FOUND",
        audit_group_id=audit_group_id,
    )


async def _owned(tx: AsyncTransaction, caller: Caller, audit_group_id: str) -> Seen:
    """A group that the caller may change. NotFoundError, PermissionDeniedError."""
    found = await seen(tx, caller, audit_group_id)
    if not caller.is_admin and not found.is_owner:
        raise PermissionDeniedError(
            "only an OWNER of the audit group may do this", audit_group_id=audit_group_id
        )
    return found


async def create(
    tx: AsyncTransaction,
    caller: Caller,
    audit_group_id: str,
    words: Words,
    now_ms: int,
) -> Seen:
    """A new group, the caller its OWNER. The same again is the group that there is.

    AlreadyExistsError: there is another of that id.
    """
    owner = await identity.active(tx, caller.email)
    name, description = words.instead_of("", "")
    new = AuditGroup(
        audit_group_id=audit_group_id,
        name=name,
        description=description,
        owner_user_id=owner.user_id,
        owner_email=owner.user_email,
        created_at=now_ms,
        updated_at=now_ms,
    )
    found = await tx.get(AuditGroup, {"audit_group_id": audit_group_id})
    if found is None:
        await tx.insert(new)
        await _join(
            tx, GroupMember(audit_group_id, owner.user_email, Privilege.OWNER.value, now_ms)
        )
        return Seen(new, Privilege.OWNER)
    standing = await _found(tx, caller, audit_group_id)
    if standing is None or replace(found, created_at=now_ms, updated_at=now_ms) != new:
        raise AlreadyExistsError(
            f"the id {audit_group_id!r} is taken: choose another, or none",
            reason="AUDIT_GROUP_EXISTS",
            audit_group_id=audit_group_id,
        )
    return standing


async def _join(tx: AsyncTransaction, member: GroupMember) -> GroupMember:
    await tx.upsert(member)
    privilege = Privilege(member.privilege)
    await identity.joined_group(
        tx, member.user_email, member.audit_group_id, privilege, member.added_at
    )
    return member


async def _leave(tx: AsyncTransaction, audit_group_id: str, email: str) -> None:
    await tx.delete(GroupMember, {"audit_group_id": audit_group_id, "user_email": email})
    await identity.left_group(tx, email, audit_group_id)


async def describe(
    tx: AsyncTransaction,
    caller: Caller,
    audit_group_id: str,
    words: Words,
    now_ms: int,
) -> Seen:
    """The group with another name or description."""
    found = await _owned(tx, caller, audit_group_id)
    name, description = words.instead_of(found.group.name, found.group.description)
    changed = replace(found.group, name=name, description=description)
    if changed != found.group:
        changed = replace(changed, updated_at=now_ms)
        await tx.update(changed)
    return replace(found, group=changed)


async def delete_step(
    tx: AsyncTransaction, caller: Caller, audit_group_id: str, now_ms: int, *, begun: bool = False
) -> bool:
    """One step of deleting a group; True: nothing is left of it.

    The first step takes its name, which says that it is being deleted: from then on it is there
    for nobody, gives no rights, and nothing can be added to it. Whom it belongs to is removed
    last, together with the group: until then they, an OWNER who is in it still, and an AUDIT_ADMIN
    may go on with the deletion. ``begun``: as for a set.
    """
    group = await tx.get(AuditGroup, {"audit_group_id": audit_group_id})
    if begun and (group is None or is_there(group)):
        return True
    found = await _found(tx, caller, audit_group_id)
    if found is None or is_there(found.group):
        found = await _owned(tx, caller, audit_group_id)
        await tx.update(replace(found.group, name="", updated_at=now_ms))
        return False
    if not caller.is_admin and not found.is_owner:
        raise _no_group(audit_group_id)
    key = {"audit_group_id": audit_group_id}
    links = await tx.scan(SetOfGroup, key, limit=PAIRS_A_STEP)
    for link in links:
        await remove_link(tx, link.audit_group_id, link.audit_set_id)
    if links:
        return False
    last = found.group.owner_email
    members = await tx.scan(GroupMember, key, limit=PAIRS_A_STEP)
    others = [member.user_email for member in members if member.user_email != last]
    for email in others:
        await _leave(tx, audit_group_id, email)
    if others:
        return False
    if last:
        await _leave(tx, audit_group_id, last)
    await tx.delete(AuditGroup, key)
    return True


async def mine(
    tx: AsyncTransaction, caller: Caller, after: str | None, limit: int
) -> list[tuple[str, Seen | None]]:
    """The groups that the caller is in, by id, behind ``after``; None: it is being deleted."""
    memberships = await identity.groups_of(tx, caller.email, after=after, limit=limit)
    found = await groups_of(tx, [one.audit_group_id for one in memberships])
    there = {group.audit_group_id: group for group in found if is_there(group)}
    return [
        (
            one.audit_group_id,
            Seen(there[one.audit_group_id], Privilege(one.privilege))
            if one.audit_group_id in there
            else None,
        )
        for one in memberships
    ]


async def add_member(tx: AsyncTransaction, caller: Caller, wanted: GroupMember) -> GroupMember:
    """Put somebody into a group; who is in it gets that privilege.

    NotFoundError: there is no such user. FailedPreconditionError: they are the last OWNER.
    """
    found = await _owned(tx, caller, wanted.audit_group_id)
    await identity.active(tx, wanted.user_email)
    key = {"audit_group_id": wanted.audit_group_id, "user_email": wanted.user_email}
    member = await tx.get(GroupMember, key)
    if member is None:
        return await _join(tx, wanted)
    if member.privilege == wanted.privilege:
        return member
    if member.privilege == Privilege.OWNER:
        await _hand_on(tx, found.group, wanted.user_email, wanted.added_at)
    return await _join(tx, replace(member, privilege=wanted.privilege))


async def remove_member(
    tx: AsyncTransaction, caller: Caller, audit_group_id: str, user_email: str, now_ms: int
) -> None:
    """Take somebody out of a group.

    NotFoundError: they are not in it. FailedPreconditionError: they are the last OWNER.
    """
    found = await _owned(tx, caller, audit_group_id)
    key = {"audit_group_id": audit_group_id, "user_email": user_email}
    member = await tx.get(GroupMember, key)
    if member is None:
        raise NotFoundError(
            f"{user_email!r} is not in the audit group",
            reason="GROUP_MEMBER_NOT_FOUND",
            user_email=user_email,
        )
    if member.privilege == Privilege.OWNER:
        await _hand_on(tx, found.group, user_email, now_ms)
    await _leave(tx, audit_group_id, user_email)


async def _hand_on(tx: AsyncTransaction, group: AuditGroup, user_email: str, now_ms: int) -> None:
    """Somebody is about to be its OWNER no more: the group belongs to one who stays.

    FailedPreconditionError: there is no other.
    """
    if group.owner_email != user_email and await _stays(tx, group, group.owner_email):
        return  # and nobody has to be looked for among the members
    async with await tx.scanner(
        GroupMember,
        {"audit_group_id": group.audit_group_id},
        where=column("privilege") == Privilege.OWNER.value,
    ) as owners:
        async for owner in owners:
            heir = await identity.find(tx, owner.user_email)
            if owner.user_email == user_email or heir is None or heir.status != identity.ACTIVE:
                continue  # who is being deleted doesn't stay
            if group.owner_email == user_email:
                await tx.update(
                    replace(
                        group,
                        owner_user_id=heir.user_id,
                        owner_email=heir.user_email,
                        updated_at=now_ms,
                    )
                )
            return
    raise FailedPreconditionError(
        "an audit group has an OWNER: make somebody else one first",
        reason="LAST_GROUP_OWNER",
        audit_group_id=group.audit_group_id,
    )


async def _stays(tx: AsyncTransaction, group: AuditGroup, email: str) -> bool:
    """Is somebody an OWNER of the group, and not about to be deleted?"""
    key = {"audit_group_id": group.audit_group_id, "user_email": email}
    member = await tx.get(GroupMember, key) if email else None
    user = await identity.find(tx, email) if member is not None else None
    return (
        member is not None
        and member.privilege == Privilege.OWNER
        and user is not None
        and user.status == identity.ACTIVE
    )


async def members_page(
    tx: AsyncTransaction, caller: Caller, audit_group_id: str, after: str | None, limit: int
) -> list[GroupMember]:
    """The members by e-mail, behind ``after``."""
    await seen(tx, caller, audit_group_id)
    return await tx.scan(
        GroupMember,
        {"audit_group_id": audit_group_id},
        start=None if after is None else {"user_email": after},
        start_inclusive=False,
        limit=limit,
    )


async def link(
    tx: AsyncTransaction, caller: Caller, audit_group_id: str, audit_set_id: str, now_ms: int
) -> None:
    """Let a group's members at a set: who may describe the set, and sees the group, may do this.

    Linked already is linked. FailedPreconditionError: the set has as many groups as there may be.
    """
    await insist_on_set(tx, caller, audit_set_id, Action.DESCRIBE)
    await seen(tx, caller, audit_group_id)
    links = await tx.scan(GroupOfSet, {"audit_set_id": audit_set_id}, limit=MOST_OF_A_SET)
    if any(one.audit_group_id == audit_group_id for one in links):
        return
    if len(links) == MOST_OF_A_SET:
        raise FailedPreconditionError(
            f"an audit set is linked to at most {MOST_OF_A_SET} groups: unlink one first",
            reason="TOO_MANY_GROUPS",
            audit_set_id=audit_set_id,
        )
    await tx.insert(SetOfGroup(audit_group_id, audit_set_id, caller.user_id, now_ms))
    await tx.insert(GroupOfSet(audit_set_id, audit_group_id, now_ms))


async def unlink(
    tx: AsyncTransaction, caller: Caller, audit_group_id: str, audit_set_id: str
) -> None:
    """Keep a group's members from a set: who may describe the set may do this.

    NotFoundError: they are not linked.
    """
    await insist_on_set(tx, caller, audit_set_id, Action.DESCRIBE)
    key = {"audit_set_id": audit_set_id, "audit_group_id": audit_group_id}
    if await tx.get(GroupOfSet, key) is None:
        raise _no_group(audit_group_id)
    await remove_link(tx, audit_group_id, audit_set_id)

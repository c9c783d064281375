"""What may happen to organisations, within a transaction?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from scalar_auditor.errors import AlreadyExistsError, FailedPreconditionError, NotFoundError
from scalar_auditor.identity.model import Organization, UserOfOrganization
from scalar_auditor.identity.rules import active

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.transaction_async import AsyncTransaction

_MADE_OF: Final = ("org_id", "enterprise_id", "name", "admin_email")


async def create(tx: AsyncTransaction, wanted: Organization) -> Organization:
    """Make an organisation; one that was made of the same values already is returned as it is.

    AlreadyExistsError: it is another. NotFoundError: the person named as its admin is not there.
    """
    there = await tx.get(Organization, {"org_id": wanted.org_id})
    if there is not None:
        if all(getattr(there, name) == getattr(wanted, name) for name in _MADE_OF):
            return there
        raise AlreadyExistsError(
            f"there is another organisation {wanted.org_id!r}",
            reason="ORGANIZATION_EXISTS",
            org_id=wanted.org_id,
        )
    await _insist_on_admin(tx, wanted)
    await tx.insert(wanted)
    return wanted


async def change(
    tx: AsyncTransaction, org_id: str, values: Mapping[str, str | bool], now_ms: int
) -> Organization:
    """Change what is given; NotFoundError."""
    there = await found(tx, org_id)
    changed = replace(there, **values)  # type: ignore[arg-type]  # the names are those of fields
    if changed == there:
        return there
    if changed.admin_email != there.admin_email:  # one who is disabled since stays as they are
        await _insist_on_admin(tx, changed)
    changed = replace(changed, updated_at=now_ms)
    await tx.update(changed)
    return changed


async def found(tx: AsyncTransaction, org_id: str) -> Organization:
    """An organisation; NotFoundError, ORGANIZATION_NOT_FOUND."""
    there = await tx.get(Organization, {"org_id": org_id})
    if there is None:
        raise not_found(org_id)
    return there


async def insist_on_active(tx: AsyncTransaction, org_id: str) -> None:
    """Somebody is to be put there: NotFoundError; FailedPreconditionError, it is not active."""
    if not (await found(tx, org_id)).active:
        raise FailedPreconditionError(
            f"the organisation {org_id!r} is not active",
            reason="ORGANIZATION_NOT_ACTIVE",
            org_id=org_id,
        )


async def page(
    tx: AsyncTransaction, size: int, after: str | None
) -> tuple[list[Organization], str | None]:
    """Some organisations, in no order, and where the next ones begin; None: these are the last.

    There is no list of organisations, so the whole table is gone through: they are few.
    """
    scanner = await tx.scanner(Organization, whole_table=True, limit=size, after=after)
    async with scanner:
        some = [one async for one in scanner]
        return some, scanner.page_token if len(some) == size else None


async def users(
    tx: AsyncTransaction, org_id: str, limit: int, after: str | None
) -> list[UserOfOrganization]:
    """The people of an organisation by e-mail, behind ``after``; NotFoundError."""
    await found(tx, org_id)
    start = None if after is None else {"user_email": after}
    return await tx.scan(
        UserOfOrganization, {"org_id": org_id}, start=start, start_inclusive=False, limit=limit
    )


async def forget_admin(tx: AsyncTransaction, org_id: str, user_email: str, now_ms: int) -> None:
    """An organisation has no admin any more if it was this one."""
    there = await tx.get(Organization, {"org_id": org_id})
    if there is not None and there.admin_email == user_email:
        await tx.update(replace(there, admin_email="", updated_at=now_ms))


def not_found(org_id: str) -> NotFoundError:
    """There is no such organisation, or the caller may not see it."""
    return NotFoundError(
        f"there is no organisation {org_id!r}", reason="ORGANIZATION_NOT_FOUND", org_id=org_id
    )


async def _insist_on_admin(tx: AsyncTransaction, organization: Organization) -> None:
    if organization.admin_email:
        await active(tx, organization.admin_email)

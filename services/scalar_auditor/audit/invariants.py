"""Does what the audit service keeps twice agree? (Services specification 4)

A set has exactly one OWNER, in both tables and on the set; every pair of tables says the same.
Reads whole tables at SNAPSHOT, a page to a transaction. Where calls go on meanwhile, two reads may
see two states: what looks wrong is read once more, serializable, before it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from scalar_auditor.audit.model import (
    AuditGroup,
    AuditSet,
    GroupMember,
    GroupOfSet,
    PersonOfSet,
    SetItem,
    SetOfGroup,
    SetOfItem,
    SetOfPerson,
)
from scalar_auditor.audit.rules import ACTIVE, DELETING
from scalar_auditor.identity import rules as identity
from scalar_auditor.permissions import SetRole
from scalar_tx import Get, Isolation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.model.record_class import RecordObject
    from scalar_tx.transaction_async import AsyncTransaction

T = TypeVar("T")
_PEOPLE_A_READ: Final = 500


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two tables with one fact: of a row of ``kind`` there is one of ``twin`` under the same key.

    ``key``: their key columns. ``same``: the other columns that both have.
    """

    kind: type[Any]
    twin: type[Any]
    key: tuple[str, ...]
    same: tuple[str, ...]

    def key_of(self, row: Any) -> dict[str, Any]:
        """The row's key, which is its twin's."""
        return {name: getattr(row, name) for name in self.key}

    def differs(self, row: Any, twin: Any) -> bool:
        """Are they not the same fact?"""
        return twin is None or any(getattr(row, one) != getattr(twin, one) for one in self.same)


_PERSON = ("user_email", "audit_set_id"), ("user_id", "role", "added_at")
_ITEM = ("audit_set_id", "item_id"), ("added_at",)
_LINK = ("audit_group_id", "audit_set_id"), ("linked_at",)
_PAIRS: Final = (
    _Pair(SetOfPerson, PersonOfSet, *_PERSON),
    _Pair(PersonOfSet, SetOfPerson, *_PERSON),
    _Pair(SetItem, SetOfItem, *_ITEM),
    _Pair(SetOfItem, SetItem, *_ITEM),
    _Pair(SetOfGroup, GroupOfSet, *_LINK),
    _Pair(GroupOfSet, SetOfGroup, *_LINK),
)
# Whose rows name something that has to be there: set, group.
_NAMED: Final[Sequence[tuple[type[Any], type[Any], str]]] = (
    (PersonOfSet, AuditSet, "audit_set_id"),
    (SetItem, AuditSet, "audit_set_id"),
    (SetOfGroup, AuditSet, "audit_set_id"),
    (SetOfGroup, AuditGroup, "audit_group_id"),
    (GroupMember, AuditGroup, "audit_group_id"),
)


async def findings(manager: AsyncTransactionManager) -> AsyncIterator[str]:
    """What is wrong, a sentence each; none: all agrees."""
    async for page in _pages(manager, AuditSet):
        for one in page:
            if _said := await _surely(manager, _owner_of, one.audit_set_id):
                yield _said
    for pair in _PAIRS:
        async for page in _pages(manager, pair.kind):
            for row in await _read(manager, _unlike, pair, page):
                if said := await _surely(manager, _pair_of, pair, pair.key_of(row)):
                    yield said
    for kind, named, name in _NAMED:
        async for page in _pages(manager, kind):
            ids = sorted({getattr(row, name) for row in page})
            for missing in await _read(manager, _missing, named, name, ids):
                if said := await _surely(manager, _orphans, kind, named, {name: missing}):
                    yield said
    async for page in _pages(manager, GroupMember):
        asked = [(row.user_email, row.audit_group_id) for row in page]
        kept = await _read(manager, identity.privileges_of, asked)
        for (email, group), row, privilege in zip(asked, page, kept, strict=True):
            if row.privilege != privilege:
                if said := await _surely(manager, _membership, email, group):
                    yield said
    after: str | None = None
    while True:
        rows, after = await _read(manager, identity.some_memberships, after)
        for email, group, _ in rows:
            if said := await _read(manager, _membership, email, group):
                if said := await _surely(manager, _membership, email, group):
                    yield said
        if after is None:
            return

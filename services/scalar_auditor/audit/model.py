"""What is one record of each table of the namespace ``audit``? (namespaces/audit.json)"""

from __future__ import annotations

from dataclasses import dataclass

from scalar_tx import table


@table("audit.audit_set")
@dataclass(frozen=True, slots=True)
class AuditSet:
    """A set of items chosen for an audit. ``status``: ACTIVE, DELETING."""

    audit_set_id: str
    name: str
    description: str
    owner_user_id: str
    owner_email: str
    status: str
    created_at: int
    updated_at: int


@table("audit.audit_group")
@dataclass(frozen=True, slots=True)
class AuditGroup:
    """A group of people. One that is being deleted has no name any more."""

    audit_group_id: str
    name: str
    description: str
    owner_user_id: str
    owner_email: str
    created_at: int
    updated_at: int


@table("audit.audit_set_collaborators")
@dataclass(frozen=True, slots=True)
class SetOfPerson:
    """A person's role on a set, by person."""

    user_email: str
    audit_set_id: str
    user_id: str
    role: str
    added_by: str
    added_at: int


@table("audit.collaborators_by_audit_set")
@dataclass(frozen=True, slots=True)
class PersonOfSet:
    """A person's role on a set, by set."""

    audit_set_id: str
    user_email: str
    user_id: str
    role: str
    added_at: int


@table("audit.audit_set_item")
@dataclass(frozen=True, slots=True)
class SetItem:
    """An item in a set, as it was when it was added."""

    audit_set_id: str
    item_id: str
    item_type: str
    item_name: str
    parent_id: str
    sha1_hash: str
    monitoring_status: str
    added_by: str
    added_at: int


@table("audit.sets_of_item")
@dataclass(frozen=True, slots=True)
class SetOfItem:
    """A set that an item is in."""

    item_id: str
    audit_set_id: str
    added_at: int


@table("audit.audit_grp_audit_set_mapping")
@dataclass(frozen=True, slots=True)
class SetOfGroup:
    """A set that is linked to a group, by group."""

    audit_group_id: str
    audit_set_id: str
    linked_by: str
    linked_at: int


@table("audit.audit_groups_by_set")
@dataclass(frozen=True, slots=True)
class GroupOfSet:
    """A group that a set is linked to, by set."""

    audit_set_id: str
    audit_group_id: str
    linked_at: int


@table("audit.audit_group_members")
@dataclass(frozen=True, slots=True)
class GroupMember:
    """A person in a group."""

    audit_group_id: str
    user_email: str
    privilege: str
    added_at: int

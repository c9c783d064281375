"""How are records of the audit service told on the wire?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.rpc.v1 import audit_pb2 as pb

if TYPE_CHECKING:
    from scalar_auditor.audit.groups import Seen
    from scalar_auditor.audit.items import Standing
    from scalar_auditor.audit.model import AuditSet, GroupMember, PersonOfSet
    from scalar_auditor.event.model import AuditorLog
    from scalar_auditor.permissions import SetRole


def audit_set(found: AuditSet, role: SetRole | None) -> pb.AuditSet:
    """A set, and what the caller is on it."""
    return pb.AuditSet(
        audit_set_id=found.audit_set_id,
        name=found.name,
        description=found.description,
        owner_user_id=found.owner_user_id,
        owner_email=found.owner_email,
        status=found.status,
        created_at=found.created_at,
        updated_at=found.updated_at,
        role=role or "",
    )


def collaborator(row: PersonOfSet) -> pb.Collaborator:
    """A person's role on a set."""
    return pb.Collaborator(
        audit_set_id=row.audit_set_id,
        user_email=row.user_email,
        user_id=row.user_id,
        role=row.role,
        added_at=row.added_at,
    )


def item(found: Standing) -> pb.AuditSetItem:
    """An item of a set, as it stands now."""
    row = found.row
    return pb.AuditSetItem(
        audit_set_id=row.audit_set_id,
        item_id=row.item_id,
        item_type=row.item_type,
        item_name=row.item_name,
        parent_id=row.parent_id,
        sha1_hash=row.sha1_hash,
        monitoring_status=found.monitoring_status,
        added_by=row.added_by,
        added_at=row.added_at,
        deleted=found.deleted,
        tampering_status=found.tampering_status,
    )


def group(found: Seen) -> pb.AuditGroup:
    """A group, and the caller's privilege in it."""
    row = found.group
    return pb.AuditGroup(
        audit_group_id=row.audit_group_id,
        name=row.name,
        description=row.description,
        owner_user_id=row.owner_user_id,
        owner_email=row.owner_email,
        created_at=row.created_at,
        updated_at=row.updated_at,
        privilege=found.privilege or "",
    )


def member(row: GroupMember) -> pb.GroupMember:
    """A person in a group."""
    return pb.GroupMember(
        audit_group_id=row.audit_group_id,
        user_email=row.user_email,
        privilege=row.privilege,
        added_at=row.added_at,
    )


def log_entry(row: AuditorLog) -> pb.AuditorLog:
    """One view of a set by an outside auditor."""
    return pb.AuditorLog(
        audit_set_id=row.audit_set_id,
        log_id=row.log_id,
        action_type=row.action_type,
        item_id=row.item_id,
        user_id=row.user_id,
        user_email=row.user_email,
        created_at=row.created_at,
    )

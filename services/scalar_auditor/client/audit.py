"""What can a client ask of the audit service? (proto/scalar_auditor/v1/audit.proto)

Raises as ``Connection.call`` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.client.connection import Repeat
from scalar_auditor.client.new_id import new_id
from scalar_auditor.client.pages import entries
from scalar_auditor.rpc.v1 import audit_pb2, common_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scalar_auditor.client.connection import Connection


class AuditCalls:
    """Audit sets and groups."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create_audit_set(
        self, *, name: str, audit_set_id: str | None = None, description: str = ""
    ) -> audit_pb2.AuditSet:
        """Make an audit set that the caller owns.

        An id that is not given is chosen here, so that the call can be sent again.
        """
        request = audit_pb2.CreateAuditSetRequest(
            audit_set_id=audit_set_id or new_id(), name=name, description=description
        )
        return self._connection.call(
            "AuditService.CreateAuditSet", request, audit_pb2.AuditSet, Repeat.SAME
        )

    def get_audit_set(self, *, audit_set_id: str) -> audit_pb2.AuditSet:
        """An audit set, and the caller's role on it."""
        request = audit_pb2.AuditSetRequest(audit_set_id=audit_set_id)
        return self._connection.call(
            "AuditService.GetAuditSet", request, audit_pb2.AuditSet, Repeat.READS
        )

    def list_my_audit_sets(self, *, page_size: int = 100) -> Iterator[audit_pb2.AuditSet]:
        """The audit sets that the caller reaches, directly or through a group, by id."""
        request = audit_pb2.ListMyAuditSetsRequest()
        return entries(
            self._connection,
            "AuditService.ListMyAuditSets",
            request,
            audit_pb2.AuditSets,
            lambda page: page.audit_sets,
            page_size=page_size,
        )

    def update_audit_set(
        self, *, audit_set_id: str, name: str | None = None, description: str | None = None
    ) -> audit_pb2.AuditSet:
        """Rename or describe a set; what is not given stays."""
        request = audit_pb2.UpdateAuditSetRequest(
            audit_set_id=audit_set_id, name=name, description=description
        )
        return self._connection.call(
            "AuditService.UpdateAuditSet", request, audit_pb2.AuditSet, Repeat.SAME
        )

    def delete_audit_set(self, *, audit_set_id: str) -> None:
        """Delete a set, in as many steps as it takes."""
        request = audit_pb2.AuditSetRequest(audit_set_id=audit_set_id)
        self._connection.finish("AuditService.DeleteAuditSet", request)

    def add_collaborators(
        self, *, audit_set_id: str, collaborators: Iterable[audit_pb2.NewCollaborator]
    ) -> audit_pb2.Collaborators:
        """Let 1 to 100 people work on a set, all or none of them."""
        request = audit_pb2.AddCollaboratorsRequest(
            audit_set_id=audit_set_id, collaborators=collaborators
        )
        return self._connection.call(
            "AuditService.AddCollaborators", request, audit_pb2.Collaborators, Repeat.SAME
        )

    def remove_collaborator(self, *, audit_set_id: str, user_email: str) -> None:
        """Take a person off a set."""
        request = audit_pb2.CollaboratorRequest(audit_set_id=audit_set_id, user_email=user_email)
        self._connection.call(
            "AuditService.RemoveCollaborator",
            request,
            common_pb2.Done,
            Repeat.SAME,
            common_pb2.Done(),
        )

    def change_collaborator_role(
        self, *, audit_set_id: str, user_email: str, role: str
    ) -> audit_pb2.Collaborator:
        """Give a person on a set another role: CO_OWNER, MEMBER, REVIEWER."""
        request = audit_pb2.ChangeCollaboratorRoleRequest(
            audit_set_id=audit_set_id, user_email=user_email, role=role
        )
        return self._connection.call(
            "AuditService.ChangeCollaboratorRole", request, audit_pb2.Collaborator, Repeat.SAME
        )

    def transfer_ownership(self, *, audit_set_id: str, user_email: str) -> audit_pb2.AuditSet:
        """Hand a set over to somebody; the owner until now becomes a CO_OWNER."""
        request = audit_pb2.CollaboratorRequest(audit_set_id=audit_set_id, user_email=user_email)
        return self._connection.call(
            "AuditService.TransferOwnership", request, audit_pb2.AuditSet, Repeat.ONCE
        )

    def list_collaborators(
        self, *, audit_set_id: str, page_size: int = 100
    ) -> Iterator[audit_pb2.Collaborator]:
        """The people on a set, by e-mail."""
        request = audit_pb2.ListOfSetRequest(audit_set_id=audit_set_id)
        return entries(
            self._connection,
            "AuditService.ListCollaborators",
            request,
            audit_pb2.Collaborators,
            lambda page: page.collaborators,
            page_size=page_size,
        )

    def add_items(self, *, audit_set_id: str, item_ids: Iterable[str]) -> audit_pb2.AuditSetItems:
        """Put 1 to 500 items into a set, all or none; one that is in it stays as it is."""
        request = audit_pb2.AddItemsRequest(audit_set_id=audit_set_id, item_ids=item_ids)
        return self._connection.call(
            "AuditService.AddItems", request, audit_pb2.AuditSetItems, Repeat.SAME
        )

    def remove_item(self, *, audit_set_id: str, item_id: str) -> None:
        """Take an item out of a set."""
        request = audit_pb2.SetItemRequest(audit_set_id=audit_set_id, item_id=item_id)
        self._connection.call(
            "AuditService.RemoveItem", request, common_pb2.Done, Repeat.SAME, common_pb2.Done()
        )

    def list_items(
        self, *, audit_set_id: str, page_size: int = 100
    ) -> Iterator[audit_pb2.AuditSetItem]:
        """The items of a set, by id."""
        request = audit_pb2.ListOfSetRequest(audit_set_id=audit_set_id)
        return entries(
            self._connection,
            "AuditService.ListItems",
            request,
            audit_pb2.AuditSetItems,
            lambda page: page.items,
            page_size=page_size,
        )

    def create_audit_group(
        self, *, name: str, audit_group_id: str | None = None, description: str = ""
    ) -> audit_pb2.AuditGroup:
        """Make a group that the caller owns.

        An id that is not given is chosen here, so that the call can be sent again.
        """
        request = audit_pb2.CreateAuditGroupRequest(
            audit_group_id=audit_group_id or new_id(), name=name, description=description
        )
        return self._connection.call(
            "AuditService.CreateAuditGroup", request, audit_pb2.AuditGroup, Repeat.SAME
        )

    def update_audit_group(
        self, *, audit_group_id: str, name: str | None = None, description: str | None = None
    ) -> audit_pb2.AuditGroup:
        """Rename or describe a group; what is not given stays."""
        request = audit_pb2.UpdateAuditGroupRequest(
            audit_group_id=audit_group_id, name=name, description=description
        )
        return self._connection.call(
            "AuditService.UpdateAuditGroup", request, audit_pb2.AuditGroup, Repeat.SAME
        )

    def delete_audit_group(self, *, audit_group_id: str) -> None:
        """Delete a group, in as many steps as it takes."""
        request = audit_pb2.AuditGroupRequest(audit_group_id=audit_group_id)
        self._connection.finish("AuditService.DeleteAuditGroup", request)

    def list_audit_groups(self, *, page_size: int = 100) -> Iterator[audit_pb2.AuditGroup]:
        """The groups that the caller is in, by id."""
        request = audit_pb2.ListAuditGroupsRequest()
        return entries(
            self._connection,
            "AuditService.ListAuditGroups",
            request,
            audit_pb2.AuditGroups,
            lambda page: page.audit_groups,
            page_size=page_size,
        )

    def add_group_member(
        self, *, audit_group_id: str, user_email: str, privilege: str
    ) -> audit_pb2.GroupMember:
        """Let somebody into a group, as OWNER or MEMBER."""
        request = audit_pb2.GroupMember(
            audit_group_id=audit_group_id, user_email=user_email, privilege=privilege
        )
        return self._connection.call(
            "AuditService.AddGroupMember", request, audit_pb2.GroupMember, Repeat.SAME
        )

    def remove_group_member(self, *, audit_group_id: str, user_email: str) -> None:
        """Take somebody out of a group."""
        request = audit_pb2.GroupMemberRequest(audit_group_id=audit_group_id, user_email=user_email)
        self._connection.call(
            "AuditService.RemoveGroupMember",
            request,
            common_pb2.Done,
            Repeat.SAME,
            common_pb2.Done(),
        )

    def list_group_members(
        self, *, audit_group_id: str, page_size: int = 100
    ) -> Iterator[audit_pb2.GroupMember]:
        """The people in a group, by e-mail."""
        request = audit_pb2.ListGroupMembersRequest(audit_group_id=audit_group_id)
        return entries(
            self._connection,
            "AuditService.ListGroupMembers",
            request,
            audit_pb2.GroupMembers,
            lambda page: page.members,
            page_size=page_size,
        )

    def link_audit_set(self, *, audit_group_id: str, audit_set_id: str) -> None:
        """Let the members of a group reach a set."""
        request = audit_pb2.LinkRequest(audit_group_id=audit_group_id, audit_set_id=audit_set_id)
        self._connection.call("AuditService.LinkAuditSet", request, common_pb2.Done, Repeat.SAME)

    def unlink_audit_set(self, *, audit_group_id: str, audit_set_id: str) -> None:
        """Let the members of a group not reach a set any more."""
        request = audit_pb2.LinkRequest(audit_group_id=audit_group_id, audit_set_id=audit_set_id)
        self._connection.call(
            "AuditService.UnlinkAuditSet", request, common_pb2.Done, Repeat.SAME, common_pb2.Done()
        )

    def list_auditor_logs(
        self, *, audit_set_id: str, page_size: int = 100
    ) -> Iterator[audit_pb2.AuditorLog]:
        """What outside auditors looked at in a set."""
        request = audit_pb2.ListOfSetRequest(audit_set_id=audit_set_id)
        return entries(
            self._connection,
            "AuditService.ListAuditorLogs",
            request,
            audit_pb2.AuditorLogs,
            lambda page: page.logs,
            page_size=page_size,
        )

    def export_report(
        self, *, audit_set_id: str, report_format: audit_pb2.ReportFormat
    ) -> Iterator[audit_pb2.ReportChunk]:
        """The report on a set, in parts that make the file one after the other."""
        request = audit_pb2.ExportReportRequest(audit_set_id=audit_set_id, format=report_format)
        return self._connection.stream("AuditService.ExportReport", request, audit_pb2.ReportChunk)

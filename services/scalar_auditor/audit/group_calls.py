"""AuditService, its methods about groups: requests in, answers out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_auditor import fields
from scalar_auditor.audit import answers, groups, sets
from scalar_auditor.audit.model import GroupMember
from scalar_auditor.audit.requests import cut, deleted, new_id, present, set_id, user_email
from scalar_auditor.permissions import Privilege
from scalar_auditor.rpc.v1 import audit_pb2 as pb
from scalar_auditor.rpc.v1 import common_pb2

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller


class GroupCalls:
    """The methods about groups and what is linked to them."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor = auditor

    def calls(self) -> Mapping[str, Callable[..., Awaitable[Any]]]:
        """All of them by name."""
        return {
            "CreateAuditGroup": self._create,
            "UpdateAuditGroup": self._update,
            "DeleteAuditGroup": self._delete,
            "ListAuditGroups": self._list_mine,
            "AddGroupMember": self._add_member,
            "RemoveGroupMember": self._remove_member,
            "ListGroupMembers": self._list_members,
            "LinkAuditSet": self._link,
            "UnlinkAuditSet": self._unlink,
        }

    async def _create(self, ask: pb.CreateAuditGroupRequest, caller: Caller) -> pb.AuditGroup:
        sets.insist_on_creating(caller)
        group_id = new_id("audit_group_id", ask.audit_group_id)
        words = sets.Words(
            fields.line("name", ask.name), fields.text("description", ask.description)
        )
        now_ms = self._auditor.now_ms()
        made = await self._auditor.change(caller, groups.create, caller, group_id, words, now_ms)
        return answers.group(made)

    async def _update(self, ask: pb.UpdateAuditGroupRequest, caller: Caller) -> pb.AuditGroup:
        group_id, words = _group_id(ask), present(ask)
        now_ms = self._auditor.now_ms()
        changed = await self._auditor.change(
            caller, groups.describe, caller, group_id, words, now_ms
        )
        return answers.group(changed)

    async def _delete(self, ask: pb.AuditGroupRequest, caller: Caller) -> common_pb2.Steps:
        return await deleted(self._auditor, caller, groups.delete_step, _group_id(ask))

    async def _list_mine(self, ask: pb.ListAuditGroupsRequest, caller: Caller) -> pb.AuditGroups:
        of = ("ListAuditGroups", caller.email)
        page = self._auditor.pages.asked(ask.page, *of)
        found = await self._auditor.listed(caller, groups.mine, caller, page.after, page.size + 1)
        return pb.AuditGroups(
            audit_groups=[answers.group(one) for _, one in found[: page.size] if one is not None],
            next_page_token=cut(
                self._auditor.pages, found, page.size, lambda last: str(last[0]), *of
            ),
        )

    async def _add_member(self, ask: pb.GroupMember, caller: Caller) -> pb.GroupMember:
        wanted = GroupMember(
            audit_group_id=_group_id(ask),
            user_email=user_email(ask),
            privilege=fields.one_of("privilege", ask.privilege, Privilege).value,
            added_at=self._auditor.now_ms(),
        )
        row = await self._auditor.change(caller, groups.add_member, caller, wanted)
        return answers.member(row)

    async def _remove_member(self, ask: pb.GroupMemberRequest, caller: Caller) -> common_pb2.Done:
        group_id, email = _group_id(ask), user_email(ask)
        now_ms = self._auditor.now_ms()
        await self._auditor.change(caller, groups.remove_member, caller, group_id, email, now_ms)
        return common_pb2.Done()

    async def _list_members(
        self, ask: pb.ListGroupMembersRequest, caller: Caller
    ) -> pb.GroupMembers:
        group_id = _group_id(ask)
        of = ("ListGroupMembers", group_id)
        page = self._auditor.pages.asked(ask.page, *of)
        found = await self._auditor.listed(
            caller, groups.members_page, caller, group_id, page.after, page.size + 1
        )
        return pb.GroupMembers(
            members=map(answers.member, found[: page.size]),
            next_page_token=cut(
                self._auditor.pages, found, page.size, lambda last: str(last.user_email), *of
            ),
        )

    async def _link(self, ask: pb.LinkRequest, caller: Caller) -> common_pb2.Done:
        group_id, audit_set_id = _group_id(ask), set_id(ask)
        now_ms = self._auditor.now_ms()
        await self._auditor.change(caller, groups.link, caller, group_id, audit_set_id, now_ms)
        return common_pb2.Done()

    async def _unlink(self, ask: pb.LinkRequest, caller: Caller) -> common_pb2.Done:
        group_id, audit_set_id = _group_id(ask), set_id(ask)
        await self._auditor.change(caller, groups.unlink, caller, group_id, audit_set_id)
        return common_pb2.Done()


def _group_id(ask: Any) -> str:
    return fields.identifier("audit_group_id", ask.audit_group_id)

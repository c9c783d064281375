"""AuditService: requests in, answers out (services specification 3)."""

from __future__ import annotations

import uuid
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor import fields
from scalar_auditor.audit import answers, collaborators, items, reach, report, sets
from scalar_auditor.audit.group_calls import GroupCalls
from scalar_auditor.audit.report_text import Chunks, CsvTable, JsonLines
from scalar_auditor.audit.requests import (
    cut,
    deleted,
    many,
    new_id,
    no_owner_role,
    present,
    set_id,
    user_email,
)
from scalar_auditor.errors import InvalidArgumentError
from scalar_auditor.event import rules as events
from scalar_auditor.permissions import Action, SetRole
from scalar_auditor.rpc.v1 import audit_pb2 as pb
from scalar_auditor.rpc.v1 import common_pb2
from scalar_auditor.serving import PEOPLE, Method
from scalar_auditor.viewing import View, viewed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from scalar_auditor.audit.model import AuditSet
    from scalar_auditor.audit.report_text import Writing
    from scalar_auditor.event.model import AuditorLog
    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction

_MOST_PEOPLE: Final = 100
_MOST_ITEMS: Final = 500
_MOST_SEEN: Final = 100  # sets on a page for an outside auditor: each is logged

_Reached = tuple[str, "AuditSet | None", "SetRole | None"]


class Api:
    """The methods of AuditService."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor = auditor
        self._items = items.SetItems(auditor.keys)
        self._groups = GroupCalls(auditor)

    def methods(self) -> Mapping[str, Method]:
        """All of them by name. They are for people; services have no role on a set."""
        own: Mapping[str, Callable[..., Awaitable[Any]]] = {
            "CreateAuditSet": self._create,
            "GetAuditSet": self._get,
            "ListMyAuditSets": self._list_mine,
            "UpdateAuditSet": self._update,
            "DeleteAuditSet": self._delete,
            "AddCollaborators": self._add_collaborators,
            "RemoveCollaborator": self._remove_collaborator,
            "ChangeCollaboratorRole": self._change_role,
            "TransferOwnership": self._transfer,
            "ListCollaborators": self._list_collaborators,
            "AddItems": self._add_items,
            "RemoveItem": self._remove_item,
            "ListItems": self._list_items,
            "ListAuditorLogs": self._list_logs,
            "ExportReport": self._export,
        }
        return {
            name: Method(serve, PEOPLE) for name, serve in {**own, **self._groups.calls()}.items()
        }

    # Sets.

    async def _create(self, ask: pb.CreateAuditSetRequest, caller: Caller) -> pb.AuditSet:
        sets.insist_on_creating(caller)
        audit_set_id = new_id("audit_set_id", ask.audit_set_id)
        words = sets.Words(
            fields.line("name", ask.name), fields.text("description", ask.description)
        )
        now_ms = self._auditor.now_ms()
        how = sets.create_once if ask.audit_set_id else sets.create
        made = await self._auditor.change(caller, how, caller, audit_set_id, words, now_ms)
        return answers.audit_set(made, SetRole.OWNER)

    async def _get(self, ask: pb.AuditSetRequest, caller: Caller) -> pb.AuditSet:
        audit_set_id = set_id(ask)
        view = View(caller, "GetAuditSet", audit_set_id)
        seen: tuple[AuditSet, SetRole | None] = await viewed(
            self._auditor, self._auditor.read, view, sets.allowed, caller, audit_set_id
        )
        found, role = seen
        return answers.audit_set(found, role)

    async def _list_mine(self, ask: pb.ListMyAuditSetsRequest, caller: Caller) -> pb.AuditSets:
        of = ("ListMyAuditSets", caller.email)
        page = self._auditor.pages.asked(ask.page, *of)
        if caller.is_outside_auditor:
            size = min(page.size, _MOST_SEEN)
            found = await self._list_logged(caller, page.after, size)
        else:
            size = page.size
            found = await self._auditor.listed(caller, reach.page, caller, page.after, size + 1)
        return pb.AuditSets(
            audit_sets=[
                answers.audit_set(one, role) for _, one, role in found[:size] if one is not None
            ],
            next_page_token=self._next(found, size, lambda last: last[0], *of),
        )

    async def _list_logged(self, caller: Caller, after: str | None, size: int) -> list[_Reached]:
        """A page for an outside auditor: each set on it is seen, and has its row in the log."""
        now_ms = self._auditor.now_ms()
        log_id = events.time_ordered_id(now_ms, uuid.uuid4().hex)

        async def logged(tx: AsyncTransaction) -> list[_Reached]:
            found = await reach.page(tx, caller, after, size + 1)
            for audit_set_id, one, _ in found[:size]:
                if one is not None:
                    await events.record_view(
                        tx,
                        caller,
                        audit_set_id=audit_set_id,
                        log_id=log_id,
                        action_type="ListMyAuditSets",
                        item_id="",
                        created_at=now_ms,
                    )
            return found

        return await self._auditor.change(caller, logged)

    async def _update(self, ask: pb.UpdateAuditSetRequest, caller: Caller) -> pb.AuditSet:
        audit_set_id, words = set_id(ask), present(ask)
        now_ms = self._auditor.now_ms()
        changed, role = await self._changed(
            caller, "UpdateAuditSet", audit_set_id, sets.describe, words, now_ms
        )
        return answers.audit_set(changed, role)

    async def _changed(
        self,
        caller: Caller,
        name: str,
        audit_set_id: str,
        work: Callable[..., Awaitable[Any]],
        *args: Any,
    ) -> Any:
        """A change that answers with what is there, which is a view of it by who asked for it."""
        view = View(caller, name, audit_set_id)
        return await viewed(
            self._auditor, self._auditor.change, view, work, caller, audit_set_id, *args
        )

    async def _delete(self, ask: pb.AuditSetRequest, caller: Caller) -> common_pb2.Steps:
        return await deleted(self._auditor, caller, sets.delete_step, set_id(ask))

    # Collaborators.

    async def _add_collaborators(
        self, ask: pb.AddCollaboratorsRequest, caller: Caller
    ) -> pb.Collaborators:
        audit_set_id = set_id(ask)
        fields.count("collaborators", len(ask.collaborators), 1, _MOST_PEOPLE)
        wanted: dict[str, SetRole] = {}
        for at, one in enumerate(ask.collaborators):
            place = f"collaborators[{at}]"
            email = fields.email(f"{place}.user_email", one.user_email)
            if email in wanted:
                raise InvalidArgumentError(f"{place}.user_email", "it is there twice")
            wanted[email] = no_owner_role(f"{place}.role", one.role)
        now_ms = self._auditor.now_ms()
        rows = await self._changed(
            caller, "AddCollaborators", audit_set_id, collaborators.add, wanted, now_ms
        )
        return pb.Collaborators(collaborators=map(answers.collaborator, rows))

    async def _remove_collaborator(
        self, ask: pb.CollaboratorRequest, caller: Caller
    ) -> common_pb2.Done:
        audit_set_id, email = set_id(ask), user_email(ask)
        await self._auditor.change(caller, collaborators.remove, caller, audit_set_id, email)
        return common_pb2.Done()

    async def _change_role(
        self, ask: pb.ChangeCollaboratorRoleRequest, caller: Caller
    ) -> pb.Collaborator:
        audit_set_id, email = set_id(ask), user_email(ask)
        role = no_owner_role("role", ask.role)
        row = await self._changed(
            caller,
            "ChangeCollaboratorRole",
            audit_set_id,
            collaborators.change_role,
            email,
            role,
        )
        return answers.collaborator(row)

    async def _transfer(self, ask: pb.CollaboratorRequest, caller: Caller) -> pb.AuditSet:
        audit_set_id, email = set_id(ask), user_email(ask)
        now_ms = self._auditor.now_ms()
        changed, role = await self._changed(
            caller, "TransferOwnership", audit_set_id, collaborators.transfer, email, now_ms
        )
        return answers.audit_set(changed, role)

    async def _list_collaborators(
        self, ask: pb.ListOfSetRequest, caller: Caller
    ) -> pb.Collaborators:
        rows, token = await self._list_of_set(
            ask, caller, "ListCollaborators", collaborators.page, lambda last: last.user_email
        )
        return pb.Collaborators(
            collaborators=map(answers.collaborator, rows), next_page_token=token
        )

    # Items.

    async def _add_items(self, ask: pb.AddItemsRequest, caller: Caller) -> pb.AuditSetItems:
        audit_set_id = set_id(ask)
        item_ids = many("item_ids", ask.item_ids, _MOST_ITEMS)
        now_ms = self._auditor.now_ms()
        found = await self._changed(
            caller, "AddItems", audit_set_id, self._items.add, item_ids, now_ms
        )
        return pb.AuditSetItems(items=map(answers.item, found))

    async def _remove_item(self, ask: pb.SetItemRequest, caller: Caller) -> common_pb2.Done:
        audit_set_id = set_id(ask)
        item_id = fields.identifier("item_id", ask.item_id)
        await self._auditor.change(caller, items.remove, caller, audit_set_id, item_id)
        return common_pb2.Done()

    async def _list_items(self, ask: pb.ListOfSetRequest, caller: Caller) -> pb.AuditSetItems:
        found, token = await self._list_of_set(
            ask, caller, "ListItems", self._items.page, lambda last: last.row.item_id
        )
        return pb.AuditSetItems(items=map(answers.item, found), next_page_token=token)

    # What was looked at.

    async def _list_logs(self, ask: pb.ListOfSetRequest, caller: Caller) -> pb.AuditorLogs:
        rows, token = await self._list_of_set(
            ask, caller, "ListAuditorLogs", _log_page, lambda last: last.log_id
        )
        return pb.AuditorLogs(logs=map(answers.log_entry, rows), next_page_token=token)

    async def _list_of_set(
        self,
        ask: pb.ListOfSetRequest,
        caller: Caller,
        name: str,
        work: Callable[..., Awaitable[list[Any]]],
        position: Callable[[Any], str],
    ) -> tuple[list[Any], str]:
        """A page of what ``work`` finds of a set, and the token of the next one."""
        audit_set_id = set_id(ask)
        page = self._auditor.pages.asked(ask.page, name, audit_set_id)
        found: list[Any] = await viewed(
            self._auditor,
            self._auditor.listed,
            View(caller, name, audit_set_id),
            work,
            caller,
            audit_set_id,
            page.after,
            page.size + 1,
        )
        return found[: page.size], self._next(found, page.size, position, name, audit_set_id)

    def _next(
        self, found: list[Any], size: int, position: Callable[[Any], str], *of: object
    ) -> str:
        return cut(self._auditor.pages, found, size, position, *of)

    async def _export(
        self,
        ask: pb.ExportReportRequest,
        caller: Caller,
        send: Callable[[pb.ReportChunk], Awaitable[None]],
    ) -> None:
        audit_set_id = set_id(ask)
        writing = _WRITINGS.get(ask.format)
        if writing is None:
            raise InvalidArgumentError("format", "it is REPORT_FORMAT_CSV or REPORT_FORMAT_JSON")
        view = View(caller, "ExportReport", audit_set_id)

        async def read(work: Callable[..., Awaitable[Any]], *args: Any) -> Any:
            async def how(_: Caller, *more: Any) -> Any:
                return await viewed(self._auditor, self._auditor.read, view, *more)

            return await self._auditor.step(how, caller, work, *args)

        asked = report.Asked(self._items, caller, audit_set_id, self._auditor.now_ms())
        chunks = Chunks(lambda data: send(pb.ReportChunk(data=data)))
        begun = False
        async with aclosing(report.lines(asked, read)) as pages:
            async for lines in pages:
                await chunks.add((b"" if begun else writing.begin()) + writing.text(lines))
                begun = True
        await chunks.end()


_WRITINGS: Final[Mapping[int, Writing]] = {
    pb.REPORT_FORMAT_CSV: CsvTable(),
    pb.REPORT_FORMAT_JSON: JsonLines(),
}


async def _log_page(
    tx: AsyncTransaction, caller: Caller, audit_set_id: str, after: str | None, limit: int
) -> list[AuditorLog]:
    await sets.allowed(tx, caller, audit_set_id, Action.READ_LOG)
    return await events.views_of(tx, audit_set_id, after, limit)

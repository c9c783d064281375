"""What does ItemService answer?

Who may see an item sees by name what lies in it and the folders that it lies in: a path or a list
without names would be none. What else there is to know of those wants a look at them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor import fields
from scalar_auditor.item import rules
from scalar_auditor.item.messages import child_message, item_in, item_message
from scalar_auditor.item.tree import FOLDER
from scalar_auditor.rpc.v1 import item_pb2
from scalar_auditor.serving import LOGGED_IN, SERVICES, Method
from scalar_auditor.verification import rules as verification
from scalar_auditor.viewing import View, viewed
from scalar_auditor.visibility import visible_item

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from scalar_auditor.item.model import Child, Item
    from scalar_auditor.keys import KeyRing
    from scalar_auditor.paging import Page
    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller
    from scalar_auditor.verification.model import ItemStatus
    from scalar_tx.transaction_async import AsyncTransaction


class Api:
    """The methods of ItemService."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor = auditor

    def methods(self) -> Mapping[str, Method]:
        """Each method and whom it is for."""
        return {
            "UpsertItem": Method(self.upsert_item, SERVICES),
            "GetItem": Method(self.get_item, LOGGED_IN),
            "ListChildren": Method(self.list_children, LOGGED_IN),
            "GetPath": Method(self.get_path, LOGGED_IN),
            "MoveItem": Method(self.move_item, SERVICES),
            "DeleteItem": Method(self.delete_item, SERVICES),
        }

    async def upsert_item(self, ask: item_pb2.Item, caller: Caller) -> item_pb2.Item:
        """Let an item be what is told of it."""
        return item_message(await self._auditor.change(caller, rules.upsert, item_in(ask)))

    async def move_item(self, ask: item_pb2.MoveItemRequest, caller: Caller) -> item_pb2.Item:
        """Put an item into another folder."""
        item_id = fields.identifier("item_id", ask.item_id)
        parent_id = fields.optional_identifier("parent_id", ask.parent_id)
        modified_at = fields.moment("modified_at", ask.modified_at)
        moved = await self._auditor.change(caller, rules.move, item_id, parent_id, modified_at)
        return item_message(moved)

    async def delete_item(self, ask: item_pb2.DeleteItemRequest, caller: Caller) -> item_pb2.Item:
        """Mark an item as deleted."""
        item_id = fields.identifier("item_id", ask.item_id)
        modified_at = fields.moment("modified_at", ask.modified_at)
        return item_message(await self._auditor.change(caller, rules.delete, item_id, modified_at))

    async def get_item(self, ask: item_pb2.ItemRequest, caller: Caller) -> item_pb2.ItemWithStatus:
        """An item, and what is known of whether it was altered, of one moment.

        What is stored of that is checked as far as GetStatus does.
        """
        view = _view(ask, caller, "GetItem")
        keys = self._auditor.keys
        found, told, status = await viewed(
            self._auditor, self._auditor.read, view, _item, view, keys
        )
        return item_pb2.ItemWithStatus(
            item=item_message(found),
            tampering_status=told,
            last_verified_at=0 if status is None else status.last_verified_at,
        )

    async def list_children(
        self, ask: item_pb2.ListChildrenRequest, caller: Caller
    ) -> item_pb2.Children:
        """What lies in a folder; in a file lies nothing."""
        view = _view(ask, caller, "ListChildren")
        of = ("ListChildren", view.item_id, view.audit_set_id)
        page = self._auditor.pages.asked(ask.page, *of)
        found = await viewed(self._auditor, self._auditor.listed, view, _children, view, page)
        more = len(found) > page.size
        del found[page.size :]
        return item_pb2.Children(
            children=map(child_message, found),
            next_page_token=self._auditor.pages.token(found[-1].item_id, *of) if more else "",
        )

    async def get_path(self, ask: item_pb2.ItemRequest, caller: Caller) -> item_pb2.Path:
        """The folders that an item lies in, from the root."""
        view = _view(ask, caller, "GetPath")
        found = await viewed(self._auditor, self._auditor.read, view, _path, view)
        return item_pb2.Path(items=map(child_message, found))


def _view(ask: Any, caller: Caller, method: str) -> View:
    item_id = fields.identifier("item_id", ask.item_id)
    audit_set_id = fields.optional_identifier("audit_set_id", ask.audit_set_id)
    return View(caller, method, audit_set_id, item_id)


async def _item(
    tx: AsyncTransaction, view: View, keys: KeyRing
) -> tuple[Item, str, ItemStatus | None]:
    item = await visible_item(tx, view.caller, view.item_id, view.audit_set_id)
    return item, *(await verification.checked_status_of(tx, keys, item.item_id))


async def _children(tx: AsyncTransaction, view: View, page: Page) -> list[Child]:
    item = await visible_item(tx, view.caller, view.item_id, view.audit_set_id)
    if item.item_type != FOLDER:
        return []
    return await rules.children_of(tx, item.item_id, after=page.after, limit=page.size + 1)


async def _path(tx: AsyncTransaction, view: View) -> list[Item]:
    item = await visible_item(tx, view.caller, view.item_id, view.audit_set_id)
    return await rules.path_to(tx, item)

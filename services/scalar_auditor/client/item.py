"""What can a client ask of the item service? (proto/scalar_auditor/v1/item.proto)

Raises as ``Connection.call`` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.client.connection import Repeat
from scalar_auditor.client.pages import entries
from scalar_auditor.rpc.v1 import item_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_auditor.client.connection import Connection


class ItemCalls:
    """Files and folders."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def upsert_item(self, item: item_pb2.Item) -> item_pb2.Item:
        """Tell what a file or folder is from now on."""
        return self._connection.call("ItemService.UpsertItem", item, item_pb2.Item, Repeat.SAME)

    def get_item(self, *, item_id: str, audit_set_id: str = "") -> item_pb2.ItemWithStatus:
        """A file or folder, with what was last found out about it."""
        request = item_pb2.ItemRequest(item_id=item_id, audit_set_id=audit_set_id)
        return self._connection.call(
            "ItemService.GetItem", request, item_pb2.ItemWithStatus, Repeat.READS
        )

    def list_children(
        self, *, item_id: str, audit_set_id: str = "", page_size: int = 100
    ) -> Iterator[item_pb2.Child]:
        """What lies in a folder, by id."""
        request = item_pb2.ListChildrenRequest(item_id=item_id, audit_set_id=audit_set_id)
        return entries(
            self._connection,
            "ItemService.ListChildren",
            request,
            item_pb2.Children,
            lambda page: page.children,
            page_size=page_size,
        )

    def get_path(self, *, item_id: str, audit_set_id: str = "") -> item_pb2.Path:
        """The folders above an item, from the root down to itself."""
        request = item_pb2.ItemRequest(item_id=item_id, audit_set_id=audit_set_id)
        return self._connection.call("ItemService.GetPath", request, item_pb2.Path, Repeat.READS)

    def move_item(self, *, item_id: str, parent_id: str, modified_at: int) -> item_pb2.Item:
        """Put an item into another folder; an empty ``parent_id`` makes it a root."""
        request = item_pb2.MoveItemRequest(
            item_id=item_id, parent_id=parent_id, modified_at=modified_at
        )
        return self._connection.call("ItemService.MoveItem", request, item_pb2.Item, Repeat.SAME)

    def delete_item(self, *, item_id: str, modified_at: int) -> item_pb2.Item:
        """Mark an item as deleted."""
        request = item_pb2.DeleteItemRequest(item_id=item_id, modified_at=modified_at)
        return self._connection.call("ItemService.DeleteItem", request, item_pb2.Item, Repeat.SAME)

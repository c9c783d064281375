"""How does an item look in a message, and can what a message says of one be right?"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from scalar_auditor import fields
from scalar_auditor.errors import InvalidArgumentError
from scalar_auditor.item.model import Child, Item
from scalar_auditor.item.tree import FILE, FOLDER
from scalar_auditor.rpc.v1 import item_pb2

if TYPE_CHECKING:
    from typing import Any


class ItemType(StrEnum):
    """What an item can be."""

    FILE = FILE
    FOLDER = FOLDER


def item_in(message: Any, at: str = "", *, modified_at: int = 0) -> Item:
    """The item of a message; ``at``: where the message is, such as ``events[3].item.``.

    ``modified_at`` stands for a time that the message leaves out.

    InvalidArgumentError names the field.
    """
    return checked(
        Item(
            item_id=message.item_id,
            item_type=message.item_type,
            name=message.name,
            parent_id=message.parent_id,
            sha1_hash=message.sha1_hash.lower(),
            size=message.size,
            owner_id=message.owner_id,
            owner_email=message.owner_email.lower(),
            version_id=message.version_id,
            deleted=message.deleted,
            created_at=message.created_at,
            modified_at=message.modified_at or modified_at,
        ),
        at,
    )


def checked(item: Item, at: str) -> Item:
    """The same item, if it can be. InvalidArgumentError names the field."""
    fields.identifier(f"{at}item_id", item.item_id)
    fields.one_of(f"{at}item_type", item.item_type, ItemType)
    fields.line(f"{at}name", item.name)
    fields.optional_identifier(f"{at}parent_id", item.parent_id)
    if item.parent_id == item.item_id:
        raise InvalidArgumentError(f"{at}parent_id", "an item can't lie in itself")
    fields.optional_sha1(f"{at}sha1_hash", item.sha1_hash)
    fields.natural(f"{at}size", item.size)
    fields.optional_identifier(f"{at}owner_id", item.owner_id)
    if item.owner_email:
        fields.email(f"{at}owner_email", item.owner_email)
    fields.optional_identifier(f"{at}version_id", item.version_id)
    if item.created_at:
        fields.moment(f"{at}created_at", item.created_at)
    fields.moment(f"{at}modified_at", item.modified_at)
    return item


def told_in_passing(item_id: str, item_type: str, name: str) -> Item:
    """What an event tells of its item by the way: anything else that is told replaces it."""
    return Item(
        item_id=item_id,
        item_type=item_type,
        name=name,
        parent_id="",
        sha1_hash="",
        size=0,
        owner_id="",
        owner_email="",
        version_id="",
        deleted=False,
        created_at=0,
        modified_at=0,
    )


def item_message(item: Item) -> item_pb2.Item:
    """An item as it is answered."""
    return item_pb2.Item(
        item_id=item.item_id,
        item_type=item.item_type,
        name=item.name,
        parent_id=item.parent_id,
        sha1_hash=item.sha1_hash,
        size=item.size,
        owner_id=item.owner_id,
        owner_email=item.owner_email,
        version_id=item.version_id,
        deleted=item.deleted,
        created_at=item.created_at,
        modified_at=item.modified_at,
    )


def child_message(item: Item | Child) -> item_pb2.Child:
    """An item by name only."""
    return item_pb2.Child(
        item_id=item.item_id, item_type=item.item_type, name=item.name, deleted=item.deleted
    )

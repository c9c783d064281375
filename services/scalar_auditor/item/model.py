"""What is one record of each table of the namespace ``item``? (namespaces/item.json)"""

from __future__ import annotations

from dataclasses import dataclass

from scalar_tx import table


@table("item.item")
@dataclass(frozen=True, slots=True)
class Item:
    """A file or folder."""

    item_id: str
    item_type: str
    name: str
    parent_id: str
    sha1_hash: str
    size: int
    owner_id: str
    owner_email: str
    version_id: str
    deleted: bool
    created_at: int
    modified_at: int


@table("item.item_children")
@dataclass(frozen=True, slots=True)
class Child:
    """A file or folder, by the folder that it lies in."""

    parent_id: str
    item_id: str
    item_type: str
    name: str
    deleted: bool

"""What is one record of each table of the namespace ``verification``?"""

from __future__ import annotations

from dataclasses import dataclass

from scalar_tx import table


@table("verification.item_status")
@dataclass(frozen=True, slots=True)
class ItemStatus:
    """The newest registered version of an item, and the last verdict on it."""

    item_id: str
    tampering_status: str
    version_id: str
    last_sha1_hash: str
    asset_version: int
    head_digest: str
    key_id: str
    row_mac: str
    registered_at: int
    last_verified_at: int


@table("verification.items_by_sha1")
@dataclass(frozen=True, slots=True)
class ItemBySha1:
    """An item under its file's digest."""

    sha1_hash: str
    item_id: str
    item_name: str
    version_id: str
    created_at: int


@table("verification.asset_history")
@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One registered version of an item, chained to the one before."""

    item_id: str
    asset_version: int
    sha1_hash: str
    version_id: str
    recorded_by: str
    recorded_at: int
    key_id: str
    previous_digest: str
    digest: str

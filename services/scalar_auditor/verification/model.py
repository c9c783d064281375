"""What is one record of each table of the namespace ``verification``?

The service writes no NULL. A column may hold one all the same, by the hand of whoever altered the
row: that has to be found, not to fail.
"""

from __future__ import annotations

from dataclasses import dataclass

from scalar_tx import table


@table("verification.item_status")
@dataclass(frozen=True, slots=True)
class ItemStatus:
    """The newest registered version of an item, and the last verdict on it."""

    item_id: str
    tampering_status: str | None
    version_id: str | None
    last_sha1_hash: str | None
    asset_version: int | None
    head_digest: str | None
    key_id: str | None
    row_mac: str | None
    registered_at: int | None
    last_verified_at: int | None


@table("verification.items_by_sha1")
@dataclass(frozen=True, slots=True)
class ItemBySha1:
    """An item under its file's digest."""

    sha1_hash: str
    item_id: str
    item_name: str | None
    version_id: str | None
    created_at: int | None


@table("verification.asset_history")
@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One registered version of an item, chained to the one before."""

    item_id: str
    asset_version: int
    sha1_hash: str | None
    version_id: str | None
    recorded_by: str | None
    recorded_at: int | None
    key_id: str | None
    previous_digest: str | None
    digest: str | None

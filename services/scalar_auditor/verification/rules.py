"""What is stored of registered digests, and is it as it was written?

``registering`` and ``verifying`` change it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from scalar_auditor.reading_together import read_all
from scalar_auditor.verification import evidence
from scalar_auditor.verification.model import HistoryEntry, ItemBySha1, ItemStatus
from scalar_tx import Get, Scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_auditor.keys import KeyRing
    from scalar_tx.transaction_async import AsyncTransaction

NOT_TAMPERED: Final = "NOT_TAMPERED"
TAMPERED: Final = "TAMPERED"
NOT_MONITORED: Final = "NOT_MONITORED"
_SHA1: Final = re.compile(r"[0-9a-f]{40}")
STEP: Final = 1000  # entries of a history that one transaction reads


class LongHistoryError(Exception):
    """There are more entries than one transaction reads: read the older ones by steps first."""


async def status_of(tx: AsyncTransaction, item_id: str) -> ItemStatus | None:
    """What was last registered and found of an item, as it is stored; None: it is not monitored.

    Whoever shows it to somebody asks ``checked_status_of`` beside: what is stored may be altered.
    """
    return await tx.get(ItemStatus, {"item_id": item_id})


async def checked_status_of(
    tx: AsyncTransaction, keys: KeyRing, item_id: str
) -> tuple[str, ItemStatus | None]:
    """The verdict on an item that its status allows, and the status.

    TAMPERED too, where the status or the newest entry of the history is not as it was signed, or
    one is not of the other; the rest of the history is not read: that is what a verification does.
    """
    status = await status_of(tx, item_id)
    return _checked(keys, status, await newest_entry(tx, item_id))


def _checked(
    keys: KeyRing, status: ItemStatus | None, newest: HistoryEntry | None
) -> tuple[str, ItemStatus | None]:
    found = evidence.of_head(status, newest)
    if newest is not None:
        found += evidence.of_entry(keys, newest)
    if status is None:
        return (TAMPERED if found else NOT_MONITORED), None
    found += evidence.of_status(keys, status)
    if found or status.tampering_status != NOT_TAMPERED:
        return TAMPERED, status
    return NOT_TAMPERED, status


async def newest_entry(tx: AsyncTransaction, item_id: str) -> HistoryEntry | None:
    """The newest version that was registered of an item."""
    found = await tx.scan(HistoryEntry, {"item_id": item_id}, limit=1)
    return found[0] if found else None


async def history_down(
    tx: AsyncTransaction,
    item_id: str,
    *,
    limit: int,
    below: int | None = None,
    above: int | None = None,
) -> list[HistoryEntry]:
    """Registered versions of an item, the newest first: below one, above another."""
    return await tx.scan(
        HistoryEntry,
        {"item_id": item_id},
        start=None if above is None else {"asset_version": above},
        start_inclusive=False,
        end=None if below is None else {"asset_version": below},
        end_inclusive=False,
        limit=limit,
    )


async def history_up(
    tx: AsyncTransaction, item_id: str, *, limit: int, above: int | None = None
) -> list[HistoryEntry]:
    """Registered versions of an item, the oldest first, above one."""
    return await tx.scan(
        HistoryEntry,
        {"item_id": item_id},
        start=None if above is None else {"asset_version": above},
        start_inclusive=False,
        order_by=("asset_version",),
        limit=limit,
    )


async def entry_of(tx: AsyncTransaction, item_id: str, asset_version: int) -> HistoryEntry | None:
    """One registered version of an item."""
    return await tx.get(HistoryEntry, {"item_id": item_id, "asset_version": asset_version})


async def copy_of(tx: AsyncTransaction, sha1_hash: str | None, item_id: str) -> ItemBySha1 | None:
    """An item as it is listed under a digest."""
    return (await copies_under(tx, [sha1_hash], item_id))[0]


async def copies_under(
    tx: AsyncTransaction, sha1_hashes: Sequence[str | None], item_id: str
) -> list[ItemBySha1 | None]:
    """An item as it is listed under each of some digests."""
    # Somebody's hand may have put anything where a digest was, and not all of it can be a key.
    given = [one for one in dict.fromkeys(sha1_hashes) if one and _SHA1.fullmatch(one)]
    gets = [Get(ItemBySha1, {"sha1_hash": one, "item_id": item_id}) for one in given]
    found = dict(zip(given, await read_all(tx, gets), strict=True))
    return [found.get(one or "") for one in sha1_hashes]


async def copies_of(
    tx: AsyncTransaction, sha1_hash: str, *, limit: int, after: str | None = None
) -> list[ItemBySha1]:
    """The items that are listed under a digest, by id, behind ``after``."""
    return await tx.scan(
        ItemBySha1,
        {"sha1_hash": sha1_hash},
        start=None if after is None else {"item_id": after},
        start_inclusive=False,
        limit=limit,
    )


async def checked_statuses_of(
    tx: AsyncTransaction, keys: KeyRing, item_ids: Sequence[str]
) -> list[tuple[str, ItemStatus | None]]:
    """``checked_status_of`` for several items, read together, in the same order."""
    if not item_ids:
        return []
    statuses = await tx.batch([Get(ItemStatus, {"item_id": item_id}) for item_id in item_ids])
    newest = await tx.batch(
        [Scan(HistoryEntry, {"item_id": item_id}, limit=1) for item_id in item_ids]
    )
    return [
        _checked(keys, status, found[0] if found else None)
        for status, found in zip(statuses, newest, strict=True)
    ]

"""How does a new version of a file get into the history of its item?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_auditor.errors import AlreadyExistsError, FailedPreconditionError, NotFoundError
from scalar_auditor.item import rules as items
from scalar_auditor.verification import evidence, rules
from scalar_auditor.verification.chain import signed_entry, signed_status
from scalar_auditor.verification.model import HistoryEntry, ItemBySha1, ItemStatus

if TYPE_CHECKING:
    from scalar_auditor.keys import KeyRing
    from scalar_auditor.verification.evidence import Finding
    from scalar_tx.transaction_async import AsyncTransaction

NEWEST: Final = 100  # entries in which the transaction that registers looks for the version


@dataclass(frozen=True, slots=True)
class Registration:
    """A version of a file, as the cloud drive tells it. ``item_name`` empty: the item's."""

    item_id: str
    sha1_hash: str
    version_id: str
    item_name: str
    recorded_by: str
    recorded_at: int


async def registered_before(
    tx: AsyncTransaction, asked: Registration, searched: int | None = None
) -> tuple[bool, int | None]:
    """Is the version among the next older entries, and up to which one are they searched now?

    What was registered once stays as it is, so that what was searched need not be again.
    AlreadyExistsError: it is there with another digest.
    """
    entries = await rules.history_up(tx, asked.item_id, limit=rules.STEP, above=searched)
    there = _is_among(asked, entries)
    return there, entries[-1].asset_version if entries else searched


async def register(
    tx: AsyncTransaction, keys: KeyRing, asked: Registration, searched: int | None = None
) -> ItemStatus:
    """Append a version to the history; once, however often it is told. The item's status then.

    ``searched``: the older entries up to which the version is known not to be there. A history
    that was altered is not continued: FailedPreconditionError, TAMPERED. What was found TAMPERED
    stays so until a verification that compares the file finds nothing. NotFoundError: nobody told
    of the item. AlreadyExistsError: the version has another digest. LongHistoryError.
    """
    item = await items.find(tx, asked.item_id)
    if item is None:
        raise NotFoundError(
            f"there is no item {asked.item_id!r}", reason="ITEM_NOT_FOUND", item_id=asked.item_id
        )
    status = await rules.status_of(tx, asked.item_id)
    entries = await rules.history_down(tx, asked.item_id, limit=NEWEST + 1, above=searched)
    newest = entries[0] if entries else await rules.newest_entry(tx, asked.item_id)
    found = await _of_head(tx, keys, asked.item_id, status, newest)
    if status is None:
        # Where a history was removed as a whole, its item may still be listed.
        for sha1_hash in {item.sha1_hash, asked.sha1_hash}:
            left = await rules.copy_of(tx, sha1_hash, asked.item_id)
            found += [] if left is None else [evidence.of_other_copy(left)]
    _insist_on_none(asked, found)
    if len(entries) > NEWEST:
        raise rules.LongHistoryError
    if status is not None and _is_among(asked, entries):
        return status
    entry = signed_entry(keys, _entry_after(newest, asked))
    await tx.insert(entry)
    registered = signed_status(keys, _status_with(entry, status))
    await tx.upsert(registered)
    if status is not None and status.last_sha1_hash and status.last_sha1_hash != asked.sha1_hash:
        key = {"sha1_hash": status.last_sha1_hash, "item_id": asked.item_id}
        await tx.delete(ItemBySha1, key)
    await tx.upsert(
        ItemBySha1(
            sha1_hash=asked.sha1_hash,
            item_id=asked.item_id,
            item_name=asked.item_name or item.name,
            version_id=asked.version_id,
            created_at=asked.recorded_at,
        )
    )
    return registered


async def _of_head(
    tx: AsyncTransaction,
    keys: KeyRing,
    item_id: str,
    status: ItemStatus | None,
    newest: HistoryEntry | None,
) -> list[Finding]:
    found = evidence.of_head(status, newest)
    if newest is not None:
        found += evidence.of_entry(keys, newest)
    if status is not None:
        found += evidence.of_status(keys, status)
        copy = await rules.copy_of(tx, status.last_sha1_hash, item_id)
        found += evidence.of_copy(status, copy)
    return found


def _insist_on_none(asked: Registration, found: list[Finding]) -> None:
    if found:
        raise FailedPreconditionError(
            "what is stored of the item was altered: its history is not continued; verify it",
            reason="TAMPERED",
            item_id=asked.item_id,
            findings=",".join(dict.fromkeys(one.reason for one in found)),
        )


def _is_among(asked: Registration, entries: list[HistoryEntry]) -> bool:
    for entry in entries:
        if entry.version_id == asked.version_id:
            if entry.sha1_hash == asked.sha1_hash:
                return True
            raise AlreadyExistsError(
                f"version {asked.version_id!r} is registered with another digest",
                reason="VERSION_ALREADY_EXISTS",
                item_id=asked.item_id,
                version_id=asked.version_id,
            )
    return False


def _entry_after(newest: HistoryEntry | None, asked: Registration) -> HistoryEntry:
    return HistoryEntry(
        item_id=asked.item_id,
        asset_version=1 if newest is None else newest.asset_version + 1,
        sha1_hash=asked.sha1_hash,
        version_id=asked.version_id,
        recorded_by=asked.recorded_by,
        recorded_at=asked.recorded_at,
        key_id="",
        previous_digest="" if newest is None else newest.digest,
        digest="",
    )


def _status_with(entry: HistoryEntry, before: ItemStatus | None) -> ItemStatus:
    return ItemStatus(
        item_id=entry.item_id,
        tampering_status=rules.NOT_TAMPERED if before is None else before.tampering_status,
        version_id=entry.version_id,
        last_sha1_hash=entry.sha1_hash,
        asset_version=entry.asset_version,
        head_digest=entry.digest,
        key_id="",
        row_mac="",
        registered_at=entry.recorded_at,
        last_verified_at=0 if before is None else before.last_verified_at,
    )

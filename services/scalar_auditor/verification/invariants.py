"""Are the tables of the service as they have to be, in any database? (Services specification 4)

Each status equals the newest entry of its history, each chain verifies, each item is listed under
its newest digest and no other one. Nothing is written: no verdict either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.verification import evidence, rules
from scalar_auditor.verification.evidence import Head, Walk
from scalar_auditor.verification.model import HistoryEntry, ItemBySha1, ItemStatus
from scalar_auditor.verification.verifying import examine
from scalar_auditor.whole_tables import looked, pages_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from scalar_auditor.keys import KeyRing
    from scalar_auditor.verification.evidence import Finding
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.transaction_async import AsyncTransaction


async def findings(manager: AsyncTransactionManager, keys: KeyRing) -> AsyncGenerator[str, None]:
    """What is not as it has to be, one text each."""
    async for page in pages_of(manager, ItemStatus):
        for status in page:
            for one in await _of_item(manager, keys, status.item_id):
                yield _text(status.item_id, one)
    last = ""
    async for entries in pages_of(manager, HistoryEntry):
        for entry in entries:
            if entry.item_id != last:
                last = entry.item_id
                if await looked(manager, rules.status_of, last) is None:
                    yield f"item {last}: there is a history, and no status"
    async for copies in pages_of(manager, ItemBySha1):
        for copy in copies:
            text = await looked(manager, _of_copy, copy.sha1_hash, copy.item_id)
            if text is not None:
                yield text


async def _of_item(manager: AsyncTransactionManager, keys: KeyRing, item_id: str) -> list[Finding]:
    walk = Walk(keys)
    while True:
        try:
            return (await looked(manager, examine, walk, item_id)).findings
        except rules.LongHistoryError:
            walk = await looked(manager, _further, walk, item_id)


async def _further(tx: AsyncTransaction, walk: Walk, item_id: str) -> Walk:
    further = walk.copy()
    further.take(await rules.history_up(tx, item_id, limit=rules.STEP, above=walk.after))
    return further


async def _of_copy(tx: AsyncTransaction, sha1_hash: str, item_id: str) -> str | None:
    # Read once more: a version may have been registered since the page was. Any text may stand
    # where a digest has to be, by the hand of whoever put the row there.
    if await tx.get(ItemBySha1, {"sha1_hash": sha1_hash, "item_id": item_id}) is None:
        return None
    status = await rules.status_of(tx, item_id)
    if status is None:
        return f"item {item_id}: it is listed under {sha1_hash}, and has no status"
    if status.last_sha1_hash != sha1_hash:
        return f"item {item_id}: it is listed under {sha1_hash}, which is not its newest digest"
    return None


async def anchor_findings(
    manager: AsyncTransactionManager, heads: Iterable[Head]
) -> AsyncGenerator[str, None]:
    """Where histories do not have what was anchored, one text each."""
    for head in heads:
        entry = await looked(manager, rules.entry_of, head.item_id, head.asset_version)
        for one in evidence.of_anchor(head, entry):
            yield _text(head.item_id, one)


def _text(item_id: str, finding: Finding) -> str:
    version = f", version {finding.asset_version}" if finding.asset_version else ""
    return f"item {item_id}{version}: {finding.detail} ({finding.reason})"

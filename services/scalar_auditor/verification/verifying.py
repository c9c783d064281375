"""Is an item as it was registered, and how is the verdict stored so that it hides nothing?

A verdict never makes an altered row look sound: the MAC of a status is made anew only where the one
before was right. Of an altered status nothing but the verdict and its time is written, and its MAC
is left as it is, so that each later verification finds it again.

What was found TAMPERED is lifted only by a verification that compares the file and finds nothing.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scalar_auditor.permissions import Action
from scalar_auditor.verification import evidence, rules
from scalar_auditor.verification.chain import signed_status
from scalar_auditor.verification.evidence import MOST_FINDINGS, Finding, Head, Reason, Walk
from scalar_auditor.verification.model import ItemStatus
from scalar_auditor.visibility import visible_item

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_auditor.keys import KeyRing
    from scalar_auditor.permissions import Caller
    from scalar_tx.model.types import Value
    from scalar_tx.transaction_async import AsyncTransaction


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be verified, for whom.

    ``sha1_hash``: of the file as it is now; empty: only what is stored is.
    """

    caller: Caller
    item_id: str
    audit_set_id: str
    sha1_hash: str = ""
    anchor: Head | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found. ``findings``: why it is TAMPERED."""

    item_id: str
    tampering_status: str
    verified_at: int
    asset_version: int = 0
    versions_checked: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Examined:
    """What is stored of an item, and what is to be found in it."""

    status: ItemStatus | None
    is_signed: bool  # the status is as somebody with the key wrote it
    walk: Walk
    findings: list[Finding]


async def examine(
    tx: AsyncTransaction, walk: Walk, item_id: str, anchor: Head | None = None
) -> Examined:
    """Look at all that is stored of an item, behind what ``walk`` has read; nothing is written.

    LongHistoryError: that is more than a transaction may read.
    """
    entries = await rules.history_up(tx, item_id, limit=rules.STEP + 1, above=walk.after)
    if len(entries) > rules.STEP:
        raise rules.LongHistoryError
    walk = walk.copy()
    walk.take(entries)
    status = await rules.status_of(tx, item_id)
    of_row = [] if status is None else evidence.of_status(walk.keys, status)
    found = [*of_row, *evidence.of_head(status, walk.newest), *walk.findings]
    found += await _of_copies(tx, status, walk, item_id)
    if anchor is not None:
        anchored = await rules.entry_of(tx, item_id, anchor.asset_version)
        found += evidence.of_anchor(anchor, anchored)
    return Examined(status=status, is_signed=not of_row, walk=walk, findings=found)


async def _of_copies(
    tx: AsyncTransaction, status: ItemStatus | None, walk: Walk, item_id: str
) -> list[Finding]:
    current = None if status is None else status.last_sha1_hash
    others = [one for one in walk.recent if one != current]
    listed, *left = await rules.copies_under(tx, [current, *others], item_id)
    found = [] if status is None else evidence.of_copy(status, listed)
    return found + [evidence.of_other_copy(copy) for copy in left if copy is not None]


async def read_on(tx: AsyncTransaction, walk: Walk, asked: Question) -> Walk:
    """Read some more of a long history."""
    await visible_item(tx, asked.caller, asked.item_id, asked.audit_set_id, Action.VERIFY)
    entries = await rules.history_up(tx, asked.item_id, limit=rules.STEP, above=walk.after)
    further = walk.copy()
    further.take(entries)
    return further


async def verify(tx: AsyncTransaction, walk: Walk, asked: Question, now_ms: int) -> Verdict:
    """Verify an item that the caller may see, and store the verdict.

    LongHistoryError: let ``walk`` ``read_on`` first.
    """
    item = await visible_item(tx, asked.caller, asked.item_id, asked.audit_set_id, Action.VERIFY)
    seen = await examine(tx, walk, asked.item_id, asked.anchor)
    status, found = seen.status, [*seen.findings]
    if status is None and not seen.walk.checked:
        # All that told of it may have been removed but this.
        left = await rules.copy_of(tx, item.sha1_hash, asked.item_id)
        found += [] if left is None else [evidence.of_other_copy(left)]
    if status is not None and asked.sha1_hash and asked.sha1_hash != status.last_sha1_hash:
        detail = f"it is {asked.sha1_hash}, registered is {status.last_sha1_hash!s:.80}"
        found.append(Finding(Reason.FILE_DIFFERS, status.asset_version or 0, detail))
    if _is_held_against(status, asked) and not found:
        detail = "it was found before, and no file was compared since"
        found.append(Finding(Reason.EARLIER_VERDICT, 0, detail))
    if found:
        verdict = rules.TAMPERED
    else:
        verdict = rules.NOT_MONITORED if status is None else rules.NOT_TAMPERED
    if status is not None:
        await _store(tx, walk.keys, status, verdict, now_ms, is_signed=seen.is_signed)
    return Verdict(
        item_id=asked.item_id,
        tampering_status=verdict,
        verified_at=now_ms,
        asset_version=0 if status is None else status.asset_version or 0,
        versions_checked=seen.walk.checked,
        findings=found[:MOST_FINDINGS],
    )


def _is_held_against(status: ItemStatus | None, asked: Question) -> bool:
    if status is None or asked.sha1_hash:
        return False
    return status.tampering_status != rules.NOT_TAMPERED


async def _store(
    tx: AsyncTransaction,
    keys: KeyRing,
    status: ItemStatus,
    verdict: str,
    now_ms: int,
    *,
    is_signed: bool,
) -> None:
    if is_signed:
        new = dataclasses.replace(status, tampering_status=verdict, last_verified_at=now_ms)
        await tx.update(signed_status(keys, new))
    else:
        values: dict[str, Value] = {"tampering_status": verdict, "last_verified_at": now_ms}
        await tx.update(ItemStatus, {"item_id": status.item_id}, values)


async def verified(
    how: Callable[..., Awaitable[Any]],
    read: Callable[..., Awaitable[Any]],
    keys: KeyRing,
    asked: Question,
    now_ms: int,
) -> Verdict:
    """Verify an item in as many transactions as its history needs.

    ``how`` runs the one that answers and stores, ``read`` those before it that read a long history:
    ``how(caller, work, *args)``. They need not be one, since entries are only ever added behind
    those that were read. What somebody alters among those while the rest is read, the next
    verification finds.
    """
    walk = Walk(keys)
    while True:
        try:
            verdict: Verdict = await how(asked.caller, verify, walk, asked, now_ms)
        except rules.LongHistoryError:
            before = -1
            while before != walk.checked and walk.checked % rules.STEP == 0:
                before = walk.checked
                walk = await read(asked.caller, read_on, walk, asked)
        else:
            return verdict

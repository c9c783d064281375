"""How do requests to the VerificationService become questions to its rules, and back?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor import fields
from scalar_auditor.errors import InvalidArgumentError
from scalar_auditor.permissions import Action
from scalar_auditor.rpc.v1 import verification_pb2 as messages
from scalar_auditor.serving import LOGGED_IN, PEOPLE, SERVICES, Method
from scalar_auditor.verification import rules
from scalar_auditor.verification.copies import found_copies
from scalar_auditor.verification.evidence import Head
from scalar_auditor.verification.registering import Registration, register, registered_before
from scalar_auditor.verification.verifying import Question, verified
from scalar_auditor.verification.verifying_sets import SetVerification
from scalar_auditor.viewing import View, viewed
from scalar_auditor.visibility import visible_item

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from scalar_auditor.paging import Page
    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller
    from scalar_auditor.verification.model import HistoryEntry, ItemBySha1, ItemStatus
    from scalar_auditor.verification.verifying import Verdict
    from scalar_auditor.verification.verifying_sets import Progress
    from scalar_tx.transaction_async import AsyncTransaction

_MOST_ANCHORS: Final = 10_000
_LAST_VERSION: Final = 2**53
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Api:
    """The VerificationService of a worker."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor = auditor

    def methods(self) -> Mapping[str, Method]:
        """Each method, and whom it is for."""
        return {
            "RegisterItem": Method(self.register_item, SERVICES),
            "VerifyItem": Method(self.verify_item, LOGGED_IN),
            "GetStatus": Method(self.get_status, LOGGED_IN),
            "ListHistory": Method(self.list_history, LOGGED_IN),
            "FindCopies": Method(self.find_copies, LOGGED_IN),
            "VerifyAuditSet": Method(self.verify_audit_set, PEOPLE),
        }

    async def register_item(self, request: Any, caller: Caller) -> Any:
        """Append a version of a file to its item's history."""
        asked = Registration(
            item_id=fields.identifier("item_id", request.item_id),
            sha1_hash=fields.sha1("sha1_hash", request.sha1_hash),
            version_id=fields.identifier("version_id", request.version_id),
            item_name=fields.line("item_name", request.item_name, empty=True),
            recorded_by=caller.name,
            recorded_at=self._auditor.now_ms(),
        )
        searched: int | None = None
        while True:
            try:
                status = await self._auditor.change(
                    caller, register, self._auditor.keys, asked, searched
                )
            except rules.LongHistoryError:
                there, searched = await self._auditor.read(
                    caller, registered_before, asked, searched
                )
                if not there:
                    continue
                verdict, known = await self._auditor.read(
                    caller, rules.checked_status_of, self._auditor.keys, asked.item_id
                )
                return _status(asked.item_id, verdict, known)
            else:
                return _status(asked.item_id, status.tampering_status or "", status)

    async def verify_item(self, request: Any, caller: Caller) -> Any:
        """Verify an item, and store the verdict."""
        item_id = fields.identifier("item_id", request.item_id)
        asked = Question(
            caller=caller,
            item_id=item_id,
            audit_set_id=fields.optional_identifier("audit_set_id", request.audit_set_id),
            sha1_hash=fields.optional_sha1("sha1_hash", request.sha1_hash),
            anchor=_head("anchor", request.anchor) if request.HasField("anchor") else None,
        )
        if asked.anchor is not None and asked.anchor.item_id != item_id:
            raise InvalidArgumentError("anchor.item_id", "it is another item's")
        auditor = self._auditor
        view = View(caller, "VerifyItem", asked.audit_set_id, item_id)

        async def looked(_: Caller, work: Any, *args: Any) -> Any:
            return await viewed(auditor, auditor.change, view, work, *args)

        verdict = await verified(looked, auditor.read, auditor.keys, asked, auditor.now_ms())
        if verdict.tampering_status == rules.TAMPERED:
            auditor.metrics.found_tampered()
        return _verdict(verdict)

    async def get_status(self, request: Any, caller: Caller) -> Any:
        """What was last registered and found."""
        item_id = fields.identifier("item_id", request.item_id)
        audit_set_id = fields.optional_identifier("audit_set_id", request.audit_set_id)

        async def work(tx: AsyncTransaction) -> tuple[str, ItemStatus | None]:
            await visible_item(tx, caller, item_id, audit_set_id)
            return await rules.checked_status_of(tx, self._auditor.keys, item_id)

        view = View(caller, "GetStatus", audit_set_id, item_id)
        shown: tuple[str, ItemStatus | None]
        shown = await viewed(self._auditor, self._auditor.read, view, work)
        return _status(item_id, *shown)

    async def list_history(self, request: Any, caller: Caller) -> Any:
        """The registered versions, the newest first."""
        item_id = fields.identifier("item_id", request.item_id)
        audit_set_id = fields.optional_identifier("audit_set_id", request.audit_set_id)
        page = self._auditor.pages.asked(request.page, "ListHistory", item_id, audit_set_id)

        async def work(tx: AsyncTransaction) -> list[HistoryEntry]:
            await visible_item(tx, caller, item_id, audit_set_id, Action.VERIFY)
            return await rules.history_down(tx, item_id, limit=page.size + 1, below=page.after)

        view = View(caller, "ListHistory", audit_set_id, item_id)
        found: list[HistoryEntry]
        found = await viewed(self._auditor, self._auditor.listed, view, work)
        token = ""
        if len(found) > page.size:
            position = found[page.size - 1].asset_version
            token = self._auditor.pages.token(position, "ListHistory", item_id, audit_set_id)
        entries = [_entry(one) for one in found[: page.size]]
        return messages.History(entries=entries, next_page_token=token)

    async def find_copies(self, request: Any, caller: Caller) -> Any:
        """The items with a digest."""
        sha1_hash = fields.sha1("sha1_hash", request.sha1_hash)
        audit_set_id = fields.optional_identifier("audit_set_id", request.audit_set_id)
        of = ("FindCopies", sha1_hash, audit_set_id)
        page: Page = self._auditor.pages.asked(request.page, *of)
        args = (caller, sha1_hash, audit_set_id, page)
        shown: tuple[list[ItemBySha1], str | None]
        if audit_set_id:
            view = View(caller, "FindCopies", audit_set_id)
            shown = await viewed(self._auditor, self._auditor.listed, view, found_copies, *args)
        else:  # of what is in no set an outside auditor sees nothing
            shown = await self._auditor.listed(caller, found_copies, *args)
        found, more = shown
        copies = [
            messages.Copy(
                item_id=one.item_id,
                item_name=one.item_name,
                version_id=one.version_id,
                created_at=one.created_at,
            )
            for one in found
        ]
        token = "" if more is None else self._auditor.pages.token(more, *of)
        return messages.Copies(copies=copies, next_page_token=token)

    async def verify_audit_set(
        self, request: Any, caller: Caller, send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Verify each item of a set."""
        audit_set_id = fields.identifier("audit_set_id", request.audit_set_id)
        after = fields.optional_identifier("after_item_id", request.after_item_id)
        fields.count("anchors", len(request.anchors), 0, _MOST_ANCHORS)
        anchors: dict[str, Head] = {}
        for number, given in enumerate(request.anchors):
            head = _head(f"anchors[{number}]", given)
            if head.item_id in anchors:
                raise InvalidArgumentError(f"anchors[{number}].item_id", "it has one already")
            anchors[head.item_id] = head

        async def tell(progress: Progress) -> None:
            await send(_progress(progress))

        await SetVerification(self._auditor, caller, audit_set_id, after, anchors).run(tell)


def _head(field: str, given: Any) -> Head:
    item_id = fields.identifier(f"{field}.item_id", given.item_id)
    if not 0 < given.asset_version <= _LAST_VERSION:
        raise InvalidArgumentError(f"{field}.asset_version", "it is not from 1 to 2^53")
    if not _DIGEST.fullmatch(given.head_digest):
        raise InvalidArgumentError(f"{field}.head_digest", "it is no 64 hexadecimal digits")
    key_id = fields.optional_identifier(f"{field}.key_id", given.key_id)
    return Head(item_id, given.asset_version, given.head_digest, key_id)


def _status(item_id: str, verdict: str, status: ItemStatus | None) -> Any:
    if status is None:
        return messages.ItemStatus(item_id=item_id, tampering_status=verdict)
    return messages.ItemStatus(
        item_id=item_id,
        tampering_status=verdict,
        version_id=status.version_id,
        last_sha1_hash=status.last_sha1_hash,
        asset_version=status.asset_version,
        head_digest=status.head_digest,
        key_id=status.key_id,
        registered_at=status.registered_at,
        last_verified_at=status.last_verified_at,
    )


def _entry(entry: HistoryEntry) -> Any:
    return messages.HistoryEntry(
        asset_version=entry.asset_version,
        sha1_hash=entry.sha1_hash,
        version_id=entry.version_id,
        recorded_by=entry.recorded_by,
        recorded_at=entry.recorded_at,
        key_id=entry.key_id,
        previous_digest=entry.previous_digest,
        digest=entry.digest,
    )


def _verdict(verdict: Verdict) -> Any:
    return messages.Verdict(
        item_id=verdict.item_id,
        tampering_status=verdict.tampering_status,
        findings=[
            messages.Finding(reason=one.reason, asset_version=one.asset_version, detail=one.detail)
            for one in verdict.findings
        ],
        asset_version=verdict.asset_version,
        versions_checked=verdict.versions_checked,
        verified_at=verdict.verified_at,
    )


def _progress(progress: Progress) -> Any:
    return messages.VerifyAuditSetProgress(
        verified=progress.verified,
        total=progress.total,
        tampered=progress.tampered,
        not_monitored=progress.not_monitored,
        verdicts=map(_verdict, progress.verdicts),
        last_item_id=progress.last_item_id,
        finished=progress.finished,
    )

"""What can a client ask of the verification service? (proto/scalar_auditor/v1/verification.proto)

Raises as ``Connection.call`` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.client.connection import Repeat
from scalar_auditor.client.pages import entries
from scalar_auditor.rpc.v1 import verification_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scalar_auditor.client.connection import Connection


class VerificationCalls:
    """Digests of files, and what they prove."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def register_item(
        self, *, item_id: str, sha1_hash: str, version_id: str, item_name: str = ""
    ) -> verification_pb2.ItemStatus:
        """Register the digest of a version of a file; the same again changes nothing."""
        request = verification_pb2.RegisterItemRequest(
            item_id=item_id, sha1_hash=sha1_hash, version_id=version_id, item_name=item_name
        )
        return self._connection.call(
            "VerificationService.RegisterItem", request, verification_pb2.ItemStatus, Repeat.SAME
        )

    def verify_item(
        self,
        *,
        item_id: str,
        audit_set_id: str = "",
        sha1_hash: str = "",
        anchor: verification_pb2.Head | None = None,
    ) -> verification_pb2.Verdict:
        """Was a file altered, or what is stored of it?

        ``sha1_hash`` is that of the file as it is now; empty: only what is stored is checked.
        ``anchor``: where its chain was when an anchor was made.
        """
        request = verification_pb2.VerifyItemRequest(
            item_id=item_id, audit_set_id=audit_set_id, sha1_hash=sha1_hash, anchor=anchor
        )
        return self._connection.call(
            "VerificationService.VerifyItem", request, verification_pb2.Verdict, Repeat.SAME
        )

    def get_status(self, *, item_id: str, audit_set_id: str = "") -> verification_pb2.ItemStatus:
        """What was registered last, and the last verdict."""
        request = verification_pb2.ItemStatusRequest(item_id=item_id, audit_set_id=audit_set_id)
        return self._connection.call(
            "VerificationService.GetStatus", request, verification_pb2.ItemStatus, Repeat.READS
        )

    def list_history(
        self, *, item_id: str, audit_set_id: str = "", page_size: int = 100
    ) -> Iterator[verification_pb2.HistoryEntry]:
        """All registered versions of an item, newest first."""
        request = verification_pb2.ListHistoryRequest(item_id=item_id, audit_set_id=audit_set_id)
        return entries(
            self._connection,
            "VerificationService.ListHistory",
            request,
            verification_pb2.History,
            lambda page: page.entries,
            page_size=page_size,
        )

    def find_copies(
        self, *, sha1_hash: str, audit_set_id: str = "", page_size: int = 100
    ) -> Iterator[verification_pb2.Copy]:
        """The items with a digest that the caller may see."""
        request = verification_pb2.FindCopiesRequest(sha1_hash=sha1_hash, audit_set_id=audit_set_id)
        return entries(
            self._connection,
            "VerificationService.FindCopies",
            request,
            verification_pb2.Copies,
            lambda page: page.copies,
            page_size=page_size,
        )

    def verify_audit_set(
        self,
        *,
        audit_set_id: str,
        after_item_id: str = "",
        anchors: Iterable[verification_pb2.Head] = (),
    ) -> Iterator[verification_pb2.VerifyAuditSetProgress]:
        """Verify each item of a set; at least one message a second.

        If it breaks off, go on behind the ``last_item_id`` that was heard last.
        """
        request = verification_pb2.VerifyAuditSetRequest(
            audit_set_id=audit_set_id, after_item_id=after_item_id, anchors=anchors
        )
        return self._connection.stream(
            "VerificationService.VerifyAuditSet", request, verification_pb2.VerifyAuditSetProgress
        )

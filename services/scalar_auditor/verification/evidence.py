"""What do the rows of an item say of whether they were altered?

Nothing here reads or writes: rows in, findings out. No finding means that the rows are as somebody
with the key wrote them, all of them, in their order; not that they are the newest there ever were,
which only an anchor tells (docs/tamper-evidence.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from scalar_auditor.keys import UnknownKeyError
from scalar_auditor.verification import chain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scalar_auditor.keys import KeyRing
    from scalar_auditor.verification.model import HistoryEntry, ItemBySha1, ItemStatus

MOST_FINDINGS: Final = 100  # of one item; more tell nothing new
_RECENT: Final = 8  # digests before the newest that are looked for among the copies


class Reason(StrEnum):
    """Why an item counts as tampered with."""

    FILE_DIFFERS = "FILE_DIFFERS"  # the file is not the one that was registered last
    ROW_MAC = "ROW_MAC"  # the status was altered
    DIGEST = "DIGEST"  # an entry of the history was altered
    CHAIN_BROKEN = "CHAIN_BROKEN"  # an entry does not follow the one before
    HEAD_DIFFERS = "HEAD_DIFFERS"  # status and newest entry are not of one version
    HISTORY_CUT = "HISTORY_CUT"  # entries are missing
    STATUS_MISSING = "STATUS_MISSING"  # there is a history, and no status
    BEHIND_ANCHOR = "BEHIND_ANCHOR"  # the history is not the one that was anchored, or an older one
    UNKNOWN_KEY = "UNKNOWN_KEY"  # signed by a key that is not there: nothing can be said
    COPY_LIST = "COPY_LIST"  # the list of items by digest does not have the item as it is
    EARLIER_VERDICT = "EARLIER_VERDICT"  # found before, and no file was compared since


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written. ``asset_version`` 0: the status itself."""

    reason: Reason
    asset_version: int
    detail: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain of an item was once, as an anchor has it."""

    item_id: str
    asset_version: int
    head_digest: str
    key_id: str = ""


def of_status(keys: KeyRing, status: ItemStatus) -> list[Finding]:
    """Is the status as it was signed?"""
    try:
        expected = chain.row_mac(keys, status)
    except UnknownKeyError:
        return [_unknown_key(0, status.key_id)]
    if chain.same(status.row_mac, expected):
        return []
    return [Finding(Reason.ROW_MAC, 0, "the status is not as it was signed")]


def of_entry(keys: KeyRing, entry: HistoryEntry) -> list[Finding]:
    """Is an entry of the history as it was signed?"""
    try:
        expected = chain.entry_digest(keys, entry)
    except UnknownKeyError:
        return [_unknown_key(entry.asset_version, entry.key_id)]
    if chain.same(entry.digest, expected):
        return []
    return [Finding(Reason.DIGEST, entry.asset_version, "the entry is not as it was signed")]


def _unknown_key(asset_version: int, key_id: str | None) -> Finding:
    return Finding(Reason.UNKNOWN_KEY, asset_version, f"there is no key {key_id!r:.80}")


def of_head(status: ItemStatus | None, newest: HistoryEntry | None) -> list[Finding]:
    """Is the status of the newest entry?"""
    if status is None:
        if newest is None:
            return []
        return [Finding(Reason.STATUS_MISSING, 0, "there is a history, and no status")]
    known, last = status.asset_version or 0, 0 if newest is None else newest.asset_version
    if newest is None or last < known:
        detail = f"it ends at version {last}, the status is of {known}"
        return [Finding(Reason.HISTORY_CUT, last + 1, detail)]
    if last > known:
        detail = f"the newest entry is version {last}, the status is of {known}"
        return [Finding(Reason.HEAD_DIFFERS, last, detail)]
    pairs = (
        ("head_digest", status.head_digest, newest.digest),
        ("last_sha1_hash", status.last_sha1_hash, newest.sha1_hash),
        ("version_id", status.version_id, newest.version_id),
        ("registered_at", status.registered_at, newest.recorded_at),
    )
    other = [name for name, one, two in pairs if one != two]
    if not other:
        return []
    detail = f"the newest entry has another {', '.join(other)} than the status"
    return [Finding(Reason.HEAD_DIFFERS, last, detail)]


def of_copy(status: ItemStatus, copy: ItemBySha1 | None) -> list[Finding]:
    """Is the item listed under its newest digest, as it was registered? Its name can't be told."""
    if copy is None:
        detail = "the item is not listed under its digest"
    elif (copy.version_id, copy.created_at) != (status.version_id, status.registered_at):
        detail = "the item is listed under its digest as another version"
    else:
        return []
    return [Finding(Reason.COPY_LIST, 0, detail)]


def of_other_copy(copy: ItemBySha1) -> Finding:
    """The item is listed under a digest that is not its newest."""
    return Finding(Reason.COPY_LIST, 0, f"the item is also listed under {copy.sha1_hash:.80}")


def of_anchor(anchor: Head, entry: HistoryEntry | None) -> list[Finding]:
    """Does the history have what was anchored? ``entry``: that version, as it is now."""
    version = anchor.asset_version
    if entry is None:
        detail = f"version {version} was anchored, and is not there"
    elif not chain.same(entry.digest, anchor.head_digest):
        detail = f"version {version} is not the one that was anchored"
    else:
        return []
    return [Finding(Reason.BEHIND_ANCHOR, version, detail)]


@dataclass(slots=True)
class Walk:
    """A history from its first entry on, as far as it was read."""

    keys: KeyRing
    newest: HistoryEntry | None = None
    checked: int = 0
    findings: list[Finding] = field(default_factory=list)
    # The newest digests of the file, the last of them last.
    recent: list[str] = field(default_factory=list)

    def copy(self) -> Walk:
        """The same, to go on from twice."""
        return Walk(self.keys, self.newest, self.checked, [*self.findings], [*self.recent])

    @property
    def after(self) -> int | None:
        """The version of the newest entry that was read."""
        return None if self.newest is None else self.newest.asset_version

    def take(self, entries: Iterable[HistoryEntry]) -> None:
        """Read on, in order of version."""
        for entry in entries:
            found = [*self._follows(entry), *of_entry(self.keys, entry)]
            if found and len(self.findings) < MOST_FINDINGS:
                self.findings += found
            self.newest = entry
            self.checked += 1
            if entry.sha1_hash:
                if entry.sha1_hash in self.recent:
                    self.recent.remove(entry.sha1_hash)
                self.recent = [*self.recent[-_RECENT:], entry.sha1_hash]

    def _follows(self, entry: HistoryEntry) -> list[Finding]:
        version = entry.asset_version
        due = 1 if self.newest is None else self.newest.asset_version + 1
        if version != due:
            detail = f"version {due} is missing: {version} follows"
            return [Finding(Reason.HISTORY_CUT, due, detail)]
        before = "" if self.newest is None else self.newest.digest
        if entry.previous_digest == before:
            return []
        detail = "the entry does not follow the one before"
        return [Finding(Reason.CHAIN_BROKEN, version, detail)]

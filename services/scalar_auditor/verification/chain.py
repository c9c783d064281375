"""How is a version of a file signed into the chain of its item, and the item's status?

    digest  = HMAC-SHA256(key[key_id], previous_digest || the other fields, each with its length)
    row_mac = HMAC-SHA256(a key made of key[key_id] for this alone, all other columns)

as hexadecimal digits (Services specification 3). Only who has the key can make either.
"""

from __future__ import annotations

import dataclasses
import hmac
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scalar_auditor.keys import KeyRing
    from scalar_auditor.verification.model import HistoryEntry, ItemStatus

# What is signed begins with what it is, and by which rules it became bytes: a later way to write
# the fields takes another number, and is no valid signature of this one.
_ENTRY: Final = "scalar-auditor asset_history 1"
_STATUS: Final = "scalar-auditor item_status 1"
_PURPOSE: Final = "item status"


def canonical(*values: str | int | None) -> bytes:
    """Values as bytes that no other values make: each with its kind and its length."""
    return b"".join(_one(value) for value in values)


def _one(value: str | int | None) -> bytes:
    if value is None:
        kind, body = b"n", b""
    elif isinstance(value, str):
        kind, body = b"t", value.encode()
    else:
        kind, body = b"i", str(value).encode()
    return kind + len(body).to_bytes(4, "big") + body


def entry_digest(keys: KeyRing, entry: HistoryEntry) -> str:
    """What ``entry.digest`` has to be. UnknownKeyError."""
    fields = (
        entry.item_id,
        entry.asset_version,
        entry.sha1_hash,
        entry.version_id,
        entry.recorded_by,
        entry.recorded_at,
        entry.key_id,
    )
    data = canonical(_ENTRY, entry.previous_digest, *fields)
    return keys.mac(data, entry.key_id or "").hex()


def row_mac(keys: KeyRing, status: ItemStatus) -> str:
    """What ``status.row_mac`` has to be. UnknownKeyError."""
    return keys.mac_for(_PURPOSE, canonical(_STATUS, *_signed(status)), status.key_id or "").hex()


def _signed(status: ItemStatus) -> Iterable[str | int | None]:
    return (
        getattr(status, one.name)
        for one in dataclasses.fields(status)
        if one.name != "row_mac"  # in the order of the schema, as the class has them
    )


def signed_entry(keys: KeyRing, entry: HistoryEntry) -> HistoryEntry:
    """The entry with the current key and its digest."""
    named = dataclasses.replace(entry, key_id=keys.current)
    return dataclasses.replace(named, digest=entry_digest(keys, named))


def signed_status(keys: KeyRing, status: ItemStatus) -> ItemStatus:
    """The status with the current key and its MAC. Only of a status that was checked before."""
    named = dataclasses.replace(status, key_id=keys.current)
    return dataclasses.replace(named, row_mac=row_mac(keys, named))


def same(stored: str | None, expected: str) -> bool:
    """Is a stored digest the one it has to be? In a time that tells nothing of it."""
    return stored is not None and hmac.compare_digest(stored.encode(), expected.encode())

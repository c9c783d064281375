"""Which secrets sign what the services write and hand out?

Keys come from a file that is no part of the database, so that whoever can write to the database
can't sign (Services specification 3). ``current`` signs; the others check what they once signed:

    {"current": "2026-11", "keys": {"2026-11": "<32 bytes as base64>", "2025-11": "…"}}
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHORTEST: Final = 32  # bytes of a key
_ADVICE: Final = "Make one with: scalar-auditor keys new FILE"


class UnknownKeyError(LookupError):
    """There is no key of that id: it was removed, or never was."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys by their ids. Nothing of them is ever shown."""

    current: str
    _keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def made(cls, key_id: str) -> Self:
        """A ring with one new key."""
        return cls(key_id, {key_id: secrets.token_bytes(SHORTEST)})

    @classmethod
    def read(cls, path: Path) -> Self:
        """The ring of a file. SettingsError, STX-5301: it is not there, or can't be right."""
        try:
            found = json.loads(path.read_text("utf-8"))
            current = found["current"]
            keys = {
                str(key_id): base64.b64decode(text, validate=True)
                for key_id, text in found["keys"].items()
            }
        except OSError as error:
            raise _wrong(path, error.strerror or "can't be read") from error
        except (ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
            # Nothing of the text: it holds the keys.
            raise _wrong(path, "is not of the form that is wanted") from error
        if current not in keys:
            raise _wrong(path, f"names {current!r:.40} as the current key, which is not there")
        for key_id, key in keys.items():
            if len(key) < SHORTEST:
                raise _wrong(path, f"has a key {key_id!r:.40} of fewer than {SHORTEST} bytes")
        return cls(current, keys)

    def as_text(self) -> str:
        """The text of a file with these keys: a secret."""
        keys = {key_id: base64.b64encode(key).decode() for key_id, key in self._keys.items()}
        return json.dumps({"current": self.current, "keys": keys}, indent=2) + "\n"

    def with_new(self, key_id: str) -> KeyRing:
        """The ring with one more key, which signs from now on. ValueError: that id is taken."""
        if key_id in self._keys:
            raise ValueError(key_id)
        return KeyRing(key_id, {**self._keys, key_id: secrets.token_bytes(SHORTEST)})

    @property
    def ids(self) -> list[str]:
        """The ids of all keys."""
        return sorted(self._keys)

    def mac(self, data: bytes, key_id: str | None = None) -> bytes:
        """HMAC-SHA256 by the key of that id; None: by the current one. UnknownKeyError."""
        return hmac.digest(self._key(key_id), data, hashlib.sha256)

    def mac_for(self, purpose: str, data: bytes, key_id: str | None = None) -> bytes:
        """HMAC-SHA256 by a key that is made for one purpose only. UnknownKeyError."""
        key = hmac.digest(self._key(key_id), f"scalar-auditor {purpose}".encode(), hashlib.sha256)
        return hmac.digest(key, data, hashlib.sha256)

    def _key(self, key_id: str | None) -> bytes:
        try:
            return self._keys[self.current if key_id is None else key_id]
        except KeyError:
            raise UnknownKeyError(key_id) from None


def _wrong(path: Path, what: str) -> SettingsError:
    return SettingsError(
        f"the file of the services' keys, {path}, {what}", advice=_ADVICE, code="STX-5301"
    )

"""How does a list go on where its last page ended?

A page token holds where that was, signed together with what list it was of: another list, or
another filter, does not take it. It grants nothing: each page checks its caller anew.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor.errors import InvalidArgumentError
from scalar_auditor.keys import UnknownKeyError

if TYPE_CHECKING:
    from scalar_auditor.keys import KeyRing

USUAL: Final = 100
LARGEST: Final = 1000
_PURPOSE: Final = "page token"
_MAC: Final = 16  # bytes
_LONGEST: Final = 4096  # characters


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for: so many entries behind a position; None: from the beginning."""

    size: int
    after: Any = None


class Pages:
    """Reads and makes page tokens."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def asked(self, request: Any, *of: object) -> Page:
        """The page of a PageRequest. ``of``: the method's name and all that chooses its list.

        InvalidArgumentError: a page of that size can't be, or the token is not of this list.
        """
        size = request.page_size
        if not 0 <= size <= LARGEST:
            raise InvalidArgumentError("page.page_size", f"it is 1 to {LARGEST}, or 0 for {USUAL}")
        after = self._position(request.page_token, of) if request.page_token else None
        return Page(size or USUAL, after)

    def token(self, position: object, *of: object) -> str:
        """The token of the page behind a position, which JSON can hold."""
        body = json.dumps([self._keys.current, position], separators=(",", ":")).encode()
        mac = self._mac(body, of, None)
        return base64.urlsafe_b64encode(mac + body).rstrip(b"=").decode()

    def _position(self, token: str, of: tuple[object, ...]) -> Any:
        try:
            if len(token) > _LONGEST:
                raise ValueError
            given = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
            mac, body = given[:_MAC], given[_MAC:]
            key_id, position = json.loads(body)
            if not hmac.compare_digest(mac, self._mac(body, of, str(key_id))):
                raise ValueError
        except (ValueError, TypeError, RecursionError, binascii.Error, UnknownKeyError):
            raise InvalidArgumentError(
                "page.page_token", "it is not one of this list: ask for the first page"
            ) from None
        return position

    def _mac(self, body: bytes, of: tuple[object, ...], key_id: str | None) -> bytes:
        what = json.dumps(of, separators=(",", ":")).encode()
        data = len(what).to_bytes(4, "big") + what + body
        return self._keys.mac_for(_PURPOSE, data, key_id)[:_MAC]

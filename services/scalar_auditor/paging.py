"""How does a list go on where its last page ended?

A page token holds where that was, sealed with what list it was of: another list, or another filter,
does not take it. It grants nothing: each page checks its caller anew. Nor does it tell anything: a
page may end behind something that the caller may not see.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from scalar_auditor.errors import InvalidArgumentError

if TYPE_CHECKING:
    from scalar_auditor.keys import KeyRing

USUAL: Final = 100
LARGEST: Final = 1000
_PURPOSE: Final = "page token"
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
        body = json.dumps(position, separators=(",", ":")).encode()
        return self._sealing(of, self._keys.current).encrypt(body).decode()

    def _position(self, token: str, of: tuple[object, ...]) -> Any:
        every = MultiFernet([self._sealing(of, key_id) for key_id in self._keys.ids])
        try:
            if len(token) > _LONGEST:
                raise InvalidToken
            return json.loads(every.decrypt(token.encode()))
        except InvalidToken:
            raise InvalidArgumentError(
                "page.page_token", "it is not one of this list: ask for the first page"
            ) from None

    def _sealing(self, of: tuple[object, ...], key_id: str) -> Fernet:
        """What seals the tokens of one list: each has a key of its own."""
        what = json.dumps(of, separators=(",", ":")).encode()
        return Fernet(base64.urlsafe_b64encode(self._keys.mac_for(_PURPOSE, what, key_id)))

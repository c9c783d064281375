"""What is the text of a token, and what is kept of it?

    sau_<owner>.<id>.<secret>

``owner`` is the e-mail of a person, or ``service:`` and a name, as base64url; ``id`` 32
hexadecimal digits, of which the first half names the log-in; ``secret`` 256 bits of chance as
base64url. Kept is the SHA-256 of the whole text. A token of the node itself (``stx_``) has another
form, so that neither is ever looked up as the other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

PREFIX: Final = "sau_"
OF_A_SERVICE: Final = "service:"  # no e-mail: a service's name holds no @
_HALF: Final = 16  # hexadecimal digits of the half of an id
_FORM: Final = re.compile(PREFIX + r"([A-Za-z0-9_-]{1,400})\.([0-9a-f]{32})\.(?:[A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Presented:
    """What a text says of itself; none of it is proved before ``digest`` was compared."""

    owner: str
    token_id: str
    digest: str = field(repr=False)

    @property
    def log_in(self) -> str:
        """The log-in that it says it came of."""
        return log_in_of(self.token_id)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made: the only place where its text is."""

    token_id: str
    text: str = field(repr=False)

    @property
    def digest(self) -> str:
        """What is kept of it."""
        return _digest(self.text)


def new_log_in() -> str:
    """The name of a log-in that is beginning."""
    return secrets.token_hex(_HALF // 2)


def new_token(owner: str, log_in: str) -> NewToken:
    """A token that nobody can guess."""
    token_id = log_in + secrets.token_hex(_HALF // 2)
    who = base64.urlsafe_b64encode(owner.encode()).rstrip(b"=").decode()
    return NewToken(token_id, f"{PREFIX}{who}.{token_id}.{secrets.token_urlsafe(32)}")


def presented(text: str) -> Presented | None:
    """What a text says of itself; None: it has not the form of a token."""
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    who, token_id = form.groups()
    try:
        owner = base64.urlsafe_b64decode(who + "=" * (-len(who) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    return Presented(owner, token_id, _digest(text)) if owner else None


def log_in_of(token_id: str) -> str:
    """The log-in that a token came of."""
    return token_id[:_HALF]


def ids_of_log_in(log_in: str) -> tuple[str, str]:
    """The least and the greatest id that a token of a log-in can have."""
    return log_in + "0" * _HALF, log_in + "f" * _HALF


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

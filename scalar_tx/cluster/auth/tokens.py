"""What is a token, and how long is it good for?

``stx_`` and 32 bytes of chance as base64url. It says nothing about its owner. It is looked up by
its SHA-256, so that neither the table nor the time that a lookup takes tells anything of it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeGuard

if TYPE_CHECKING:
    import datetime as dt

PREFIX: Final = "stx_"
_FORM: Final = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")


class Kind(Enum):
    """What a token is for."""

    ACCESS = "access"  # calls
    REFRESH = "refresh"  # the next two tokens, once


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long tokens are good for, in seconds: one for calls, and all that come of a log-in."""

    access: float = 30 * 60
    family: float = 12 * 60 * 60


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a log-in or a refresh returns. The only place where the tokens themselves are."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    access_expires_at: dt.datetime
    refresh_expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record of a token.

    ``family`` is the log-in that it comes of; ``stamp`` its owner's at that time: the token is dead
    once the owner has another. ``spent``: it was exchanged.
    """

    hash: str = field(repr=False)
    owner: str
    family: str
    kind: Kind
    stamp: str = field(repr=False)
    spent: bool
    expires_at: dt.datetime


def new_token() -> str:
    """A token that nobody can guess."""
    return PREFIX + secrets.token_urlsafe(32)


def is_token(text: object) -> TypeGuard[str]:
    """Does it look like a token? What does not is not worth a question to the database."""
    return isinstance(text, str) and _FORM.fullmatch(text) is not None


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()

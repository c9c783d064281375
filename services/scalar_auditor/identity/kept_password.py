"""What is kept instead of a password: its hash, and a stamp that log-ins bear.

Whoever logs in is given tokens with the account's present stamp. Another stamp ends all of them at
once, however many there are; it changes with the password, and where somebody logs out everywhere.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final, Self

_STAMP: Final = 16  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class KeptPassword:
    """The two, as one column holds them: the stamp, then Argon2's text, which begins with a $."""

    stamp: str
    hash: str = field(repr=False)

    @classmethod
    def of(cls, column: str) -> Self:
        """What a column holds."""
        return cls(column[:_STAMP], column[_STAMP:])

    @classmethod
    def new(cls, hashed: str) -> Self:
        """A password that was just hashed, with a stamp of its own."""
        return cls(secrets.token_hex(_STAMP // 2), hashed)

    @property
    def column(self) -> str:
        """What a column holds."""
        return self.stamp + self.hash


def another_stamp() -> str:
    """A stamp that no token bears."""
    return secrets.token_hex(_STAMP // 2)

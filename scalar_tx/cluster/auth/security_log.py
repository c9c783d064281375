"""What is told to those who watch over a node? One line an event, by ``scalar_tx.security``.

    event=log-in user="ada" subject="" result=refused peer="ipv4:192.0.2.7:4711" detail="password"

The fields and their order are fixed. Values are quoted as JSON in ASCII, so that no name that
somebody made up ends its line or looks like another field. No value is a secret.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from enum import Enum
from typing import Final

LONGEST: Final = 256  # characters of a value; names and peers are shorter

NAME: Final = "scalar_tx.security"

_log = logging.getLogger(NAME)


class Event(Enum):
    """What happened, or was to happen."""

    BOOTSTRAP = "bootstrap"
    LOG_IN = "log-in"
    LOG_OUT = "log-out"
    REFRESH = "refresh"
    TOKEN = "token"  # noqa: S105  # a call's token was looked at
    USE = "use"  # of a privilege
    CREATE_USER = "create-user"
    CHANGE_USER = "change-user"
    DROP_USER = "drop-user"
    PASSWORD = "password"  # noqa: S105  # it was changed
    CREATE_ROLE = "create-role"
    DROP_ROLE = "drop-role"
    GRANT_ROLE = "grant-role"
    REVOKE_ROLE = "revoke-role"
    GRANT = "grant"
    REVOKE = "revoke"
    SETTLE = "settle"
    PAUSE = "pause"
    RESUME = "resume"


class Result(Enum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who did it: the user's name as far as it is known, and where they called from."""

    user: str = ""
    peer: str = ""


THE_NODE: Final = Caller()


def tell(
    event: Event,
    by: Caller,
    *,
    subject: str = "",
    result: Result = Result.DONE,
    detail: str = "",
) -> None:
    """Write one line: INFO where it was done, WARNING where it was refused.

    ``subject``: who or what it was done to; ``detail``: in words, for people.
    """
    level = logging.INFO if result is Result.DONE else logging.WARNING
    if _log.isEnabledFor(level):
        _log.log(
            level,
            "event=%s user=%s subject=%s result=%s peer=%s detail=%s",
            event.value,
            quoted(by.user),
            quoted(subject),
            result.value,
            quoted(by.peer),
            quoted(detail),
        )


def quoted(value: str) -> str:
    """The value as one word of printable ASCII."""
    cut = value if len(value) <= LONGEST else value[:LONGEST] + "…"
    return json.dumps(cut)

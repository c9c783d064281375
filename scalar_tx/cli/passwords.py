"""Where does a command get a password from? Never from its arguments, which all can see."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Any, Final

from scalar_tx.errors import InvalidOperationError

VARIABLE: Final = "SCALAR_TX_PASSWORD"


def from_file(path: str, what: str = "the password") -> str:
    """The first line of a file, which is ``what``. InvalidOperationError, STX-5251: unreadable."""
    try:
        return (Path(path).read_text("utf-8").splitlines() or [""])[0]
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InvalidOperationError(
            f"{what} can't be read from {path}: {why}",
            advice=f"Name a file of text that you may read; its first line is {what}",
            code="STX-5251",
        ) from None


def to_log_in(user: str, file: str | None, known: str | None) -> str:
    """The password that somebody logs in with.

    From a file, the environment, the settings (``known``), or the terminal, in this order.
    """
    if file is not None:
        return from_file(file)
    given = os.environ.get(VARIABLE) or known
    return given or typed(f"Password of {user}: ")


def new(user: str, file: str | None) -> str:
    """A password that is to be set: from a file, or typed twice."""
    if file is not None:
        return from_file(file)
    first = typed(f"New password of {user}: ")
    if typed("Once more: ") != first:
        raise InvalidOperationError(
            "the two passwords differ; nothing was changed",
            advice="Type the same one twice, or name a file with --new-password-file",
            code="STX-5253",
        )
    return first


def chosen(user: str, file: str | None, *, generate: bool) -> tuple[str, dict[str, Any]]:
    """A password that is to be set, and what is to be shown of it.

    That is nothing, unless it is made up and nobody else knows it.
    """
    if not generate:
        return new(user, file), {}
    from scalar_tx.cluster.auth.passwords import generated_password

    made = generated_password()
    return made, {"password": made}


def name() -> str:
    """Who logs in, asked on the terminal. STX-5252: nobody is there."""
    _insist_on_terminal("who logs in", "Name them with --user, or set SCALAR_TX_USER")
    return input("User: ")


def typed(prompt: str) -> str:
    """What somebody types on the terminal, without echo. STX-5252: nobody is there."""
    advice = f"Name a file (--password-file, --new-password-file); {VARIABLE} is for the log-in"
    _insist_on_terminal("a password", advice)
    return getpass.getpass(prompt)


def _insist_on_terminal(what: str, advice: str) -> None:
    if not sys.stdin.isatty():
        raise InvalidOperationError(
            f"{what} has to be known, and there is no terminal to ask",
            advice=advice,
            code="STX-5252",
        )

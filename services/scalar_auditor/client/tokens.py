"""Where does a client's token come from: is it given, or got for a password?"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from scalar_auditor.client.errors import AuditorError

if TYPE_CHECKING:
    from scalar_auditor.client.connection import LogInCalls
    from scalar_auditor.rpc.v1 import identity_pb2


class GivenToken:
    """A token that was handed out, such as a service's; empty: none at all."""

    def __init__(self, token: str = "") -> None:
        self._token = token

    def __repr__(self) -> str:
        return "GivenToken()"

    def current(self, log_in: LogInCalls) -> str:
        """The token."""
        return self._token

    def renewed(self, refused: str, log_in: LogInCalls) -> str | None:
        """There is no other."""
        return None


class PasswordLogIn:
    """Tokens for an e-mail address and a password, got by the first call that needs one."""

    def __init__(self, email: str, password: str) -> None:
        self._email = email
        self._password = password
        self._tokens: identity_pb2.Tokens | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"PasswordLogIn({self._email!r})"

    def current(self, log_in: LogInCalls) -> str:
        """The access token of the log-in."""
        with self._lock:
            if self._tokens is None:
                self._tokens = log_in.log_in(self._email, self._password)
            return self._tokens.access_token

    def renewed(self, refused: str, log_in: LogInCalls) -> str | None:
        """A new access token, once for all threads whose token was refused."""
        with self._lock:
            old = self._tokens
            if old is not None and old.access_token != refused:
                return old.access_token
            # What became of a refresh whose answer was lost is not known, and a refresh token that
            # is used twice ends its log-in: so it is not kept.
            self._tokens = None
            if old is not None:
                try:
                    self._tokens = log_in.refresh(old.refresh_token)
                except AuditorError:
                    self._tokens = None  # it may be too old: the password is good for longer
            if self._tokens is None:
                self._tokens = log_in.log_in(self._email, self._password)
            return self._tokens.access_token

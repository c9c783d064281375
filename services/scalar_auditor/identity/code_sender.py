"""How does a one-time code reach the person it is for?

By mail, through the server that ``SCALAR_AUDITOR_SMTP_URL`` names:

    smtp://user:password@mail.example.org:587?from=audit@example.org
    smtps://user:password@mail.example.org?from=audit@example.org

``smtps`` is TLS from the beginning. With ``smtp`` TLS is begun where the server offers it; a
password goes to another machine in no other way.
"""

from __future__ import annotations

import asyncio
import logging
import os
import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from scalar_auditor import fields
from scalar_auditor.errors import InvalidArgumentError
from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_log = logging.getLogger("scalar_auditor.codes")

URL: Final = "SCALAR_AUDITOR_SMTP_URL"  # the variable that names the server
SECONDS: Final = 20.0  # for each answer of the server
_AT_ONCE: Final = 4  # mails
_PORTS: Final = {"smtp": 587, "smtps": 465}
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class NotSentError(Exception):
    """The code did not leave; the cause says why, and may name people."""


class CodeSender(Protocol):
    """Sends codes."""

    async def send(self, user_email: str, code: str, minutes: int) -> None:
        """Send a code that is good for so many minutes. NotSentError."""
        ...


class LogSender:
    """Writes codes to the log, where a developer reads them: for ``--dev`` alone."""

    async def send(self, user_email: str, code: str, minutes: int) -> None:
        """Write it."""
        _log.warning("the code for %s is %s, for %d minutes", user_email, code, minutes)


@dataclass(frozen=True, slots=True)
class SmtpSender:
    """Hands codes to a mail server."""

    host: str
    port: int
    sender: str
    tls_first: bool
    user: str = ""
    _password: str = field(default="", repr=False)
    # Not the loop's own threads: a mail server that hangs would take them from all else.
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_AT_ONCE, "scalar_auditor mail"),
        init=False,
        repr=False,
        compare=False,
    )

    @classmethod
    def of_url(cls, url: str) -> SmtpSender:
        """The server of a URL. SettingsError, STX-5302; nothing of the URL is in it."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise _wrong("is no URL") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise _wrong("does not begin with smtp:// or smtps:// and a host")
        return cls(
            parts.hostname,
            port or _PORTS[parts.scheme],
            _sender_of(parts),
            parts.scheme == "smtps",
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )

    async def send(self, user_email: str, code: str, minutes: int) -> None:
        """Send a mail."""
        try:
            message = self._message(user_email, code, minutes)
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._hand_over, user_email, message)
        except (OSError, smtplib.SMTPException, ValueError, UnicodeError) as error:
            raise NotSentError from error

    def _message(self, user_email: str, code: str, minutes: int) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = Address(addr_spec=user_email)
        message["Subject"] = "Your code for a new password"
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        message.set_content(
            f"Your code for a new password is {code}. It is good for {minutes} minutes.\n\n"
            "If you did not ask for it, you need not do anything.\n"
        )
        return message

    def _hand_over(self, user_email: str, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        with self._connected(context) as server:
            secure = self.tls_first
            server.ehlo_or_helo_if_needed()
            if not secure and server.has_extn("starttls"):
                server.starttls(context=context)
                secure = True
            if self.user:
                if not secure and self.host not in _LOOPBACK:
                    raise smtplib.SMTPException("no TLS is offered, and there is a password")
                server.login(self.user, self._password)
            server.send_message(message, self.sender, [user_email])

    def _connected(self, context: ssl.SSLContext) -> smtplib.SMTP:
        if self.tls_first:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=SECONDS)


def sender_of_environment(*, dev: bool) -> CodeSender | None:
    """What the node sends codes by; None: by nothing. SettingsError, STX-5302."""
    url = os.environ.get(URL)
    if url:
        return SmtpSender.of_url(url)
    return LogSender() if dev else None


def _sender_of(parts: SplitResult) -> str:
    given = parse_qs(parts.query).get("from", [""])[0]
    try:
        return fields.email("from", given)
    except InvalidArgumentError:
        raise _wrong("names no sender, as ?from=audit@example.org") from None


def _wrong(what: str) -> SettingsError:
    return SettingsError(
        f"the mail server that {URL} names can't be used: it {what}",
        advice="Write smtps://user:password@mail.example.org?from=audit@example.org",
        code="STX-5302",
    )

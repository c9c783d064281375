"""Does a mail with a code reach a mail server, over TLS where it has to, and is no secret told?"""

from __future__ import annotations

import asyncio
import base64
import io
import logging
import socket
import socketserver
import ssl
import threading
from email import message_from_string, policy
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from scalar_auditor.identity import code_sender
from scalar_auditor.identity.code_sender import (
    LogSender,
    NotSentError,
    SmtpSender,
    sender_of_environment,
)
from scalar_tx.errors import SettingsError
from tests.services.identity.world import ADA, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "canary-smtp-2b7d"
SENDER = "audit@example.org"


class Talk(socketserver.StreamRequestHandler):
    """What a mail server says (RFC 5321, 4954), and remembers."""

    server: MailServer
    secure: ssl.SSLSocket | None = None

    def handle(self) -> None:
        self.say("220 test")
        while line := self.rfile.readline().decode().strip():
            self.server.lines.append(line)
            word = line.split(" ")[0].upper()
            if word == "EHLO":
                offers = ["STARTTLS"] if self.server.offers_tls else []
                self.say("250-test", *(f"250-{one}" for one in offers), "250 AUTH PLAIN")
            elif word == "STARTTLS":
                self.say("220 go on")
                self.begin_tls()
            elif word == "AUTH":
                self.server.log_ins.append(base64.b64decode(line.split(" ")[2]).decode())
                self.say("235 in")
            elif word == "RCPT" and self.server.refuses:
                self.say("550 canary-of-the-server: no such box")
            elif word == "DATA":
                self.say("354 go on")
                self.server.mails.append(self.data())
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 well")

    def begin_tls(self) -> None:
        assert self.server.context is not None
        try:
            secure = self.server.context.wrap_socket(self.connection, server_side=True)
        except ssl.SSLError:
            self.rfile = io.BytesIO()  # it hangs up
            return
        self.secure = secure
        self.rfile = secure.makefile("rb")
        self.wfile = secure.makefile("wb", 0)  # type: ignore[assignment]
        self.server.offers_tls = False
        self.server.lines.append("TLS")

    def finish(self) -> None:
        super().finish()
        if self.secure is not None:
            self.secure.close()

    def say(self, *lines: str) -> None:
        for line in lines:
            self.wfile.write(f"{line}\r\n".encode())

    def data(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode()) not in (".\r\n", ""):
            lines.append(line)
        return "".join(lines)


class MailServer(socketserver.ThreadingTCPServer):
    """A real one, small."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None, *, tls_first: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.context = context
        self.tls_first = tls_first
        self.offers_tls = context is not None and not tls_first
        self.lines: list[str] = []
        self.mails: list[str] = []
        self.log_ins: list[str] = []
        self.refuses = False
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        if self.tls_first and self.context is not None:
            connection.settimeout(5)
            connection = self.context.wrap_socket(connection, server_side=True)
        return connection, address

    @property
    def url(self) -> str:
        return f"smtp://me:{SECRET}@127.0.0.1:{self.server_address[1]}?from={SENDER}"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as found:
        yield found
        found.shutdown()


def send(sender: Any, email: str = ADA) -> None:
    asyncio.run(sender.send(email, "12345678", 10))


def test_a_mail_is_handed_over(server: MailServer) -> None:
    send(SmtpSender.of_url(server.url))
    assert server.log_ins == [f"\0me\0{SECRET}"]
    assert f"mail FROM:<{SENDER}>" in " ".join(server.lines)
    assert f"rcpt TO:<{ADA}>" in server.lines
    mail = message_from_string(server.mails[0], policy=policy.default)
    assert (mail["From"], mail["To"]) == (SENDER, ADA)
    assert mail["Date"]
    assert mail["Message-ID"]
    assert "12345678" in mail.get_content()
    assert "10 minutes" in mail.get_content()
    assert "12345678" not in mail["Subject"]


def test_a_code_goes_the_whole_way(server: MailServer) -> None:
    with World(sender=SmtpSender.of_url(server.url)) as world:
        world.register(ADA)
        world.nobody.RequestPasswordReset(user_email=ADA)
        world.settled()
        text = message_from_string(server.mails[0], policy=policy.default).get_content()
        code = text.split(" is ")[1].split(".")[0]
        password = "a third one that is long enough"
        world.nobody.ResetPassword(user_email=ADA, code=code, new_password=password)
        world.tokens(ADA, password)


def test_a_refusal_is_no_error_for_the_caller(
    server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.refuses = True
    with World(sender=SmtpSender.of_url(server.url)) as world, caplog.at_level(logging.DEBUG):
        world.register(ADA)
        world.nobody.RequestPasswordReset(user_email=ADA)
        world.settled()
    assert "a code for a new password was not sent: NotSentError" in caplog.text
    for secret in (SECRET, "canary-of-the-server"):
        assert secret not in caplog.text


def test_a_server_that_hangs_takes_no_thread_of_anything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(code_sender, "SECONDS", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        sender = SmtpSender.of_url(f"smtp://127.0.0.1:{port}?from={SENDER}")

        async def send() -> None:
            mails = [asyncio.ensure_future(sender.send(ADA, "1", 10)) for _ in range(50)]
            await asyncio.sleep(0.1)
            async with asyncio.timeout(1):
                assert await asyncio.to_thread(lambda: "done") == "done"
            for mail in mails:
                mail.cancel()
            await asyncio.gather(*mails, return_exceptions=True)

        asyncio.run(send())


def test_a_server_that_is_away(server: MailServer) -> None:
    url = server.url
    server.shutdown()
    server.server_close()
    with pytest.raises(NotSentError):
        send(SmtpSender.of_url(url))


def test_a_password_goes_nowhere_without_tls(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if this machine were another one."""
    monkeypatch.setattr("scalar_auditor.identity.code_sender._LOOPBACK", ())
    with pytest.raises(NotSentError):
        send(SmtpSender.of_url(server.url))
    assert (server.log_ins, server.mails) == ([], [])


def test_an_address_can_not_add_lines(server: MailServer) -> None:
    with pytest.raises(NotSentError):
        send(SmtpSender.of_url(server.url), "ada@example.org\r\nBcc: eve@example.org")
    assert server.mails == []


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's certificate of a CA that this machine trusts."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.crt")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
    return _context_of(ca)


def _context_of(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.mark.parametrize("tls_first", [True, False])
def test_a_mail_goes_over_tls(
    trusted: ssl.SSLContext, tls_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the password, to a machine that is not this one."""
    monkeypatch.setattr("scalar_auditor.identity.code_sender._LOOPBACK", ())
    with MailServer(trusted, tls_first=tls_first) as server:
        url = server.url.replace("smtp:", "smtps:") if tls_first else server.url
        send(SmtpSender.of_url(url))
        server.shutdown()
    assert server.log_ins == [f"\0me\0{SECRET}"]
    assert len(server.mails) == 1
    assert ("TLS" in server.lines) is not tls_first


@pytest.mark.parametrize("tls_first", [True, False])
def test_a_server_whose_certificate_is_not_trusted_hears_nothing(
    trusted: ssl.SSLContext, tls_first: bool
) -> None:
    with MailServer(_context_of(trustme.CA()), tls_first=tls_first) as server:
        url = server.url.replace("smtp:", "smtps:") if tls_first else server.url
        with pytest.raises(NotSentError):
            send(SmtpSender.of_url(url))
        server.shutdown()
    assert (server.log_ins, server.mails) == ([], [])


@pytest.mark.parametrize(
    "url, port",
    [
        ("smtp://h?from=a@b.org", 587),
        ("smtps://h?from=a@b.org", 465),
        ("smtp://h:25?from=a@b.org", 25),
    ],
)
def test_ports(url: str, port: int) -> None:
    assert SmtpSender.of_url(url).port == port


def test_a_name_may_be_quoted_in_the_url() -> None:
    assert SmtpSender.of_url("smtp://me%40x:p%2Fq@h?from=a@b.org").user == "me@x"


@pytest.mark.parametrize(
    "url",
    [
        f"http://me:{SECRET}@h?from=a@b.org",
        f"smtp://me:{SECRET}@h",
        f"smtp://me:{SECRET}@h:port?from=a@b.org",
        f"smtp://me:{SECRET}@?from=a@b.org",
        f"smtp://me:{SECRET}@h?from=nobody",
        SECRET,
    ],
)
def test_a_url_that_can_not_be(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        SmtpSender.of_url(url)
    assert caught.value.code == "STX-5302"
    assert "SCALAR_AUDITOR_SMTP_URL" in str(caught.value)
    assert SECRET not in f"{caught.value} {caught.value.__cause__!r} {caught.value.advice}"


def test_nothing_of_the_password_is_shown(server: MailServer) -> None:
    assert SECRET not in repr(SmtpSender.of_url(server.url))


def test_what_a_node_sends_by(monkeypatch: pytest.MonkeyPatch, server: MailServer) -> None:
    monkeypatch.delenv("SCALAR_AUDITOR_SMTP_URL", raising=False)
    assert sender_of_environment(dev=False) is None
    assert isinstance(sender_of_environment(dev=True), LogSender)
    monkeypatch.setenv("SCALAR_AUDITOR_SMTP_URL", server.url)
    assert isinstance(sender_of_environment(dev=True), SmtpSender)


def test_for_developers_the_log_will_do(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        send(LogSender())
    assert f"the code for {ADA} is 12345678" in caplog.text

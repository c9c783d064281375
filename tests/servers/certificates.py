"""What does a server show to clients who ask for TLS? A certificate that it has signed itself."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.servers import places
from tests.servers.artifacts import ServerMissingError, run

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 60


def certificate(home: Path) -> Path:
    """Where a server's certificate lies, once ``make`` has made it."""
    return home / "server.crt"


def key(home: Path) -> Path:
    """Where its key lies."""
    return home / "server.key"


def make(home: Path) -> None:
    """Make both for 127.0.0.1, good for a day; clients trust the certificate itself.

    ServerMissingError: there is no ``openssl``.
    """
    if shutil.which("openssl") is None:
        raise ServerMissingError("install openssl for a server with TLS")
    request = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", str(key(home)), "-out", str(certificate(home)),
    ]  # fmt: skip
    run(places.as_server_user(request), home, SECONDS)
    key(home).chmod(0o600)
    certificate(home).chmod(0o644)

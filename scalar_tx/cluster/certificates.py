"""Which certificate does a node show, and what if its files change while it runs?

They are looked at when a client connects, at most once a second. New files that do not fit
together change nothing: the old certificate is shown on, and the log says why.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import grpc

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.settings import TlsSettings

_log = logging.getLogger("scalar_tx.cluster.certificates")

LOOK_SECONDS: Final = 1.0
_State = tuple[tuple[int, int, int], ...]


class Certificates:
    """The certificate of a node, from files. SettingsError: they can't be used."""

    def __init__(self, tls: TlsSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._tls = tls
        self._clock = clock
        self._lock = threading.Lock()
        self._state = self._states()
        self._shown = self._read()
        self._looked_at = clock()

    def credentials(self) -> grpc.ServerCredentials:
        """What a port is opened with. Clients show a certificate where a CA for them is named."""
        newer = cast("Callable[[], grpc.ServerCertificateConfiguration]", self.newer)
        return grpc.dynamic_ssl_server_credentials(
            self._shown, newer, self._tls.client_ca is not None
        )

    def newer(self) -> grpc.ServerCertificateConfiguration | None:
        """What to show from now on, if that has changed; called by gRPC's threads."""
        with self._lock:
            now = self._clock()
            if now - self._looked_at < LOOK_SECONDS:
                return None
            self._looked_at = now
            try:
                state = self._states()
                if state == self._state:
                    return None
                shown = self._read()
            except SettingsError as error:
                _log.error("the certificate shown before stays: %s", error)
                return None
            self._state, self._shown = state, shown
            _log.info("the certificate in %s has changed and is shown", self._tls.cert_chain)
            return shown

    def _states(self) -> _State:
        try:
            stats = [Path(path).stat() for path in self._paths()]
        except OSError as error:
            raise _unusable(f"{error.filename}: {error.strerror}") from error
        return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)

    def _paths(self) -> list[str]:
        tls = self._tls
        return [one for one in (tls.cert_chain, tls.private_key, tls.client_ca) if one is not None]

    def _read(self) -> grpc.ServerCertificateConfiguration:
        try:
            before = self._contents()
            # gRPC takes what it is given and fails at every handshake; OpenSSL says it now.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._tls.cert_chain, self._tls.private_key, password=_NOBODY)
            if self._tls.client_ca is not None:
                context.load_verify_locations(self._tls.client_ca)
            contents = self._contents()
        except ssl.SSLError as error:
            reason = error.reason or "no certificate, or none that fits its key"
            raise _unusable(f"{self._tls.cert_chain} and its key: {reason}") from error
        except OSError as error:
            raise _unusable(f"{error.filename}: {error.strerror}") from error
        if contents != before:
            raise _unusable(f"{self._tls.cert_chain}: it is just being written")
        chain, key, *client_ca = contents
        return grpc.ssl_server_certificate_configuration(
            [(key, chain)], root_certificates=client_ca[0] if client_ca else None
        )

    def _contents(self) -> list[bytes]:
        return [Path(path).read_bytes() for path in self._paths()]


# A key under a password would otherwise be asked for on the terminal.
_NOBODY: Final = b""


def _unusable(what: str) -> SettingsError:
    return SettingsError(
        f"the certificate can't be used: {what}",
        advice="Name a chain in PEM, the key that fits it, without a password, and the clients' "
        "CA in PEM where clients show certificates",
        code="STX-5004",
    )

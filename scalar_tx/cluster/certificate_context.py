"""Which certificate does HTTP show, and what if its files change while it runs?

As ``certificates`` does for gRPC: they are looked at when somebody connects, at most once a second,
and what can't be used changes nothing.
"""

from __future__ import annotations

import logging
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.certificates import LOOK_SECONDS, Certificates

if TYPE_CHECKING:
    from scalar_tx.settings import TlsSettings

_log = logging.getLogger("scalar_tx.cluster.certificates")


class CertificateContext:
    """The context of a node's HTTP port: ``shown``. SettingsError: its files can't be used.

    Browsers and scrapers show no certificate of their own: who they are, they say otherwise.
    """

    def __init__(self, tls: TlsSettings) -> None:
        Certificates(tls)  # it says what is wrong with the files
        self._tls = tls
        self._changed = self._state()
        self._looked_at = time.monotonic()
        self.shown: Final = self._read()
        self._newest = self.shown
        self.shown.sni_callback = self._choose

    def _choose(self, end: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        end.context = self._look()

    def _look(self) -> ssl.SSLContext:
        now = time.monotonic()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            try:
                changed = self._state()
                if changed != self._changed:
                    self._newest = self._read()
                    self._changed = changed
            except OSError as error:  # ssl.SSLError is one
                _log.error("the certificate shown over HTTP stays: %s", error)
        return self._newest

    def _state(self) -> list[tuple[int, int]]:
        stats = [Path(path).stat() for path in (self._tls.cert_chain, self._tls.private_key)]
        return [(stat.st_ino, stat.st_mtime_ns) for stat in stats]

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._tls.cert_chain, self._tls.private_key, password=b"")
        return context

"""When does a chain of certificates expire? With the first of its certificates.

Only the validity of a certificate is looked for; whether it is any good is OpenSSL's to say, which
has read the same file (``certificates``).
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger("scalar_tx.cluster.certificates")

_PEM: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL | re.ASCII
)
_VERSION: Final = 0xA0  # stands there but for the oldest kind of certificate
_UTC_TIME: Final = 0x17


def expires_at(path: str) -> float:
    """When the chain in a file expires, in seconds since 1970; NaN: it can't be read just now."""
    try:
        return first_end(Path(path).read_text(encoding="ascii", errors="replace"))
    except (OSError, ValueError) as error:
        _log.info("%s does not tell when it expires: %s", path, error)
        return math.nan


def first_end(chain: str) -> float:
    """When the first certificate of a chain in PEM expires, in seconds since 1970.

    ValueError: there is none, or it can't be read.
    """
    found = _PEM.findall(chain)
    if not found:
        raise ValueError("no certificate in PEM")
    return min(_not_after(ssl.PEM_cert_to_DER_cert(one)) for one in found)


def _not_after(certificate: bytes) -> float:
    # RFC 5280, 4.1: version, serial number, signature, issuer, and then the validity.
    try:
        whole = next(_elements(certificate))[1]
        fields = _elements(next(_elements(whole))[1])
        if next(fields)[0] == _VERSION:
            next(fields)
        for _ in ("signature", "issuer"):
            next(fields)
        _, (kind, text) = _elements(next(fields)[1])
        return _moment(kind, text.decode("ascii"))
    except (StopIteration, IndexError) as error:
        raise ValueError("no certificate in DER") from error


def _moment(kind: int, text: str) -> float:
    # RFC 5280, 4.1.2.5: always in UTC and with seconds; years of two digits begin with 1950.
    if kind == _UTC_TIME:
        text = ("19" if text >= "50" else "20") + text
    moment = dt.datetime.strptime(text + "+0000", "%Y%m%d%H%M%SZ%z")
    return moment.timestamp()


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags and contents, one after the other."""
    at = 0
    while at < len(der):
        kind, length = der[at], der[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(der[at : at + size], "big")
            at += size
        if at + length > len(der):
            raise ValueError("a certificate is cut off")
        yield kind, der[at : at + length]
        at += length

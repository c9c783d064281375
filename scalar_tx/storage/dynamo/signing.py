"""How is a request signed? Signature Version 4, for the one kind of request that is sent here.

Every request is a POST to one path with the same signed headers, so all but the hashes of its body
and target is made once a second, and the key of a day once a day. Source: Signature Version 4 in
the AWS General Reference; the driver signs the same request the same way.
"""

from __future__ import annotations

import hmac
import re
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple
from urllib.parse import quote

from botocore.exceptions import CredentialRetrievalError  # type: ignore[import-untyped]
from botocore.utils import normalize_url_path  # type: ignore[import-untyped]

CONTENT_TYPE: Final = "application/x-amz-json-1.0"
_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SERVICE: Final = "dynamodb"
_END: Final = "aws4_request"
_IN_A_HEADER: Final = re.compile(r"[!-~]+")


class Credentials(NamedTuple):
    """What signs; a token comes with temporary ones."""

    access_key: str
    secret_key: str
    token: str | None


@dataclass(frozen=True, slots=True)
class _Second:
    """What all requests of one second with the same credentials have in common."""

    number: int
    credentials: Credentials
    canonical: str  # of the canonical request, up to the target
    names: str  # of the signed headers
    to_sign: str  # of the string to sign, up to the canonical request's hash
    key: bytes
    head: str  # of what is sent, up to the signature


class Signer:
    """Makes the requests to one place, from any thread.

    ``path`` is what the endpoint's address has behind the host, ``host`` its Host header.
    """

    def __init__(self, host: str, path: str, region: str) -> None:
        self._host = host
        self._path = quote(path or "/", safe="/~%!$&'()*+,;=:@")
        self._canonical_path = quote(normalize_url_path(self._path), safe="/~")
        self._region = region
        self._day: tuple[str, str, bytes] = ("", "", b"")
        self._second: _Second | None = None

    def request(self, target: str, body: bytes, credentials: Credentials, now: float) -> bytes:
        """The bytes of a request with that ``X-Amz-Target``, signed at ``now``.

        The driver's CredentialRetrievalError: the credentials can't be in a header.
        """
        number = int(now)
        second = self._second
        if second is None or second.number != number or second.credentials != credentials:
            second = self._second = self._begun(number, credentials)
        hashed = sha256(body).hexdigest()
        canonical = f"{second.canonical}{target}\n\n{second.names}\n{hashed}"
        to_sign = second.to_sign + sha256(canonical.encode()).hexdigest()
        signature = hmac.digest(second.key, to_sign.encode(), "sha256").hex()
        head = (
            f"{second.head}{signature}\r\nx-amz-target: {target}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _begun(self, number: int, credentials: Credentials) -> _Second:
        access_key, secret_key, token = credentials
        if not all(_IN_A_HEADER.fullmatch(one) for one in (access_key, token or "-")):
            raise CredentialRetrievalError(
                provider="the given ones",
                error_msg="an access key's id or a token has characters other than ASCII's",
            )
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(number))
        scope = f"{at[:8]}/{self._region}/{_SERVICE}/{_END}"
        headers = {"content-type": CONTENT_TYPE, "host": self._host, "x-amz-date": at}
        if token:
            headers["x-amz-security-token"] = token
        names = ";".join((*headers, "x-amz-target"))
        canonical = "".join(f"{name}:{value}\n" for name, value in headers.items())
        sent = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return _Second(
            number,
            credentials,
            f"POST\n{self._canonical_path}\n\n{canonical}x-amz-target:",
            names,
            f"{_ALGORITHM}\n{at}\n{scope}\n",
            self._key(secret_key, at[:8]),
            f"POST {self._path} HTTP/1.1\r\n{sent}user-agent: scalar-tx\r\n"
            f"accept-encoding: identity\r\nauthorization: {_ALGORITHM} "
            f"Credential={access_key}/{scope}, SignedHeaders={names}, Signature=",
        )

    def _key(self, secret: str, day: str) -> bytes:
        known, known_day, key = self._day
        if known == secret and known_day == day:
            return key
        key = f"AWS4{secret}".encode()
        for part in (day, self._region, _SERVICE, _END):
            key = hmac.digest(key, part.encode(), "sha256")
        self._day = (secret, day, key)
        return key

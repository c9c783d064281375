"""Is every request signed as the driver would sign it?"""

from __future__ import annotations

import datetime as dt
import random
import string

import botocore.auth  # type: ignore[import-untyped]
import pytest
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.exceptions import CredentialRetrievalError  # type: ignore[import-untyped]

from scalar_tx.storage.dynamo.signing import Credentials, Signer
from scalar_tx.storage.dynamo.wire import OPERATIONS, host_header

ENDPOINTS = (
    "http://127.0.0.1:8000",
    "http://localhost",
    "http://localhost:80",
    "http://[::1]:8000",
    "https://dynamodb.eu-central-1.amazonaws.com",
    "https://dynamodb.eu-central-1.amazonaws.com:443/",
    "https://vpce-0a.aws.com./",
    "https://gateway.example:8443/db/",
    "https://gateway.example/a%20b/~c",
)
UNSIGNED = {"user-agent", "accept-encoding", "content-length"}
FIRST, LAST = 1_577_836_800, 2_524_608_000  # 2020 to 2050


def parsed(request: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return first, dict(line.split(": ", 1) for line in lines), body


def expected(
    url: str, headers: dict[str, str], body: bytes, by: Credentials, *, region: str, at: int
) -> tuple[str, dict[str, str]]:
    """What the driver signs and sends."""
    plain = {name: headers[name] for name in ("content-type", "host", "x-amz-target")}
    request = AWSRequest("POST", url, headers=plain, data=body)
    signer = botocore.auth.SigV4Auth(by, "dynamodb", region)
    request.context["timestamp"] = dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    sent = {name.lower(): value for name, value in request.headers.items()}
    return sent.pop("authorization"), sent


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("seed", range(20))
def test_requests_are_signed_as_the_driver_signs_them(endpoint: str, seed: int) -> None:
    dice = random.Random(seed)

    def word(letters: str, most: int) -> str:
        return "".join(dice.choices(letters, k=dice.randint(1, most)))

    region = dice.choice(("eu-central-1", "us-west-2", "us-gov-east-1"))
    known = [
        Credentials(
            word(string.ascii_uppercase + string.digits, 30),
            word(string.ascii_letters + "+/=ü", 60),
            dice.choice((None, word(string.ascii_letters + "+/=", 900))),
        )
        for _ in range(3)
    ]
    moments = [dice.randint(FIRST, LAST) for _ in range(3)]
    moments += [moments[0] // 86_400 * 86_400 - 1, moments[0] // 86_400 * 86_400]
    _, _, rest = endpoint.partition("://")
    path = "/" + rest.partition("/")[2]
    host = host_header(endpoint)
    assert host == botocore.auth._host_from_url(endpoint)
    signer = Signer(host, path, region)
    # One signer for all of them, in any order: nothing of one is kept for another.
    for _ in range(40):
        by, at = dice.choice(known), dice.choice(moments)
        target = f"DynamoDB_20120810.{dice.choice(list(OPERATIONS.values()))}"
        body = dice.randbytes(dice.choice((1, 2, 300, 20_000)))
        request = signer.request(target, body, by, at + dice.random())
        first, headers, sent = parsed(request)
        assert first == f"POST {path} HTTP/1.1"
        assert sent == body
        assert headers["content-length"] == str(len(body))
        assert headers["x-amz-target"] == target
        assert headers["host"] == host
        authorization, theirs = expected(endpoint, headers, body, by, region=region, at=at)
        assert headers.pop("authorization") == authorization
        assert {name: value for name, value in headers.items() if name not in UNSIGNED} == theirs


@pytest.mark.parametrize(
    "by",
    [
        Credentials("a\r\nb: c", "s", None),
        Credentials("a", "s", "t t"),
        Credentials("ü", "s", None),
    ],
)
def test_what_can_t_be_in_a_header_is_not_sent(by: Credentials) -> None:
    with pytest.raises(CredentialRetrievalError):
        Signer("localhost", "/", "eu-central-1").request("T", b"{}", by, FIRST)

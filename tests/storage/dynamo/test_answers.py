"""Is an answer read the same however it arrives, and is half of one none?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.storage.dynamo.answers import Answer, CutAnswerError, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CONTENT = b'{"Item":{}}'
COUNTED = (
    b"HTTP/1.1 200 OK\r\nServer: Server\r\nContent-Type: application/x-amz-json-1.0\r\n"
    b"CONTENT-length:  11 \r\nx-amz-crc32: 77\r\n\r\n" + CONTENT
)
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nx-amz-crc32: 77\r\n\r\n"
    b'5\r\n{"Ite\r\n006;a=b\r\nm":{}}\r\n0\r\nx-trailer: 1\r\n\r\n'
)
ANNOUNCED = b"HTTP/1.1 100 Continue\r\n\r\n" + COUNTED
EXPECTED = Answer(200, CONTENT, b"77", "", keeps=True)
FORMS = {"counted": COUNTED, "chunked": CHUNKED, "announced": ANNOUNCED}


def of(pieces: Iterable[bytes]) -> Answer:
    """What is read where these pieces come, and then the end."""
    coming = iter(pieces)

    def more() -> bytes:
        return next(coming, b"")

    return read(more(), more)


@pytest.mark.parametrize("form", FORMS)
def test_it_arrives_in_any_pieces(form: str) -> None:
    text = FORMS[form]
    assert of([text]) == EXPECTED
    assert of(text[i : i + 1] for i in range(len(text))) == EXPECTED
    for at in range(1, len(text)):
        assert of([text[:at], text[at:]]) == EXPECTED


@pytest.mark.parametrize("form", FORMS)
def test_what_is_cut_anywhere_is_none(form: str) -> None:
    text = FORMS[form]
    for at in range(len(text)):
        with pytest.raises(CutAnswerError):
            of([text[:at]])
        with pytest.raises(CutAnswerError):
            of(text[i : i + 1] for i in range(at))


@pytest.mark.parametrize("form", FORMS)
def test_what_comes_behind_belongs_to_no_answer(form: str) -> None:
    text = FORMS[form] + b"HTTP/1.1 200 OK\r\n"
    assert of([text]) == EXPECTED._replace(keeps=False)


ENDS: dict[str, tuple[Callable[[bytes], bytes], Answer]] = {
    "told": (
        lambda text: text.replace(b"Server: Server", b"Connection: Close"),
        EXPECTED._replace(keeps=False),
    ),
    "an old server": (
        lambda text: text.replace(b"HTTP/1.1", b"HTTP/1.0"),
        EXPECTED._replace(keeps=False),
    ),
    "no length": (
        lambda text: text.replace(b"CONTENT-length", b"x-length"),
        EXPECTED._replace(keeps=False),
    ),
    "an error": (
        lambda text: text.replace(b"200 OK", b"400 No").replace(
            b"Server: Server", b"x-amzn-ErrorType: some#Error:x"
        ),
        EXPECTED._replace(status=400, kind="some#Error:x"),
    ),
}


@pytest.mark.parametrize("case", ENDS)
def test_what_its_headers_say(case: str) -> None:
    change, expected = ENDS[case]
    text = change(COUNTED)
    assert of([text]) == expected
    assert of([text[:70], text[70:]]) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/2 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}xx0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"0" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000,
    ],
)
def test_what_is_no_answer(text: bytes) -> None:
    with pytest.raises(CutAnswerError):
        of(text[i : i + 4096] for i in range(0, len(text), 4096))

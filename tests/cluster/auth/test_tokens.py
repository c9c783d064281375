"""What does a token look like, and what is kept of it?"""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest

from scalar_tx.cluster.auth.tokens import Kind, Known, TokenPair, digest, is_token, new_token

NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def test_its_form() -> None:
    made = {new_token() for _ in range(1000)}
    assert len(made) == 1000
    assert all(is_token(token) and len(token) == 47 for token in made)
    bits = {sign for token in made for sign in token[4:]}
    assert len(bits) == 64  # every sign of base64url occurs


@pytest.mark.parametrize(
    "text",
    [
        *("", "stx_", "stx_" + "a" * 42, "stx_" + "a" * 44, "STX_" + "a" * 43, "stx_" + "é" * 43),
        *("stx_" + "a" * 43 + "\n", " stx_" + "a" * 43, "stx_" + "=" * 43, None, b"stx_", 1),
    ],
)
def test_what_is_none(text: object) -> None:
    assert not is_token(text)


def test_what_is_kept() -> None:
    token = new_token()
    assert digest(token) == hashlib.sha256(token.encode()).hexdigest()


def test_what_is_printed() -> None:
    pair = TokenPair(new_token(), new_token(), NOW, NOW)
    known = Known("the hash", "ada", "f", Kind.ACCESS, "the stamp", spent=False, expires_at=NOW)
    for text in (repr(pair), str(pair), f"{pair}"):
        assert pair.access not in text
        assert pair.refresh not in text
    assert "the hash" not in repr(known)
    assert "the stamp" not in repr(known)

"""Are rows signed over all that they hold, unmistakably, and always the same way?"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalar_auditor.keys import KeyRing, UnknownKeyError
from scalar_auditor.verification import chain
from scalar_auditor.verification.model import HistoryEntry, ItemStatus

KEY = bytes(range(32))
KEYS = KeyRing("k1", {"k1": KEY})
ENTRY = HistoryEntry("7", 2, "ab" * 20, "v2", "importer", 1_764_000_000_000, "k1", "cd" * 32, "")
STATUS = ItemStatus("7", "NOT_TAMPERED", "v2", "ab" * 20, 2, "cd" * 32, "k1", "", 1_764, 0)


def part(kind: bytes, text: str) -> bytes:
    return kind + len(text.encode()).to_bytes(4, "big") + text.encode()


def test_an_entry_is_signed_over_the_one_before_and_all_its_fields() -> None:
    """Written out here once more: what is signed can never be signed in another way."""
    data = b"".join(
        [
            part(b"t", "scalar-auditor asset_history 1"),
            part(b"t", "cd" * 32),
            part(b"t", "7"),
            part(b"i", "2"),
            part(b"t", "ab" * 20),
            part(b"t", "v2"),
            part(b"t", "importer"),
            part(b"i", "1764000000000"),
            part(b"t", "k1"),
        ]
    )
    assert chain.entry_digest(KEYS, ENTRY) == hmac.new(KEY, data, hashlib.sha256).hexdigest()


def test_a_status_is_signed_by_a_key_of_its_own_over_all_its_columns() -> None:
    own = hmac.new(KEY, b"scalar-auditor item status", hashlib.sha256).digest()
    data = b"".join(
        [
            part(b"t", "scalar-auditor item_status 1"),
            part(b"t", "7"),
            part(b"t", "NOT_TAMPERED"),
            part(b"t", "v2"),
            part(b"t", "ab" * 20),
            part(b"i", "2"),
            part(b"t", "cd" * 32),
            part(b"t", "k1"),
            part(b"i", "1764"),
            part(b"i", "0"),
        ]
    )
    assert chain.row_mac(KEYS, STATUS) == hmac.new(own, data, hashlib.sha256).hexdigest()


VALUES = st.lists(st.none() | st.text(max_size=4) | st.integers(-(2**63), 2**63), max_size=4)


@settings(max_examples=50)
@given(VALUES, VALUES)
def test_other_values_are_other_bytes(
    one: list[str | int | None], two: list[str | int | None]
) -> None:
    assert (chain.canonical(*one) == chain.canonical(*two)) == (one == two)


def test_nothing_is_not_the_same_as_empty_nor_a_number_as_its_digits() -> None:
    kinds: list[list[str | int | None]] = [[None], [""], [0], ["0"], [], [None, ""], ["", None]]
    assert len({chain.canonical(*one) for one in kinds}) == len(kinds)


@pytest.mark.parametrize("text", [None, "", "ß", "0" * 64])
def test_a_digest_that_is_none_is_another(text: str | None) -> None:
    assert not chain.same(text, chain.entry_digest(KEYS, ENTRY))


def test_a_key_that_is_not_there_signs_nothing() -> None:
    for key_id in (None, "", "k2"):
        with pytest.raises(UnknownKeyError):
            chain.entry_digest(KEYS, dataclasses.replace(ENTRY, key_id=key_id))
        with pytest.raises(UnknownKeyError):
            chain.row_mac(KEYS, dataclasses.replace(STATUS, key_id=key_id))


def test_what_is_signed_anew_names_the_current_key() -> None:
    keys = KEYS.with_new("k2")
    assert chain.signed_entry(keys, ENTRY).key_id == "k2"
    signed = chain.signed_status(keys, STATUS)
    assert (signed.key_id, signed.row_mac) == ("k2", chain.row_mac(keys, signed))

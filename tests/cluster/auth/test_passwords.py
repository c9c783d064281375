"""What is kept of a password, and what does it cost to look at one?"""

from __future__ import annotations

import argon2
import pytest

from scalar_tx import InvalidOperationError, SettingsError
from scalar_tx.cluster.auth.passwords import (
    PasswordHashing,
    Verdict,
    generated_password,
)
from tests.cluster.auth.world import PASSWORD

RIGHT, WRONG = Verdict(right=True), Verdict(right=False)


async def test_what_is_kept() -> None:
    hashing = PasswordHashing()
    kept = await hashing.hashed(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in kept
    assert kept != await hashing.hashed(PASSWORD)  # salted
    assert await hashing.verify(kept, PASSWORD) == RIGHT
    assert await hashing.verify(kept, PASSWORD + " ") == WRONG
    assert hashing.hashes == 4
    await hashing.close()


async def test_nobody_costs_what_somebody_costs() -> None:
    hashing = PasswordHashing()
    kept = await hashing.hashed(PASSWORD)
    assert argon2.extract_parameters(hashing._nobodys) == argon2.extract_parameters(kept)
    before = hashing.hashes
    assert await hashing.verify(None, PASSWORD) == WRONG
    assert hashing.hashes == before + 1
    await hashing.close()


async def test_other_costs_are_seen() -> None:
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
    hashing = PasswordHashing()
    kept = cheap.hash(PASSWORD)
    assert await hashing.verify(kept, PASSWORD) == Verdict(right=True, outdated=True)
    assert await hashing.verify(kept, "another password") == WRONG
    await hashing.close()


@pytest.mark.parametrize("kept", ["", "plain", "$argon2id$v=19$m=19456,t=2,p=1$YWJj$", "é"])
async def test_what_is_no_hash_lets_nobody_in(kept: str, caplog: pytest.LogCaptureFixture) -> None:
    hashing = PasswordHashing()
    assert await hashing.verify(kept, PASSWORD) == WRONG
    assert "no Argon2 hash" in caplog.text
    await hashing.close()


@pytest.mark.parametrize("password", ["x" * 11, "x" * 1025, "half a character \ud800", None, 12])
async def test_what_can_be_no_password(password: str) -> None:
    hashing = PasswordHashing()
    with pytest.raises(InvalidOperationError) as caught:
        await hashing.hashed(password)
    assert caught.value.code == "STX-5207"
    assert "xx" not in str(caught.value)
    assert "half a character \ud800" not in str(caught.value)
    assert await hashing.verify(None, password) == WRONG
    assert hashing.hashes == 0
    await hashing.close()


@pytest.mark.parametrize("password", ["x" * 12, "é" * 1024, "\x00" * 12, "🔑" * 12])
async def test_what_can_be_one(password: str) -> None:
    hashing = PasswordHashing()
    kept = await hashing.hashed(password)
    assert await hashing.verify(kept, password) == RIGHT
    assert await hashing.verify(kept, password[:-1] + "y") == WRONG
    await hashing.close()


def test_a_generated_one() -> None:
    made = {generated_password() for _ in range(100)}
    assert len(made) == 100
    assert {len(one) for one in made} == {24}
    assert all(one.isascii() and one.isalnum() for one in made)


def test_a_lock_that_can_not_be(tmp_path: object) -> None:
    with pytest.raises(SettingsError, match="STX-5206"):
        PasswordHashing(lock_path=f"{tmp_path}/nowhere/lock")

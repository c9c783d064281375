"""Does the log of log-ins repeat what a database said? That names rows, hashes of passwords too."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import scalar_tx
from scalar_tx import ScalarTxError
from scalar_tx.cluster import node_users
from scalar_tx.cluster.auth import passwords
from scalar_tx.cluster.auth.tables import USER
from scalar_tx.cluster.node_users import NodeUsers
from scalar_tx.connection import parts_of
from scalar_tx.errors import StorageUnavailableError
from tests.cluster.auth.world import PASSWORD, world
from tests.cluster.storage_fault import Fault, worded

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from scalar_tx import AsyncTransactionManager

CANARY = "canary-row-88d2"
# Not worth a retry, so that no test waits for the last one.
UNAVAILABLE = worded(StorageUnavailableError, CANARY, retryable=False)
SAID = "StorageUnavailableError [STX-4001]"


def fault_of(db: AsyncTransactionManager, method: str) -> Fault:
    fault = Fault(parts_of(db).storage)
    fault.put_in(method, UNAVAILABLE)
    return fault


def told(caplog: pytest.LogCaptureFixture, line: str) -> None:
    """That line was written, of that error, and nothing of what it said."""
    lines = [one.getMessage() for one in caplog.records if line in one.getMessage()]
    assert lines
    assert all(one.startswith(f"{line}: {SAID}") for one in lines)
    assert CANARY not in caplog.text


async def test_dead_tokens_that_can_not_be_forgotten(
    target: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with world(target) as here:
        await here.user("ada")
        fault = fault_of(here.db, "get")
        await here.principals.users.forget_dead_tokens("ada")
        fault.take_out()
        assert fault.met
    told(caplog, "dead tokens of a user are left for another time")


async def test_an_old_hash_that_can_not_be_replaced(
    target: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(passwords, "PASSES", passwords.PASSES + 1)
    async with world(target) as here:
        await here.user("ada")
        row = await here.db.get(USER, {"realm": "node", "name": "ada"})
        assert row is not None
    monkeypatch.undo()
    caplog.set_level(logging.DEBUG)
    async with world(target) as here:
        await here.principals.users.create("ada", PASSWORD, if_not_exists=True)
        await here.db.update(USER, {"realm": "node", "name": "ada"}, {"password": row["password"]})
        fault = fault_of(here.db, "mutate")
        with suppress(ScalarTxError):  # no token can be written either
            await here.authenticator.log_in("ada", PASSWORD)
        fault.take_out()
        assert fault.met
        assert (await here.authenticator.log_in("ada", PASSWORD)).access
    told(caplog, "an old hash of a password is kept until another log-in")
    assert str(row["password"]) not in caplog.text


async def test_dead_tokens_of_all_that_are_kept_for_another_hour(
    target: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(node_users, "FORGET_SECONDS", 0.01)
    async with scalar_tx.connect_async(target) as db:
        users = NodeUsers(db, tmp_path)
        await users.begin()
        fault = fault_of(db, "at_one_moment")
        keeping = asyncio.ensure_future(users.keep_clean())
        async with asyncio.timeout(20):
            while "another hour" not in caplog.text and not keeping.done():  # noqa: ASYNC110  # a log has no event
                await asyncio.sleep(0.01)
        keeping.cancel()
        fault.take_out()
        assert fault.met
        await users.close()
    told(caplog, "dead tokens are kept for another hour")

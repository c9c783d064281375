"""Does a node without users get exactly one, and its secret exactly one who asks?"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from scalar_tx import ConflictError, UnknownOutcomeError
from tests.cluster.auth.world import PASSWORD, world

if TYPE_CHECKING:
    from pathlib import Path

WORKER = """
import asyncio, sys
import scalar_tx
from scalar_tx.cluster.auth.passwords import PasswordHashing
from scalar_tx.cluster.auth.principals import Principals

async def main():
    hashing = PasswordHashing()
    async with scalar_tx.connect_async(sys.argv[1]) as db:
        principals = Principals(db, hashing)
        print("ready", flush=True)
        sys.stdin.readline()
        print(await principals.bootstrap(), flush=True)
    await hashing.close()

asyncio.run(main())
"""


async def test_the_first_user(target: str) -> None:
    async with world(target) as here:
        secret = await here.principals.bootstrap()
        assert secret is not None
        assert len(secret) == 24
        assert await here.principals.bootstrap() is None
        token = (await here.authenticator.log_in("admin", secret)).access
        assert (await here.authenticator.authenticate(token)).superuser


async def test_no_first_user_where_there_are_some(target: str) -> None:
    async with world(target) as here:
        await here.principals.users.create("ada", PASSWORD)
        assert await here.principals.bootstrap() is None
        assert await here.principals.users.find("admin") is None


async def test_several_workers_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'data.db'}?synchronous=off"
    async with world(url) as one, world(url) as other, world(url) as third:
        made = await asyncio.gather(*(each.principals.bootstrap() for each in (one, other, third)))
        secrets = [secret for secret in made if secret is not None]
        assert len(secrets) == 1
        await one.authenticator.log_in("admin", secrets[0])


def test_several_processes_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'data.db'}?synchronous=off"
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [worker.communicate(timeout=60)[0].strip() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert sorted(len(text) for text in told) == [4, 4, 24]
    assert told.count("None") == 2


async def test_a_secret_is_not_lost_with_a_reply(target: str) -> None:
    """The commit took effect and nobody heard: the secret is still shown, and it is the one."""
    async with world(target) as here:
        change = here.principals.tables.change
        lost = 0

        async def deaf(work: Any) -> Any:
            nonlocal lost
            result: Any = await change(work)
            if lost < 3:
                lost += 1
                raise UnknownOutcomeError("no reply") if lost == 1 else ConflictError("in the way")
            return result

        setattr(here.principals.tables, "change", deaf)  # noqa: B010  # of another type
        secret = await here.principals.bootstrap()
        assert lost == 3
        assert secret is not None
        await here.authenticator.log_in("admin", secret)

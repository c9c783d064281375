"""A process that lets somebody leave, step by step, until it is done or killed.

``python -m tests.services.identity.leaving_process TARGET EMAIL``
"""

from __future__ import annotations

import asyncio
import functools
import sys
from typing import Any

from scalar_auditor.errors import NotFoundError
from scalar_auditor.identity import leaving
from scalar_tx.connection_async import open_async
from scalar_tx.manager_async import AsyncTransactionManager
from scalar_tx.settings import load


async def told(manager: AsyncTransactionManager, work: Any, *args: Any) -> Any:
    """A transaction, and a line once it is done."""
    result = await manager.run(work, *args)
    print(work.__name__, flush=True)
    return result


async def leave(target: str, email: str) -> None:
    manager = AsyncTransactionManager(load(target), open_async)
    try:
        change = functools.partial(told, manager)
        await change(leaving.begin, email, 1)
        while not await leaving.go_on(change, change, email, 1):
            continue
    except NotFoundError:
        return  # it was done before
    finally:
        await manager.close()


if __name__ == "__main__":
    leaving.TOGETHER = 1  # type: ignore[misc]  # many steps, so that a kill falls among them
    asyncio.run(leave(*sys.argv[1:]))

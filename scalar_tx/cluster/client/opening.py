"""How is a manager given a node instead of databases?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.client.backend import RemoteBackend
from scalar_tx.cluster.client.log_in import LogIn
from scalar_tx.cluster.client.target import target_of
from scalar_tx.cluster.client.wire import LoopThread, RunningLoop
from scalar_tx.runtime.aio import AsyncioRuntime
from scalar_tx.runtime.blocking import BlockingRuntime

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_tx.backend import Backend
    from scalar_tx.settings import Settings


def open_blocking(
    settings: Settings,
    former: Backend | None = None,  # noqa: ARG001  # after a fork all is new
) -> tuple[RemoteBackend, Callable[[], None]]:
    """What a manager for threads is to use, and what ends its runtime."""
    target = target_of(settings)
    runtime = BlockingRuntime()
    return RemoteBackend(settings, LoopThread(target), runtime, LogIn(target)), runtime.close


def open_async(
    settings: Settings,
    former: Backend | None = None,  # noqa: ARG001  # after a fork all is new
) -> tuple[RemoteBackend, None, Callable[[], Awaitable[None]]]:
    """What a manager for asyncio is to use; no threads; and what ends its runtime."""
    target = target_of(settings)
    runtime = AsyncioRuntime()
    return RemoteBackend(settings, RunningLoop(target), runtime, LogIn(target)), None, runtime.close

"""What is a manager for asyncio made of? As ``connection``, with a runtime that fits a loop."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Protocol

from scalar_tx.connection import Parts, blocks, build, storage_here, threads_for, workers_for
from scalar_tx.runtime.aio import AsyncioRuntime
from scalar_tx.runtime.blocking import BlockingRuntime
from scalar_tx.runtime.worker_threads import WorkerThreads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_tx.backend import Backend
    from scalar_tx.settings import Settings


class OpenAsync(Protocol):
    """Opens what a manager for asyncio is to use; ``former``: what it used before a fork."""

    def __call__(
        self, settings: Settings, former: Backend | None
    ) -> tuple[Backend, WorkerThreads | None, Callable[[], Awaitable[None]]]:
        """What transactions are made on, the threads of its calls, and what ends its runtime."""
        ...


def open_async(
    settings: Settings, former: Backend | None = None, *, leaves_decisions: bool = False
) -> tuple[Parts, WorkerThreads | None, Callable[[], Awaitable[None]]]:
    """The parts of a manager for asyncio, the threads of its calls, and what ends the runtime.

    Where a storage blocks, whole calls run in threads: a statement at a time would cost a switch
    each.
    """
    storage = storage_here(settings, former)
    if not blocks(storage):
        runtime = AsyncioRuntime()
        parts = build(settings, storage, runtime, leaves_decisions=leaves_decisions)
        return parts, None, runtime.close
    waiting = BlockingRuntime(workers_for(settings, storage))
    parts = build(settings, storage, waiting, leaves_decisions=leaves_decisions)
    threads = WorkerThreads(threads_for(storage))
    return parts, threads, functools.partial(asyncio.to_thread, waiting.close)

"""How is one test written for both faces, and run on both?

A test is an ``async def``. ``now`` awaits what the asyncio face gives and passes on what the
blocking face has done already; ``entered`` and ``each`` do the same for ``with`` and ``for``;
``Face.function`` turns a coroutine function into one that the face accepts.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalar_tx
from scalar_tx.connection import build, parts_of
from scalar_tx.runtime.blocking import BlockingRuntime, run_blocking
from tests.cluster.served import Served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    import pytest

    from scalar_tx.connection import Parts

TARGETS = ("memory", "sqlite")
AND_A_NODE = (*TARGETS, "node")
NODE = "node+"
_SERVED: dict[int, Served] = {}


async def now(result: Any) -> Any:
    """The result of a call of either face."""
    return await result if inspect.isawaitable(result) else result


@asynccontextmanager
async def entered(manager: Any) -> AsyncIterator[Any]:
    """``with`` on the blocking face, ``async with`` on the other."""
    if hasattr(manager, "__aenter__"):
        async with manager as value:
            yield value
    else:
        with manager as value:
            yield value


async def each(items: Any) -> AsyncIterator[Any]:
    """``for`` on the blocking face, ``async for`` on the other."""
    if hasattr(items, "__aiter__"):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


@dataclass(frozen=True)
class Face:
    """One of the two faces."""

    name: str
    connect: Callable[..., Any]

    def open(self, target: Any = None, **settings: Any) -> Any:
        """A manager on a target; of ``node+…`` a node of its own has the database."""
        if not isinstance(target, str) or not target.startswith(NODE):
            return self.connect(target, **settings)
        served = Served(target.removeprefix(NODE), **settings)
        db = self.connect(served.url, **settings)
        _SERVED[id(db)] = served
        return db

    @property
    def is_blocking(self) -> bool:
        return self.name == "blocking"

    def function(self, work: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        """The work as the face's ``run`` and ``transactional`` take it."""
        if not self.is_blocking:
            return work

        @functools.wraps(work)
        def on_a_thread(*args: Any, **kwargs: Any) -> Any:
            return run_blocking(work(*args, **kwargs))  # type: ignore[arg-type]

        del on_a_thread.__wrapped__  # what is inspected is the plain function
        return on_a_thread


FACES = (Face("blocking", scalar_tx.connect), Face("asyncio", scalar_tx.connect_async))


def url(target: str, directory: Path) -> str:
    """A database of its own; what is tested here does not need the disk's word."""
    if target == "node":
        return f"{NODE}memory://"
    if target == "memory":
        return "memory://"
    return f"sqlite:///{directory / 'data.db'}?synchronous=off"


def parts(db: Any) -> Parts:
    """What the manager's transactions are made on, here or in its node."""
    served = _SERVED.get(id(db))
    return parts_of(db if served is None else served.manager)


def at_rest(db: Any) -> bool:
    """Is nothing left in the manager's node, if it has one, of what has ended?"""
    served = _SERVED.get(id(db))
    return served is None or served.at_rest()


def another(db: Any, face: Face, target: str) -> Any:
    """Another manager of that face on the same database."""
    served = _SERVED.get(id(db))
    return face.open(target) if served is None else face.connect(served.url)


def beside(db: Any) -> scalar_tx.TransactionManager:
    """Another manager, on the same storage, for threads; it sees what a node keeps for itself."""
    found = parts(db)
    runtime = BlockingRuntime()
    own = build(found.settings, found.storage, runtime)
    return scalar_tx.TransactionManager(found.settings, lambda *_: (own, runtime.close))


def close(db: Any) -> None:
    """Close a manager of either face from outside of a loop, and its node."""
    closing = db.close()
    if inspect.isawaitable(closing):
        asyncio.run(_ended(closing))
    served = _SERVED.pop(id(db), None)
    if served is not None:
        served.close()


def close_nodes() -> None:
    """Close the nodes of managers that a test has closed by itself."""
    while _SERVED:
        _SERVED.popitem()[1].close()


async def _ended(closing: Awaitable[None]) -> None:
    await closing


def run_coroutine_test(item: pytest.Function) -> bool | None:
    """The body of a ``pytest_pyfunc_call`` that also runs ``async def`` tests."""
    if not inspect.iscoroutinefunction(item.obj):
        return None
    names = inspect.signature(item.obj).parameters
    asyncio.run(item.obj(**{name: item.funcargs[name] for name in names}))
    return True

"""What do calls run their steps on? The parts of a manager, driven as its storage waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.admin import named
from scalar_tx.connection import parts_of

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from scalar_tx.connection import Parts
    from scalar_tx.manager_async import AsyncTransactionManager

T = TypeVar("T")


class Database:
    """The databases of one worker."""

    def __init__(self, manager: AsyncTransactionManager) -> None:
        self.manager = manager

    @property
    def parts(self) -> Parts:
        """What transactions are made on."""
        return parts_of(self.manager)

    async def run(self, steps: Coroutine[Any, Any, T], *, whole: bool = False) -> T:
        """Run steps; ``whole``: to their end, also if the call is broken off meanwhile."""
        return await self.manager._drive(steps, whole=whole)  # noqa: SLF001  # a face as well

    async def change(self, steps: Coroutine[Any, Any, T]) -> T:
        """Run steps of administration to their end."""
        return await self.run(named(steps), whole=True)

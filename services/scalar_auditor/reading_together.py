"""How are several records read in one request?"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx import Get
    from scalar_tx.transaction_async import AsyncTransaction

T = TypeVar("T")


async def read_all(tx: AsyncTransaction, gets: Sequence[Get[T]]) -> list[T | None]:
    """What each of them finds, in their order; of none, nothing."""
    return await tx.batch(gets) if gets else []

"""How is a whole table read, however large it is, while others use the database?

Page by page, each page in a transaction of its own: the pages are of different moments, the records
of one page are of one. For what looks at a whole database: its check, and its anchor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from scalar_tx.model.isolation import Isolation

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.transaction_async import AsyncTransaction

T = TypeVar("T")

_PAGE: Final = 1000


async def pages_of(
    manager: AsyncTransactionManager, kind: type[T], *, size: int = _PAGE
) -> AsyncGenerator[list[T], None]:
    """All records of a class's table, in pages of ``size`` at most, read at SNAPSHOT."""

    async def page(tx: AsyncTransaction, after: str | None) -> tuple[list[T], str | None]:
        scanner: Any = await tx.scanner(kind, whole_table=True, after=after, limit=size)
        async with scanner:
            return [record async for record in scanner], scanner.page_token

    after: str | None = None
    while True:
        found, after = await looked(manager, page, after, isolation=Isolation.SNAPSHOT)
        if found:
            yield found
        if len(found) < size:
            return


async def looked(
    manager: AsyncTransactionManager,
    work: Callable[..., Awaitable[T]],
    *args: Any,
    isolation: Isolation = Isolation.SERIALIZABLE,
) -> T:
    """``work(tx, *args)``, which writes nothing, in a transaction of its own."""

    async def attempt(tx: AsyncTransaction) -> T:
        return await work(tx, *args)

    return await manager.run(attempt, isolation=isolation, read_only=True)

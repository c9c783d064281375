"""How are all entries of a list read that comes in pages?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from scalar_auditor.client.connection import Repeat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from scalar_auditor.client.connection import Connection

P = TypeVar("P")
E = TypeVar("E")


def entries(
    connection: Connection,
    name: str,
    request: Any,
    answer: type[P],
    entries_of: Callable[[P], Iterable[E]],
    *,
    page_size: int,
) -> Iterator[E]:
    """Every entry; a page is asked for when the one before has been read. AuditorError.

    What is changed meanwhile may be seen or not; each page is checked for who asks.
    """
    request.page.page_size = page_size
    while True:
        page: Any = connection.call(name, request, answer, Repeat.READS)
        yield from entries_of(page)
        if not page.next_page_token:
            return
        request.page.page_token = page.next_page_token

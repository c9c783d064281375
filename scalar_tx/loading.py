"""How are many rows divided into transactions, and each of them written?"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.model.arguments import check_iterable, wrong
from scalar_tx.model.operations import Upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


def row_batches(
    rows: Iterable[T], batch: int, skip: int, progress: object = None
) -> Iterator[list[T]]:
    """Groups of ``batch`` rows, the first ``skip`` rows left out; wrong arguments are refused."""
    for name, value, least in (("batch", batch, 1), ("skip", skip, 0)):
        if type(value) is not int or value < least:
            raise wrong(f"{name} is {value!r:.60}", f"Give an int of at least {least}")
    check_iterable(rows, "rows")
    if progress is not None and not callable(progress):
        raise wrong(f"progress is {progress!r:.60}", "Give a function of one number, or None")
    return _groups(itertools.islice(rows, skip, None), batch)


def _groups(rows: Iterable[T], batch: int) -> Iterator[list[T]]:
    remaining = iter(rows)
    while group := list(itertools.islice(remaining, batch)):
        yield group


def upsert_of(table: Any, row: Any) -> Upsert:
    """The write of a row, or of an object of a class."""
    if not isinstance(table, type) or isinstance(row, Mapping):
        return Upsert(table, row)
    if not isinstance(row, table):
        raise wrong(
            f"{row!r:.60} is no {table.__qualname__}",
            f"Give objects of {table.__qualname__}, or mappings of column to value",
        )
    return Upsert(row)

"""How are many rows divided into transactions?"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from scalar_tx.model.arguments import check_iterable, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scalar_tx.model.types import Value

    Rows = Iterable[Mapping[str, Value]]


def row_batches(
    rows: Rows, batch: int, skip: int, progress: object = None
) -> Iterator[list[Mapping[str, Value]]]:
    """Groups of ``batch`` rows, the first ``skip`` rows left out; wrong arguments are refused."""
    for name, value, least in (("batch", batch, 1), ("skip", skip, 0)):
        if type(value) is not int or value < least:
            raise wrong(f"{name} is {value!r:.60}", f"Give an int of at least {least}")
    check_iterable(rows, "rows")
    if progress is not None and not callable(progress):
        raise wrong(f"progress is {progress!r:.60}", "Give a function of one number, or None")
    return _groups(itertools.islice(rows, skip, None), batch)


def _groups(rows: Rows, batch: int) -> Iterator[list[Mapping[str, Value]]]:
    remaining = iter(rows)
    while group := list(itertools.islice(remaining, batch)):
        yield group

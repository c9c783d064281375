"""How many rows does a scan ask its storage for at a time?

As many as ``scan_fetch_size`` says where it is set. Else as many as are expected, and twice as many
with each further page: a scan that somebody limits reads little more than its limit, a long one
takes few pages. A limit itself is never pushed down: rows that are undecided, deleted or no longer
match take up places in a page (Consensus Commit specification 13.10).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.context import Options

FIRST_PAGE: Final = 100
LARGEST_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class PageSizes:
    """Rows of the first page, and of the largest that later ones may grow to."""

    first: int
    largest: int


def page_sizes(options: Options, expected: int | None = None) -> PageSizes:
    """For a scan that is expected to need so many rows; None: nobody knows."""
    fetch = options.scan_fetch_size
    if fetch is not None:
        first = max(1, min(expected or fetch, fetch))
        return PageSizes(first, first)
    return PageSizes(max(1, min(expected or FIRST_PAGE, LARGEST_PAGE)), LARGEST_PAGE)

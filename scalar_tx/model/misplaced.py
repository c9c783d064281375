"""Which records stand elsewhere in their storage than their keys say?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.model.types import Value


@dataclass(frozen=True, slots=True)
class MisplacedRecord:
    """A record that scans find and reads by its key don't.

    ``stands_at`` and ``belongs_at`` are places in the storage's own words. ``taken``: another
    record stands where this one belongs. ``put_right`` moves it as a whole, in one atomic write,
    and only to a free place; it returns False where the record is no longer there.
    InvalidOperationError: the place is taken, or the record can't be moved. Errors of a write
    besides (``storage.interface``): look again.
    """

    key: Mapping[str, Value]
    stands_at: str
    belongs_at: str
    taken: bool
    put_right: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A part of a table whose records were looked at; ``unreadable`` says why some couldn't be."""

    records: int
    misplaced: tuple[MisplacedRecord, ...] = ()
    unreadable: tuple[str, ...] = ()

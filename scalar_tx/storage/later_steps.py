"""What may an error of a definition's later steps say? Not that nothing was done."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import ReplyLostError, StorageBusyError, StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

# A table or an index that the database goes on making by itself: these say so.
_GOES_ON: Final = frozenset({"STX-4218", "STX-4608"})


@contextmanager
def begun(what: str) -> Iterator[None]:
    """Steps behind the first one. ReplyLostError in place of errors that mean "nothing done"."""
    try:
        yield
    except StorageBusyError as error:
        raise ReplyLostError(f"{what} is not finished: {error}") from error
    except StorageUnavailableError as error:
        if error.code in _GOES_ON:
            raise
        raise ReplyLostError(f"{what} is not finished: {error}") from error

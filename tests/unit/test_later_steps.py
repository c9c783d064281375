"""A definition of several steps: after the first one nobody is told that nothing was done."""

from __future__ import annotations

import pytest

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    StorageBusyError,
    StorageUnavailableError,
)
from scalar_tx.storage.later_steps import begun


@pytest.mark.parametrize(
    "error", [StorageBusyError("locked"), StorageUnavailableError("gone", code="STX-4214")]
)
def test_what_says_nothing_done_is_told_as_open(error: Exception) -> None:
    expected = pytest.raises(ReplyLostError, match="making a table is not finished")
    with expected as told, begun("making a table"):
        raise error
    assert told.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        StorageUnavailableError("still being built", code="STX-4218"),
        StorageUnavailableError("not ready", code="STX-4608"),
        InvalidOperationError("wrong"),
        ReplyLostError("lost"),
    ],
)
def test_everything_else_says_what_it_says(error: Exception) -> None:
    with pytest.raises(type(error)) as told, begun("making a table"):
        raise error
    assert told.value is error

"""What does an error carry, and what does its text say?"""

from __future__ import annotations

import pytest

from scalar_tx import errors
from scalar_tx.errors import (
    ConditionNotMetError,
    ConflictError,
    InvalidOperationError,
    RecordNotFoundError,
    ScalarTxError,
    SchemaError,
    SettingsError,
    StorageUnavailableError,
    TransactionNotFoundError,
    UnknownOutcomeError,
)

KINDS = [
    ConflictError,
    ConditionNotMetError,
    RecordNotFoundError,
    UnknownOutcomeError,
    TransactionNotFoundError,
    InvalidOperationError,
    SettingsError,
    SchemaError,
    StorageUnavailableError,
]


@pytest.mark.parametrize("kind", KINDS)
def test_the_tree(kind: type[ScalarTxError]) -> None:
    assert kind.__bases__ == (ScalarTxError,)
    error = kind("what happened")
    assert error.message == "what happened"
    assert error.code == kind.default_code
    assert error.advice == kind.default_advice
    assert error.transaction_id is None
    assert error.retryable == (kind in (ConflictError, StorageUnavailableError))
    assert error.args == ("what happened",)


def test_no_kind_is_missing_here() -> None:
    assert {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, ScalarTxError) and kind is not ScalarTxError
    } == set(KINDS)


def test_the_text_is_all_in_one() -> None:
    error = InvalidOperationError(
        "it can't be.", advice="Do this.", code="STX-3099", transaction_id="t1"
    )
    assert str(error) == "it can't be. Do this. [STX-3099] (transaction t1)"
    assert str(InvalidOperationError("it can't be", advice="Do this")) == (
        "it can't be. Do this. [STX-3001]"
    )


def test_what_a_conflict_knows() -> None:
    error = ConflictError("in the way")
    assert (error.records, error.other_transaction, error.retry_after) == ((), None, None)
    assert (error.attempts, error.elapsed) == (None, None)
    error = ConflictError(
        "in the way", records=[("a.b", {"id": 1})], other_transaction="t2", retry_after=1.5
    )
    assert error.records == (("a.b", {"id": 1}),)
    assert (error.other_transaction, error.retry_after) == ("t2", 1.5)
    assert not ConflictError("it exists", retryable=False).retryable


def test_what_adapters_tell_is_no_error_of_a_caller() -> None:
    for kind in (errors.WriteRefusedError, errors.StorageBusyError, errors.ReplyLostError):
        assert issubclass(kind, errors.StorageError)
        assert not issubclass(kind, ScalarTxError)

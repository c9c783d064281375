"""What became of a transaction that was run until it committed, and how often was it run again?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from scalar_tx.consensus_commit.meter import Meter, installed, tell
from scalar_tx.errors import (
    ConditionNotMetError,
    ConflictError,
    RecordNotFoundError,
    ScalarTxError,
    UnknownOutcomeError,
)
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from scalar_tx.model.script import ScriptResult

COMMITTED: Final = "committed"
ROLLED_BACK: Final = "rolled_back"  # as its caller wanted: by a rollback, or an exception
CONFLICT: Final = "conflict"  # the last attempt too, and the policy allows no other
FAILED: Final = "failed"
UNKNOWN: Final = "unknown"
OUTCOMES: Final = (COMMITTED, ROLLED_BACK, CONFLICT, FAILED, UNKNOWN)


def outcome_of(error: BaseException | None, state: TransactionState | None) -> str:
    """What became of a run whose last attempt ended in that state, by that error."""
    if state is TransactionState.COMMITTED:
        return COMMITTED
    if state is TransactionState.UNKNOWN or isinstance(error, UnknownOutcomeError):
        return UNKNOWN
    if isinstance(error, ConflictError):
        return CONFLICT
    # What its caller makes of a record that is otherwise than expected is the caller's affair.
    if isinstance(error, (ConditionNotMetError, RecordNotFoundError)):
        return ROLLED_BACK
    return FAILED if isinstance(error, ScalarTxError) else ROLLED_BACK


class RunCount:
    """One run, counted once it is over; in a program that counts nothing it costs next to nothing.

    For a ``with`` block that makes all attempts, or ended by ``over``. ``told`` is told instead of
    the process's meters.
    """

    __slots__ = ("_attempts", "_outcome", "_told")

    def __init__(self, told: Callable[[str, int], None] | None = None) -> None:
        self._told = told
        self._attempts = 0
        self._outcome = ROLLED_BACK

    def attempt_ended(self, error: BaseException | None, state: TransactionState | None) -> None:
        """One attempt has ended."""
        self._attempts += 1
        self._outcome = outcome_of(error, state)

    def became_known(self, state: TransactionState) -> None:
        """What became of the last attempt, which had failed, was found out later."""
        self._outcome = outcome_of(None, state)

    async def attempt(self, steps: Coroutine[Any, Any, ScriptResult]) -> ScriptResult:
        """Around the one call that is all of an attempt."""
        try:
            result = await steps
        except BaseException as error:
            self.attempt_ended(error, None)
            raise
        self.attempt_ended(None, TransactionState.COMMITTED)
        return result

    def over(self) -> None:
        """No attempt follows. Told twice, it is counted once; a run without an attempt is none."""
        attempts, self._attempts = self._attempts, 0
        if attempts and self._told is not None:
            self._told(self._outcome, attempts - 1)
        elif attempts:
            tell(Meter.run_ended, self._outcome, attempts - 1)

    def __enter__(self) -> Self:
        """Hand it to a block that makes all attempts."""
        return self

    def __exit__(self, *_: object) -> None:
        """Count it."""
        self.over()


def counted(
    run: RunCount, steps: Coroutine[Any, Any, ScriptResult]
) -> Coroutine[Any, Any, ScriptResult]:
    """The steps of an attempt, counted if anybody counts."""
    return run.attempt(steps) if installed() else steps

"""What does a trace say of a transaction?

A transaction that is run until it commits is one span, and each of its attempts a span below; one
that its caller commits by hand is one span alone. They tell how it was asked for and how it ended;
no key and no value of a record is in them.
"""

from __future__ import annotations

import atexit
import functools
import time
import weakref
from collections import deque
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Self

from scalar_tx.errors import UnknownOutcomeError
from scalar_tx.model.state import TransactionState
from scalar_tx.observe.spans import OpenSpan, description, tracer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from contextlib import AbstractContextManager
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

    from scalar_tx.backend import Steps
    from scalar_tx.model.script import ScriptResult
    from scalar_tx.observe.spans import Attributes

TRANSACTION: Final = "scalar_tx.transaction"
ATTEMPT: Final = "scalar_tx.attempt"
RERUN: Final = "scalar_tx.rerun"  # an event: why there is another attempt

_ID: Final = "scalar_tx.transaction.id"
_OUTCOME: Final = "scalar_tx.transaction.outcome"
_ATTEMPTS: Final = "scalar_tx.transaction.attempts"
_ISOLATION: Final = "scalar_tx.transaction.isolation"
_READ_ONLY: Final = "scalar_tx.transaction.read_only"
_NUMBER: Final = "scalar_tx.attempt.number"
# OpenTelemetry's own names.
_SYSTEM: Final = "db.system.name"
_OPERATION: Final = "db.operation.name"


# What nobody can end any more. Whoever notices is in the middle of anything, and be it of handing
# on a span, whose locks it would meet; so the next one to begin a span ends these too.
_left: deque[Callable[[], None]] = deque()
_open: set[TransactionSpan] = set()


def _end_left() -> None:
    while _left:
        try:
            end = _left.popleft()
        except IndexError:  # another thread was faster
            return
        end()


@functools.cache
def _end_all_at_exit() -> None:
    """Registered when the first one begins: behind whatever is to hand them on, so it is before."""
    atexit.register(_end_all)


def _end_all() -> None:
    _end_left()
    for span in list(_open):
        span.abandon(time.time_ns())


def ending(outcome: TransactionState | None, transaction_id: str | None) -> Attributes:
    """What is told of a transaction that has ended; None: nobody has ended it."""
    told: Attributes = {_OUTCOME: "abandoned" if outcome is None else outcome.value.lower()}
    if transaction_id is not None:
        told[_ID] = transaction_id
    return told


class RunSpan:
    """The span of a transaction that is run until it commits.

    ``operation`` is what it was asked for as: a transaction or a script.
    """

    def __init__(self, made_by: Tracer, operation: str) -> None:
        from opentelemetry.trace import SpanKind

        self._tracer = made_by
        self._operation = operation
        asked: Attributes = {_SYSTEM: "scalar_tx", _OPERATION: operation}
        self._span = OpenSpan(made_by, TRANSACTION, SpanKind.INTERNAL, asked)
        self._attempts = 0
        self._latest: TransactionSpan | None = None

    @classmethod
    def begun(cls, operation: str = "transaction") -> Self | None:
        """A span that begins now; None: this program does not trace."""
        made_by = tracer()
        return None if made_by is None else cls(made_by, operation)

    def attempt(self, steps: Steps | None = None) -> TransactionSpan:
        """The span of the next attempt."""
        self._attempts += 1
        if self._latest is not None and self._latest.error is not None:
            self._span.event(RERUN, {_NUMBER: self._attempts, **self._latest.error})
        self._latest = TransactionSpan(
            self._tracer,
            self._operation,
            steps,
            number=self._attempts,
            within=self._span.context,
        )
        return self._latest

    def script(self, steps: Coroutine[Any, Any, ScriptResult]) -> Coroutine[Any, Any, ScriptResult]:
        """The steps of an attempt that is one call, within a span of its own."""
        return self.attempt().around(steps)

    def end(self, at: int | None = None) -> None:
        """No other attempt follows: what became of the last one became of the transaction."""
        last = self._latest
        told = {} if last is None else ending(last.outcome, last.transaction_id)
        error = None if last is None else last.error
        self._span.end({_ATTEMPTS: self._attempts, **told}, error, at)

    def leave(self) -> None:
        """Whoever made the attempts has left them, and maybe nobody has them any more."""
        _left.append(functools.partial(self.end, time.time_ns()))

    def __enter__(self) -> Self:
        """Hand it to a block that makes all attempts."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.end()


class _NoSpan:
    """What stands in a script's place for its ``RunSpan`` where nobody traces."""

    def script(self, steps: Coroutine[Any, Any, ScriptResult]) -> Coroutine[Any, Any, ScriptResult]:
        return steps

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


_NO_SPAN: Final = _NoSpan()


def script_span() -> RunSpan | _NoSpan:
    """For a ``with`` block that makes all attempts of a script."""
    return RunSpan.begun("script") or _NO_SPAN


def attempt_span(steps: Steps, number: int) -> AbstractContextManager[None]:
    """For a block that is all of an attempt, below the span that is current."""
    made_by = tracer()
    if made_by is None:
        return nullcontext()
    return TransactionSpan(made_by, "script", steps, number=number).call(steps)


class TransactionSpan:
    """The span of one transaction of the protocol: of an attempt, or of one that stands alone."""

    def __init__(
        self,
        made_by: Tracer,
        operation: str,
        steps: Steps | None,
        *,
        number: int | None = None,
        within: Context | None = None,
    ) -> None:
        from opentelemetry.trace import SpanKind

        asked: Attributes = {_SYSTEM: "scalar_tx", _OPERATION: operation}
        if number is not None:
            asked[_NUMBER] = number
        if steps is not None:
            asked[_ISOLATION] = steps.isolation.value
            asked[_READ_ONLY] = steps.read_only
        name = TRANSACTION if number is None else ATTEMPT
        # A client's: a node, or a database, has the other side.
        self._span = OpenSpan(made_by, name, SpanKind.CLIENT, asked, within)
        self.outcome: TransactionState | None = None
        self.transaction_id: str | None = None
        self.error: Attributes | None = None  # why it was not committed, if an error is why
        # Descriptions, since an error would keep alive what has to be found abandoned.
        self._failed: Attributes | None = None
        self._left_block: Attributes | None = None
        self._blocks: list[Token[Context]] = []
        self._ended = False
        _end_left()
        _end_all_at_exit()
        _open.add(self)

    @classmethod
    def begun(
        cls, steps: Steps, run: RunSpan | None = None, *, operation: str = "transaction"
    ) -> TransactionSpan | None:
        """A span that begins now, of the run's next attempt; None: this program does not trace."""
        if run is not None:
            return run.attempt(steps)
        made_by = tracer()
        return None if made_by is None else cls(made_by, operation, steps)

    def end_with(self, transaction: object) -> None:
        """A transaction that nobody has any more can't be ended by anybody: then it ends too."""
        weakref.finalize(transaction, self._lost).atexit = False

    def _lost(self) -> None:
        if not self._ended:
            _left.append(functools.partial(self.abandon, time.time_ns()))

    def abandon(self, at: int) -> None:
        """Nobody ends it: it was over then."""
        self._end(None, None, at)

    def enter(self) -> None:
        """A block begins: what is done in it is done within this span."""
        from opentelemetry import context

        self._blocks.append(context.attach(self._span.context))

    def leave(self) -> None:
        """The block has ended."""
        from opentelemetry import context

        if self._blocks:
            context.detach(self._blocks.pop())

    def leaves_block(self, error: BaseException | None) -> None:
        """The block ends, by that error."""
        self._left_block = None if error is None else description(error)

    @contextmanager
    def call(self, steps: Steps) -> Iterator[None]:
        """Around each call of the transaction, any of which may end it."""
        try:
            if self._is_current():
                yield
            else:
                with self._span.current():
                    yield
            if not steps.finished:
                self._failed = None  # what failed before was got over
        except BaseException as error:
            self._failed = description(error)
            raise
        finally:
            if steps.finished:
                self._end(steps.outcome, steps.id_if_known)

    def _is_current(self) -> bool:
        # The program may have spans of its own in the block, and threads that know of none.
        from opentelemetry import trace

        here = trace.get_current_span().get_span_context().trace_id
        return bool(self._blocks) and here == self._span.trace_id

    async def around(self, steps: Coroutine[Any, Any, ScriptResult]) -> ScriptResult:
        """Around the one call that is all of the transaction."""
        try:
            with self._span.current():
                result = await steps
        except BaseException as error:
            self._failed = description(error)
            unknown = isinstance(error, UnknownOutcomeError)
            outcome = TransactionState.UNKNOWN if unknown else TransactionState.ABORTED
            self._end(outcome, getattr(error, "transaction_id", None))
            raise
        self._end(TransactionState.COMMITTED, result.transaction_id)
        return result

    def _end(
        self, outcome: TransactionState | None, transaction_id: str | None, at: int | None = None
    ) -> None:
        if self._ended:
            return
        self._ended = True
        _open.discard(self)
        self.outcome, self.transaction_id = outcome, transaction_id
        if outcome is not TransactionState.COMMITTED:
            self.error = self._failed or self._left_block
        self._span.end(ending(outcome, transaction_id), self.error, at)

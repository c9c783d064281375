"""The transaction that threads use."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

from scalar_tx import typed_operations
from scalar_tx.after_commit import AfterCommit
from scalar_tx.connection import forks
from scalar_tx.errors import InvalidOperationError, ScalarTxError
from scalar_tx.model.operations import Scan
from scalar_tx.model.state import TransactionState
from scalar_tx.operation_methods import OperationMethods
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.transactional_functions import AnyTransaction, may_rest_on_reads

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
    from types import TracebackType

    from scalar_tx.backend import Cursor, Steps
    from scalar_tx.model.explanation import Explanation
    from scalar_tx.model.isolation import Isolation
    from scalar_tx.model.operations import Get, Mutation, Operation
    from scalar_tx.model.record import Record
    from scalar_tx.model.record_class import RecordT
    from scalar_tx.model.types import Value
    from scalar_tx.open_transactions import OpenTransactions
    from scalar_tx.typed_operations import TypedCursor

T = TypeVar("T")
FoundT = TypeVar("FoundT")  # a Record, or an object of a class


class Transaction(OperationMethods, AnyTransaction):
    """A transaction for threads: one thread at a time.

    Made by a manager's ``begin``, ``transaction``, ``run``, ``attempts`` or ``@transactional``.
    Reads see its own writes; nothing is written to the database before ``commit``.
    """

    def __init__(
        self,
        steps: Steps,
        register: OpenTransactions[Any],
        *,
        owned: bool = False,
    ) -> None:
        self._steps = steps
        self._register = register
        self._owned = owned  # somebody else commits: run, attempts, @transactional
        self._turn: dict[None, int] = {}  # the thread that runs steps
        self._forks = forks()
        self._after_commit = AfterCommit()

    @property
    def id(self) -> str:
        """The transaction's id; ``db.resume`` finds an open transaction by it."""
        made = self._steps.id
        if not self._steps.finished:
            self._register.add(made, self)
        return made

    @property
    def isolation(self) -> Isolation:
        """The isolation level."""
        return self._steps.isolation

    @property
    def read_only(self) -> bool:
        """Are writes refused?"""
        return self._steps.read_only

    @property
    def outcome(self) -> TransactionState | None:
        """None while it is open; then COMMITTED, ABORTED, or UNKNOWN: ask ``db.settle(id)``."""
        return self._steps.outcome

    def explain(self) -> Explanation:
        """What the commit would cost as the transaction stands, which steps it takes and why.

        Nothing is asked of a database.
        """
        return self._steps.explain()

    def _get(self, get: Get) -> Any:
        return self._run(typed_operations.get(self._steps, get))

    def _scan(self, scan: Scan) -> Any:
        return self._run(typed_operations.scan(self._steps, scan))

    def _write(self, write: Mutation) -> None:
        self._run(typed_operations.mutate(self._steps, write))

    def _batch(self, operations: Sequence[Operation]) -> list[Any]:
        return self._run(typed_operations.batch(self._steps, operations))

    @overload
    def scanner(
        self, table: str, partition: Mapping[str, Value] | None = None, **how: Any
    ) -> Scanner[Record]: ...
    @overload
    def scanner(
        self, table: type[RecordT], partition: Mapping[str, Value] | None = None, **how: Any
    ) -> Scanner[RecordT]: ...
    def scanner(
        self, table: str | type[Any], partition: Mapping[str, Value] | None = None, **how: Any
    ) -> Any:
        """Read as ``scan`` does, page by page while it is iterated. Takes the same arguments."""
        scan = Scan(table, partition, **how)
        cursor = self._run(typed_operations.open_cursor(self._steps, scan))
        return Scanner(self, cursor)

    def on_commit(self, function: Callable[..., object], *args: object) -> None:
        """Call ``function(*args)`` after a commit, in order of registration; errors are logged."""
        self._after_commit.add(function, args, ended=self._steps.finished)

    def commit(self) -> None:
        """Make the writes durable and visible, all of them.

        ConflictError: nothing happened, begin again. UnknownOutcomeError: the decision could not be
        reached; ``db.settle(id)`` tells later.
        """
        self._refuse_if_owned("commit")
        self._commit()

    def rollback(self) -> None:
        """Give the transaction up; nothing was written."""
        self._refuse_if_owned("rollback")
        self._rollback()

    def _commit(self) -> None:
        self._finish(self._steps.commit())

    def _finish(self, steps: Coroutine[Any, Any, None]) -> None:
        """Run steps that may end the transaction."""
        try:
            self._run(steps)
        finally:
            self._leave()
            if self.outcome is TransactionState.COMMITTED:  # also where Ctrl-C came in the middle
                self._after_commit.run()

    def _rollback(self) -> None:
        try:
            self._run(self._steps.rollback())
        finally:
            self._leave()

    def _confirm_reads(self) -> None:
        self._run(self._steps.confirm_reads())

    def _leave(self) -> None:
        if self._steps.finished:
            self._register.remove(self._steps.id_if_known)

    def _refuse_if_owned(self, what: str) -> None:
        if self._owned:
            raise InvalidOperationError(
                f"{what}() inside a function that run() or @transactional commits",
                advice="Return from the function to commit, raise to roll back",
                transaction_id=self._steps.id_if_known,
                code="STX-3039",
            )

    def _run(self, steps: Coroutine[Any, Any, T]) -> T:
        # One step takes the turn and names its owner. Ctrl-C may leave it taken behind that step;
        # its owner is then welcome, above all to roll back.
        thread = threading.get_ident()
        if self._turn.setdefault(None, thread) != thread:
            steps.close()
            raise InvalidOperationError(
                "two threads use one transaction at the same time",
                advice="Give each thread its own transaction; to read in parallel use batch([…])",
                transaction_id=self._steps.id_if_known,
                code="STX-3041",
            )
        try:
            if self._forks != forks():
                steps.close()
                raise InvalidOperationError(
                    "this transaction was begun before the process was forked",
                    advice="Begin transactions after the fork",
                    code="STX-3042",
                )
            return run_blocking(steps)
        except ScalarTxError as error:
            if error.transaction_id is None:
                error.transaction_id = self._steps.id
            raise
        finally:
            self._turn.clear()

    def __enter__(self) -> Self:
        """Hand the transaction to a ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Commit at the end of the block, roll back on an exception."""
        if self._steps.finished:
            return
        if error is None:
            self._commit()
            return
        leave_with(self, error)

    def __reduce__(self) -> tuple[object, ...]:
        raise InvalidOperationError(
            "a transaction can't be pickled",
            advice="Begin it in the process that uses it",
            code="STX-3042",
        )

    def __repr__(self) -> str:
        state = "open" if self.outcome is None else self.outcome.value
        return f"<Transaction {self._steps.id_if_known or 'not named yet'} {state}>"


class Scanner(Generic[FoundT]):
    """Records of a scan, read page by page while they are iterated.

    A context manager; leave it, or call ``close``, when done early. It does not see writes made
    after it was opened.
    """

    def __init__(self, transaction: Transaction, cursor: Cursor | TypedCursor) -> None:
        self._transaction = transaction
        self._cursor = cursor
        self._page: list[FoundT] = []
        self._at = 0
        self._token: str | None = None

    @property
    def page_token(self) -> str | None:
        """Opaque text that lets a later scan begin behind the last record of this one's page."""
        return self._cursor.page_token()

    def next_page(self) -> list[FoundT] | None:
        """The next records, at least one, or None at the end."""
        steps: Coroutine[Any, Any, Any] = self._cursor.next_page()
        page: list[FoundT] | None = self._transaction._run(steps)  # noqa: SLF001  # one face
        return page

    def __iter__(self) -> Iterator[FoundT]:
        """All records that are left."""
        while (page := self.next_page()) is not None:
            yield from page

    def close(self) -> None:
        """Read no further; what was read stays part of the transaction."""
        if not self._cursor.closed:
            self._transaction._run(self._cursor.close())  # noqa: SLF001  # one face

    def __enter__(self) -> Self:
        """Hand the scanner to a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def leave_with(transaction: Transaction, error: BaseException) -> None:
    """End a transaction whose code raised; ConflictError if its reads do not hold any more.

    At SERIALIZABLE an exception may rest on a state that never was, so it is handed on only if what
    was read still validates. Cancellation and Ctrl-C are never held back.
    """
    try:
        if may_rest_on_reads(error):
            transaction._confirm_reads()  # noqa: SLF001  # one face
    except Exception as conflict:
        raise conflict from error
    finally:
        transaction._rollback()  # noqa: SLF001  # one face

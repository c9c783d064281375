"""How does a statement travel to PostgreSQL, and its result back?

By libpq's own calls that don't wait: statements are sent, a sign of life is awaited for so many
seconds and no more, and what arrived is read. Statements that are used often are prepared. A
transaction's BEGIN travels with its first statement, and the statements of a group travel together,
so that a group is two round trips: one that does everything, and COMMIT.
"""

from __future__ import annotations

import os
import secrets
import select
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result

from scalar_tx.storage.postgresql.forms import Form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.pq.abc import PGresult

    from scalar_tx.storage.sql.connections import Cells, Statement

_STATEMENTS_KEPT: Final = 512  # texts a connection; a table needs about ten
_BINARY: Final = pq.Format.BINARY
_IDLE: Final = pq.TransactionStatus.IDLE
_ERROR: Final = pq.ExecStatus.FATAL_ERROR
_SYNC: Final = pq.ExecStatus.PIPELINE_SYNC
_ANSWERS_TO_SYNC: Final = 4  # an error, the end of that, and the answer proper
# What a standby's delay leaves open is told as a warning, beside an ordinary answer: by this
# function of the server, and in these words where the server speaks English.
_AWAITS_STANDBY: Final = "SyncRepWaitForLSN"
_NOT_REPLICATED: Final = "waiting for synchronous replication"
# At READ COMMITTED each statement judges its condition by the newest committed row.
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
_BEGIN_MOMENT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_UNLIMITED: Final = "SET LOCAL statement_timeout=0"
# The function of the server that finds a prepared statement's result to have changed its columns.
_REVALIDATES: Final = b"RevalidateCachedQuery"
_NOT_SUPPORTED: Final = b"0A000"


class NoReplyError(psycopg.OperationalError):
    """The server did not answer in time; the connection can't be used any more."""


class UnreadableCellError(psycopg.DataError):
    """A cell holds what Python has no value for."""


class StalePlanError(psycopg.NotSupportedError):
    """A statement was prepared for a table that has changed; nothing was done."""


class PostgresqlWire:
    """One connection, in autocommit until ``begin``. Definitions commit with their transaction.

    ``reply_s``: how long the server may be silent. ``threshold``: a statement that was used so
    often is prepared; None: never.
    """

    defining = defined = False

    def __init__(
        self, connection: psycopg.Connection[Any], *, reply_s: float, threshold: int | None
    ) -> None:
        self._connection = connection
        self._line = connection.pgconn
        self._line.nonblocking = 1
        self._reply_s = reply_s
        self._reply_ms: int | None = round(1000 * reply_s)
        self._threshold = threshold
        self._forms: dict[tuple[object, ...], Form] = {}
        # A pooler between may hand a server's session from one client to the next.
        self._prefix = f"scalar_tx_{secrets.token_hex(4)}_"
        self._names = count(1)
        self._begin: str | None = None  # said with the next statement
        self._doubt: str | None = None  # a warning that an acknowledged write may be lost
        self._loads = Transformer(connection)
        self._readable = select.poll()
        self._readable.register(connection.fileno(), select.POLLIN | select.POLLHUP)
        self._movable = select.poll()
        self._movable.register(connection.fileno(), select.POLLIN | select.POLLOUT)
        connection.add_notice_handler(self._take_note)

    def rows(self, text: str, parameters: Sequence[object] = ()) -> list[Cells]:
        """Read."""
        result = self._prepared(text, parameters) or self._run(text, parameters)
        if not result.ntuples:
            return []
        self._loads.set_pgresult(result)
        try:
            return self._loads.load_rows(0, result.ntuples, tuple)
        except psycopg.DataError as error:
            raise UnreadableCellError(str(error)) from error

    def count(self, text: str, parameters: Sequence[object] = ()) -> int:
        """Write; how many rows were concerned?"""
        result = self._prepared(text, parameters) or self._run(text, parameters)
        if self._doubt is not None and self._line.transaction_status == _IDLE:
            self._raise_doubt()
        return result.command_tuples or 0

    def counts(self, statements: Sequence[Statement]) -> list[int]:
        """Write them one after the other, sent together; the first error ends it."""
        return [result.command_tuples or 0 for result in self._run_all(statements)]

    def define(self, text: str) -> None:
        """Part of the transaction, which has no limit from here on but those of its locks.

        An index takes the time that its rows need, and whoever waits for it waits for its end.
        """
        reply_ms, self._reply_ms = self._reply_ms, None
        try:
            self._run_all([(_UNLIMITED, ()), (text, ())])
        finally:
            self._reply_ms = reply_ms

    def begin(self) -> None:
        """Begin, together with the first statement."""
        self._begin = _BEGIN

    def begin_moment(self) -> None:
        """Begin, together with the first statement, which takes the snapshot."""
        self._begin = _BEGIN_MOMENT

    def commit(self) -> None:
        """Commit; of a transaction without a statement there is nothing to be said."""
        if self._begin is not None:
            self._begin = None
            return
        self._say(b"COMMIT")
        self._raise_doubt()

    def rollback(self) -> None:
        """Undo; without a transaction nothing is asked of the server."""
        self._begin = None
        if self._line.transaction_status != _IDLE:
            self._say(b"ROLLBACK")

    def is_fit(self) -> bool:
        """A server that ended the connection has said so: something is there to be read."""
        return not self._connection.closed and not self._readable.poll(0)

    def close(self) -> None:
        """Close."""
        self._connection.close()

    def leave_to_parent(self) -> None:
        """Close the descriptor; libpq's own end of a connection would tell the server."""
        with suppress(OSError, psycopg.Error):
            os.close(self._line.socket)

    # Sending.

    def _prepared(self, text: str, parameters: Sequence[object]) -> PGresult | None:
        """What most statements are, in a few steps: prepared, alone, without an error.

        None: nothing was sent.
        """
        if self._begin is not None:
            return None
        form = self._forms.get((text, *map(type, parameters)))
        if form is None or not form.name:
            return None
        line = self._line
        line.send_query_prepared(form.name, form.values(parameters), form.formats, _BINARY)
        found = self._answer()
        if found.status == _ERROR:
            try:
                return self._checked(found)
            except StalePlanError:
                if line.transaction_status != _IDLE:
                    raise
                return None
        return found

    def _run(self, text: str, parameters: Sequence[object]) -> PGresult:
        self._make_room()
        if self._begin is not None:
            return self._run_all([(text, parameters)])[0]
        return self._run_alone(text, parameters)

    def _run_alone(self, text: str, parameters: Sequence[object]) -> PGresult:
        form = self._form(text, parameters)
        if self._is_due(form):
            if psycopg.Pipeline.is_supported():
                return self._run_all([(text, parameters)])[0]
            self._line.send_prepare(name := self._new_name(), form.query, form.types)
            self._checked(self._answer())
            form.name = name
        values = form.values(parameters)
        form.uses += 1
        self._send(form, values)
        return self._checked(self._answer())

    def _run_all(self, statements: Sequence[Statement]) -> list[PGresult]:
        self._make_room()
        begin, self._begin = self._begin, None
        bound = [(form := self._form(*one), form.values(one[1])) for one in statements]
        if not psycopg.Pipeline.is_supported():
            texts = [] if begin is None else [(begin, ())]
            return [self._run_alone(*one) for one in (*texts, *statements)][len(texts) :]
        line = self._line
        line.enter_pipeline_mode()
        sent: list[Form | None] = []  # whose result is asked for; None: nobody's
        prepared: list[Form] = []
        if begin is not None:
            line.send_query_params(begin.encode(), None)
            sent.append(None)
        for form, values in bound:
            if self._is_due(form):
                form.name = self._new_name()
                prepared.append(form)
                line.send_prepare(form.name, form.query, form.types)
                sent.append(None)
            form.uses += 1
            self._send(form, values)
            sent.append(form)
        line.pipeline_sync()
        answers = self._answers(len(sent))
        line.exit_pipeline_mode()
        for answer in answers:
            if answer.status == _ERROR:
                for form in prepared:
                    form.name = b""  # perhaps it was not; the name is not used again
                self._checked(answer)
        return [answer for form, answer in zip(sent, answers, strict=False) if form is not None]

    def _answers(self, number: int) -> list[PGresult]:
        """The answers of a pipeline."""
        found: list[PGresult] = []
        try:
            while len(found) < number:
                found.append(self._answer())
            # Outside of BEGIN the statements are committed now, and an error of that comes here.
            return found + self._until_sync()
        except NoReplyError:
            raise
        except psycopg.OperationalError:
            for answer in found:
                self._checked(answer)  # why the server hung up, if it said so
            raise

    def _until_sync(self) -> list[PGresult]:
        found: list[PGresult] = []
        for _ in range(_ANSWERS_TO_SYNC):
            result = self._next()
            if result is not None and result.status == _SYNC:
                return found
            found += [] if result is None else [result]
        raise psycopg.OperationalError("the server's answers do not end")

    def _say(self, text: bytes) -> None:
        """A word that is not worth preparing."""
        self._line.send_query_params(text, None)
        self._checked(self._answer())

    def _form(self, text: str, parameters: Sequence[object]) -> Form:
        kinds = [type(value) for value in parameters]
        shape = (text, *kinds)
        form = self._forms.get(shape)
        if form is None:
            form = self._forms[shape] = Form(text, kinds)
        return form

    def _make_room(self) -> None:
        """Forget all statements if there are too many; those of a group are bound after this."""
        if len(self._forms) < _STATEMENTS_KEPT or self._line.transaction_status != _IDLE:
            return
        prepared = any(form.name for form in self._forms.values())
        self._forms.clear()
        if prepared:
            self._say(b"DEALLOCATE ALL")

    def _is_due(self, form: Form) -> bool:
        """Is it to be prepared now?"""
        return not form.name and self._threshold is not None and form.uses >= self._threshold

    def _new_name(self) -> bytes:
        return f"{self._prefix}{next(self._names)}".encode()

    def _send(self, form: Form, values: list[bytes | None]) -> None:
        if form.name:
            self._line.send_query_prepared(form.name, values, form.formats, _BINARY)
        else:
            self._line.send_query_params(form.query, values, form.types, form.formats, _BINARY)

    # Receiving.

    def _answer(self) -> PGresult:
        """The result of one statement."""
        found = self._next()
        if found is None:
            raise psycopg.OperationalError("the server's answer has no result")
        try:
            while (more := self._next()) is not None:
                # A statement that was executed may fail yet as it is committed.
                found = more if more.status == _ERROR else found
        except psycopg.OperationalError:
            if found.status != _ERROR:
                raise
            # The server said why and hung up: its reason says more than the broken line.
        return found

    def _next(self) -> PGresult | None:
        line = self._line
        while line.is_busy():
            # What was not sent yet goes first: the server may wait for it.
            self._wait(self._movable if line.flush() else self._readable)
            line.consume_input()
        return line.get_result()

    def _wait(self, something: select.poll) -> None:
        if not something.poll(self._reply_ms):
            raise NoReplyError(f"no answer within {self._reply_s:g} s")

    def _checked(self, result: PGresult) -> PGresult:
        if result.status != _ERROR:
            return result
        if (
            result.error_field(pq.DiagnosticField.SQLSTATE) == _NOT_SUPPORTED
            and result.error_field(pq.DiagnosticField.SOURCE_FUNCTION) == _REVALIDATES
        ):
            self._forms.clear()
            raise StalePlanError(result.get_error_message())
        raise error_from_result(result)

    def _take_note(self, notice: psycopg.errors.Diagnostic) -> None:
        message = notice.message_primary or ""
        if notice.source_function == _AWAITS_STANDBY or _NOT_REPLICATED in message:
            self._doubt = message

    def _raise_doubt(self) -> None:
        doubt, self._doubt = self._doubt, None
        if doubt is not None:
            raise NoReplyError(doubt)

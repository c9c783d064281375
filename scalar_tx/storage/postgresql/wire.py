"""How does a statement travel to PostgreSQL, and its result back?

By libpq's own calls that don't wait: statements are sent, a sign of life is awaited for so many
seconds and no more, and what arrived is read. Statements that are used often are prepared. A
transaction's BEGIN travels with its first statement, and the statements of a group travel together,
so that a group is two round trips: one that does everything, and COMMIT.
"""

from __future__ import annotations

import datetime as dt
import re
import select
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg.pq.abc import PGresult

    from scalar_tx.storage.sql.connections import Cells, Statement

_STATEMENTS_KEPT: Final = 512  # texts a connection; a table needs about ten
_IDLE: Final = pq.TransactionStatus.IDLE
_ERROR: Final = pq.ExecStatus.FATAL_ERROR
_SYNC: Final = pq.ExecStatus.PIPELINE_SYNC
_ANSWERS_TO_SYNC: Final = 4  # an error, the end of that, and the answer proper
# What a standby's delay leaves open is told as a warning, beside an ordinary answer.
_NOT_REPLICATED: Final = "waiting for synchronous replication"
# At READ COMMITTED each statement judges its condition by the newest committed row.
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
_BEGIN_MOMENT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# The function of the server that finds a prepared statement's result to have changed its columns.
_REVALIDATES: Final = b"RevalidateCachedQuery"
_NOT_SUPPORTED: Final = b"0A000"


class NoReplyError(psycopg.OperationalError):
    """The server did not answer in time; the connection can't be used any more."""


class StalePlanError(psycopg.NotSupportedError):
    """A statement was prepared for a table that has changed; nothing was done."""


def _text(value: str) -> bytes:
    if "\x00" in value:  # libpq would cut it short there
        raise psycopg.DataError("PostgreSQL holds no U+0000 in a text")
    return value.encode()


def _iso(value: dt.date | dt.time) -> bytes:
    return value.isoformat().encode()


_TEXT, _BINARY = pq.Format.TEXT, pq.Format.BINARY
# How a value is sent: as which type (0: the server infers it), in which form. Numbers are sent as
# the widest of their kind, so that a comparison with a narrower column is one of numbers.
_FORMS: Final[dict[type, tuple[int, pq.Format, Callable[[Any], bytes | None]]]] = {
    type(None): (0, _TEXT, lambda _: None),
    bool: (16, _TEXT, lambda value: b"t" if value else b"f"),
    int: (20, _TEXT, lambda value: b"%d" % value),
    float: (701, _TEXT, lambda value: repr(value).encode()),
    str: (0, _TEXT, _text),
    bytes: (17, _BINARY, bytes),
    dt.date: (0, _TEXT, _iso),
    dt.time: (0, _TEXT, _iso),
    dt.datetime: (0, _TEXT, _iso),
}
_SIGN: Final = re.compile("%([s%])")


@lru_cache(maxsize=4096)
def _numbered(text: str) -> bytes:
    """A text with the placeholders that PostgreSQL itself knows."""
    numbers = count(1)
    return _SIGN.sub(lambda sign: f"${next(numbers)}" if sign[1] == "s" else "%", text).encode()


class _Form:
    """A statement with parameters of certain types."""

    __slots__ = ("dump", "formats", "name", "query", "types", "uses")

    def __init__(self, text: str, kinds: Sequence[type]) -> None:
        forms = [_FORMS[kind] for kind in kinds]
        self.query = _numbered(text)
        self.types = tuple(oid for oid, _, _ in forms)
        self.formats = [form for _, form, _ in forms]
        self.dump = tuple(dump for _, _, dump in forms)
        self.name = b""  # empty: not prepared
        self.uses = 0

    def values(self, parameters: Sequence[object]) -> list[bytes | None]:
        return [dump(value) for dump, value in zip(self.dump, parameters, strict=True)]


class PostgresqlWire:
    """One connection, in autocommit until ``begin``.

    ``reply_s``: how long the server may be silent. ``threshold``: a statement that was used so
    often is prepared; None: never.
    """

    def __init__(
        self, connection: psycopg.Connection[Any], *, reply_s: float, threshold: int | None
    ) -> None:
        self._connection = connection
        self._line = connection.pgconn
        self._line.nonblocking = 1
        self._reply_s = reply_s
        self._reply_ms = round(1000 * reply_s)
        self._threshold = threshold
        self._forms: dict[tuple[object, ...], _Form] = {}
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
        result = self._run(text, parameters)
        if not result.ntuples:
            return []
        self._loads.set_pgresult(result)
        return self._loads.load_rows(0, result.ntuples, tuple)

    def count(self, text: str, parameters: Sequence[object] = ()) -> int:
        """Write; how many rows were concerned?"""
        found = self._run(text, parameters).command_tuples or 0
        if self._line.transaction_status == _IDLE:
            self._raise_doubt()
        return found

    def counts(self, statements: Sequence[Statement]) -> list[int]:
        """Write them one after the other, sent together; the first error ends it."""
        return [result.command_tuples or 0 for result in self._run_all(statements)]

    def define(self, text: str) -> None:
        """PostgreSQL's definitions are part of the transaction."""
        self._run(text, ())

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

    # Sending.

    def _run(self, text: str, parameters: Sequence[object]) -> PGresult:
        if self._begin is not None:
            return self._run_all([(text, parameters)])[0]
        try:
            return self._run_alone(text, parameters)
        except StalePlanError:
            if self._line.transaction_status != _IDLE:
                raise
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
        begin, self._begin = self._begin, None
        bound = [(form := self._form(*one), form.values(one[1])) for one in statements]
        if not psycopg.Pipeline.is_supported():
            texts = [] if begin is None else [(begin, ())]
            return [self._run_alone(*one) for one in (*texts, *statements)][len(texts) :]
        line = self._line
        line.enter_pipeline_mode()
        sent: list[_Form | None] = []  # whose result is asked for; None: nobody's
        prepared: list[_Form] = []
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
        answers = [self._answer() for _ in sent]
        # Outside of BEGIN the statements are committed now, and an error of that comes here.
        answers += self._until_sync()
        line.exit_pipeline_mode()
        for answer in answers:
            if answer.status == _ERROR:
                for form in prepared:
                    form.name = b""  # perhaps it was not; the name is not used again
                self._checked(answer)
        return [answer for form, answer in zip(sent, answers, strict=False) if form is not None]

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

    def _form(self, text: str, parameters: Sequence[object]) -> _Form:
        kinds = [type(value) for value in parameters]
        shape = (text, *kinds)
        form = self._forms.get(shape)
        if form is None:
            if len(self._forms) >= _STATEMENTS_KEPT and self._line.transaction_status == _IDLE:
                self._forget()
            form = self._forms[shape] = _Form(text, kinds)
        return form

    def _forget(self) -> None:
        prepared = any(form.name for form in self._forms.values())
        self._forms.clear()
        if prepared:
            self._say(b"DEALLOCATE ALL")

    def _is_due(self, form: _Form) -> bool:
        """Is it to be prepared now?"""
        return not form.name and self._threshold is not None and form.uses >= self._threshold

    def _new_name(self) -> bytes:
        return b"s%d" % next(self._names)

    def _send(self, form: _Form, values: list[bytes | None]) -> None:
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
        while line.flush():
            self._wait(self._movable)
            line.consume_input()
        while line.is_busy():
            self._wait(self._readable)
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
        message = notice.message_primary
        if message is not None and _NOT_REPLICATED in message:
            self._doubt = message

    def _raise_doubt(self) -> None:
        doubt, self._doubt = self._doubt, None
        if doubt is not None:
            raise NoReplyError(doubt)

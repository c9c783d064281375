"""How are statements sent to Cassandra, and their answers waited for?

The only module that touches the driver. Its futures become those of ``concurrent.futures``, which
every runtime can wait for; its time-outs end every call. No request is sent twice, unless it is a
read that its host could not answer: a conditional write which had landed would be refused by
itself. Answers are handed out as the bytes they came in.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.storage.cassandra.errors import Call, storage_error
from scalar_tx.storage.cassandra.event_loop import connection_class

_CONNECTION_CLASS: Final = connection_class()

from cassandra import ConsistencyLevel, ProtocolVersion  # noqa: E402  # the event loop is chosen first
from cassandra.auth import PlainTextAuthProvider  # noqa: E402
from cassandra.cluster import (  # noqa: E402
    EXEC_PROFILE_DEFAULT,
    Cluster,
    ExecutionProfile,
    ResultSet,
)
from cassandra.policies import (  # noqa: E402
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    NoSpeculativeExecutionPolicy,
    RetryPolicy,
    TokenAwarePolicy,
)
from cassandra.protocol import ResultMessage, _ProtocolHandler, read_int  # noqa: E402
from cassandra.query import (  # noqa: E402
    BatchStatement,
    BatchType,
    BoundStatement,
    SimpleStatement,
    tuple_factory,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.storage.cassandra.settings import CassandraSettings
    from scalar_tx.storage.cassandra.statements import Statement
    from scalar_tx.storage.interface import Waiter

logger = logging.getLogger("scalar_tx.storage.cassandra")

ONE: Final = ConsistencyLevel.ONE
QUORUM: Final = ConsistencyLevel.QUORUM
SERIAL: Final = ConsistencyLevel.SERIAL

_CONNECT_SECONDS: Final = 5.0
_RECONNECT_SECONDS: Final = (0.25, 4.0)  # between attempts: the first and the longest pause
# All nodes have to agree on a definition, and a truncation waits for all of them.
_DEFINITION_SECONDS: Final = 60.0
_THREADS: Final = 2  # for what the driver can do only by blocking: connect, prepare, close

Cells = tuple["bytes | None", ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of one page, and where the next one begins."""

    rows: Sequence[Cells]
    next_page: bytes | None = None

    @property
    def applied(self) -> bool:
        """Of a conditional write: did its condition hold?"""
        return self.rows[0][0] != b"\x00"


class SessionClosed(Exception):
    """The session is closed."""


class OnceOnly(RetryPolicy):  # type: ignore[misc]  # the driver has no types
    """Reads are asked of one more host where one could not answer; writes are never sent again."""

    def on_read_timeout(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        """The replicas had their time."""
        return self.RETHROW, None

    def on_write_timeout(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        """It may have taken effect, and may still."""
        return self.RETHROW, None

    def on_unavailable(
        self, query: Any, consistency: Any, required_replicas: int, alive_replicas: int,
        retry_num: int,
    ) -> tuple[int, Any]:  # fmt: skip
        """Another host may see more replicas alive."""
        return self._elsewhere(query, retry_num)

    def on_request_error(
        self, query: Any, consistency: Any, error: Any, retry_num: int
    ) -> tuple[int, Any]:
        """The host failed, or the connection to it."""
        return self._elsewhere(query, retry_num)

    def _elsewhere(self, query: Any, retry_num: int) -> tuple[int, Any]:
        if query is not None and query.is_idempotent and retry_num == 0:
            return self.RETRY_NEXT_HOST, None
        return self.RETHROW, None


class _RawResult(ResultMessage):  # type: ignore[misc]  # the driver has no types
    """A result whose cells stay bytes. (Its leading underscore keeps it out of the registry.)"""

    def recv_results_rows(
        self, f: Any, protocol_version: int, user_type_map: Any, result_metadata: Any, *_: Any
    ) -> None:
        """Read the rows without decoding them."""
        self.recv_results_metadata(f, user_type_map)
        columns = self.column_metadata or result_metadata
        count = read_int(f)
        self.parsed_rows = [tuple(self.recv_row(f, len(columns))) for _ in range(count)]
        self.column_names = [column[2] for column in columns]
        self.column_types = [column[3] for column in columns]


class _RawHandler(_ProtocolHandler):  # type: ignore[misc]  # the driver has no types
    message_types_by_opcode: Final = {
        **_ProtocolHandler.message_types_by_opcode,
        ResultMessage.opcode: _RawResult,
    }


class Session:
    """Connections to one cluster, made at first use and by whoever comes first."""

    def __init__(self, settings: CassandraSettings, waiter: Waiter) -> None:
        self.settings = settings
        self.waiter = waiter
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, "scalar_tx cassandra")
        self._connecting: Future[Any] | None = None
        self._session: Any = None
        self._preparing: dict[str, Future[Any]] = {}
        self._prepared: dict[str, Any] = {}
        self._closed = False

    async def read(
        self,
        statement: Statement,
        consistency: int,
        place: str,
        *,
        page_size: int = 5000,
        page: bytes | None = None,
        host: Any = None,
    ) -> Answer:
        """One page of a read."""
        session = self._session or await self._connect()
        bound = await self._bound(session, statement, Call.READ, place)
        bound.consistency_level = consistency
        bound.is_idempotent = True
        bound.fetch_size = page_size
        return await self._answer(session, bound, Call.READ, place, paging_state=page, host=host)

    async def write(self, statements: Sequence[Statement], place: str) -> Answer:
        """Apply all statements, of one partition, or none."""
        session = self._session or await self._connect()
        conditional = any(one.conditional for one in statements)
        call = Call.CONDITIONAL_WRITE if conditional else Call.WRITE
        bound = [await self._bound(session, one, call, place) for one in statements]
        whole = bound[0]
        if len(bound) > 1:
            whole = BatchStatement(BatchType.LOGGED)
            for one in bound:
                whole.add(one)
        whole.consistency_level = QUORUM
        whole.serial_consistency_level = SERIAL
        whole.is_idempotent = False
        return await self._answer(session, whole, call, place)

    async def define(self, text: str, place: str) -> None:
        """Make or change a definition; the nodes agree on it when this returns."""
        session = self._session or await self._connect()
        statement = SimpleStatement(text, is_idempotent=False)
        await self._answer(session, statement, Call.DEFINITION, place, timeout=_DEFINITION_SECONDS)

    async def hosts(self) -> list[Any]:
        """The nodes that are up, as the driver names them."""
        session = self._session or await self._connect()
        return [host for host in session.cluster.metadata.all_hosts() if host.is_up is not False]

    async def pause(self, seconds: float) -> None:
        """Let time pass; an event loop goes on meanwhile."""
        await self.waiter.wait(_handed_on(self._pool.submit(time.sleep, seconds)))

    async def close(self) -> None:
        """Close all connections; calls that still run end with an error."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            session, self._session = self._session, None
            connecting = self._connecting
        if session is None and connecting is not None and not connecting.cancel():
            session = (await self.waiter.wait(_handed_on(_settled(connecting))))[0]
        if session is not None:
            await self.waiter.wait(_handed_on(self._pool.submit(session.cluster.shutdown)))
        self._pool.shutdown(wait=False)

    # Connecting and preparing: the driver blocks, so its own threads do it.

    async def _connect(self) -> Any:
        with self._lock:
            if self._closed:
                closed = SessionClosed("the storage is closed")
                raise storage_error(closed, Call.CONNECT, self.settings.place)
            if self._connecting is None:
                self._connecting = self._pool.submit(self._open)
            connecting = self._connecting
        try:
            session = await self.waiter.wait(_handed_on(connecting))
        except Exception as error:
            with self._lock:
                if self._connecting is connecting:
                    self._connecting = None  # the next call tries again
            raise storage_error(error, Call.CONNECT, self.settings.place) from error
        if not self._closed:
            self._session = session
        return session

    def _open(self) -> Any:
        settings = self.settings
        profile = ExecutionProfile(
            load_balancing_policy=TokenAwarePolicy(
                DCAwareRoundRobinPolicy(settings.local_data_center or "")
            ),
            retry_policy=OnceOnly(),
            consistency_level=QUORUM,
            serial_consistency_level=SERIAL,
            request_timeout=settings.request_timeout,
            row_factory=tuple_factory,
            speculative_execution_policy=NoSpeculativeExecutionPolicy(),
        )
        credentials = None
        if settings.username is not None:
            credentials = PlainTextAuthProvider(settings.username, settings.password)
        cluster = Cluster(
            contact_points=list(settings.nodes),
            port=settings.nodes[0][1],
            # What every version from 2.2 on speaks, and ScalarDB's own driver too. Where the driver
            # is left to find out, it comes down to it version by version, a warning each.
            protocol_version=ProtocolVersion.V4,
            execution_profiles={EXEC_PROFILE_DEFAULT: profile},
            auth_provider=credentials,
            ssl_context=_tls(settings),
            connection_class=_CONNECTION_CLASS,
            connect_timeout=_CONNECT_SECONDS,
            control_connection_timeout=_CONNECT_SECONDS,
            reconnection_policy=ExponentialReconnectionPolicy(*_RECONNECT_SECONDS),
        )
        try:
            session = cluster.connect()
        except BaseException:
            cluster.shutdown()
            raise
        session.client_protocol_handler = _RawHandler
        # The nodes' own times, as conditional writes have them: a client whose clock is behind
        # would otherwise write into the past, where nothing of it is seen.
        session.use_client_timestamp = False
        return session

    async def _bound(self, session: Any, statement: Statement, call: Call, place: str) -> Any:
        prepared = self._prepared.get(statement.text)
        if prepared is None:
            prepared = await self._prepare(session, statement.text, call, place)
        bound = BoundStatement(prepared)
        bound.values = bound.raw_values = list(statement.values)
        return bound

    async def _prepare(self, session: Any, text: str, call: Call, place: str) -> Any:
        with self._lock:
            preparing = self._preparing.get(text)
            if preparing is None:
                preparing = self._pool.submit(session.prepare, text)
                self._preparing[text] = preparing
        try:
            prepared = await self.waiter.wait(_handed_on(preparing))
        except Exception as error:
            # Nothing of a write is sent before it is prepared.
            raise storage_error(error, Call.CONNECT, place) from error
        finally:
            with self._lock:
                if self._preparing.get(text) is preparing:
                    del self._preparing[text]
        self._prepared[text] = prepared
        return prepared

    async def _answer(
        self, session: Any, statement: Any, call: Call, place: str, **options: Any
    ) -> Answer:
        try:
            asked = session.execute_async(statement, **options)
            answer: Answer = await self.waiter.wait(_answered(asked))
        except Exception as error:
            raise storage_error(error, call, place) from error
        return answer


def _tls(settings: CassandraSettings) -> ssl.SSLContext | None:
    if not settings.tls:
        return None
    context = ssl.create_default_context(cafile=settings.tls_ca)
    # The driver connects by address; a certificate names hosts, and not every cluster's does.
    context.check_hostname = False
    return context


def _answered(asked: Any) -> Future[Answer]:
    """The driver's future as one that everybody can wait for."""
    future: Future[Answer] = Future()
    future.set_running_or_notify_cancel()  # whoever stops waiting can't stop the request

    def answered(rows: Any) -> None:
        page = ResultSet(asked, rows or []).paging_state
        future.set_result(Answer(rows or (), page))

    asked.add_callbacks(answered, future.set_exception)
    return future


def _handed_on(shared: Future[Any]) -> Future[Any]:
    """A future of one's own to wait for: cancelling it does not concern the others who wait."""
    own: Future[Any] = Future()
    own.set_running_or_notify_cancel()

    def hand_on(done: Future[Any]) -> None:
        error = done.exception()
        if error is None:
            own.set_result(done.result())
        else:
            own.set_exception(error)

    shared.add_done_callback(hand_on)
    return own


def _settled(shared: Future[Any]) -> Future[tuple[Any]]:
    """The same, with None where it fails."""
    own: Future[tuple[Any]] = Future()

    def settle(done: Future[Any]) -> None:
        own.set_result((None if done.exception() else done.result(),))

    shared.add_done_callback(settle)
    return own

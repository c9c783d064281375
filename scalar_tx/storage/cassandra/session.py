"""How are statements sent to Cassandra, and their answers waited for?

The driver's futures become replies, which every runtime can wait for; its time-outs end every call.
Answers are handed out as the bytes they came in.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import ScalarTxError, StorageError
from scalar_tx.storage.cassandra.connecting import RECONNECT_SECONDS, open_session, tls_context
from scalar_tx.storage.cassandra.errors import Call, storage_error
from scalar_tx.storage.cassandra.replies import Reply

# isort: split
# The driver's modules come after the one above, which chooses its event loop.
from cassandra import ConsistencyLevel
from cassandra.cluster import NoHostAvailable
from cassandra.policies import HostDistance
from cassandra.query import BatchStatement, BatchType, BoundStatement, SimpleStatement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.storage.cassandra.settings import CassandraSettings
    from scalar_tx.storage.cassandra.statements import Statement
    from scalar_tx.storage.cassandra.wire import Answer
    from scalar_tx.storage.interface import Waiter

ONE: Final = ConsistencyLevel.ONE
QUORUM: Final = ConsistencyLevel.QUORUM
SERIAL: Final = ConsistencyLevel.SERIAL

# All nodes have to agree on a definition, and a truncation waits for all of them.
_DEFINITION_SECONDS: Final = 60.0
_THREADS: Final = 2  # for what the driver can do only by blocking: connect, prepare, close
_MOST_READS: Final = 256  # on their way at once, of one call
_MOST_PREPARED: Final = 2_000  # statements; a write has one for each set of columns it sets
# Without any connection for so long the cluster is opened anew. The driver's own attempts end for
# good where a node refuses the password, as one does that can't reach its table of passwords.
_HOPELESS_SECONDS: Final = 10.0


class SessionClosed(Exception):
    """The session is closed."""


@dataclass(frozen=True, slots=True)
class _Failed:
    """Why connecting failed, and from when on it is tried again."""

    error: Exception
    pause: float
    until: float


class Session:
    """Connections to one cluster, made at first use and by whoever comes first."""

    def __init__(self, settings: CassandraSettings, waiter: Waiter) -> None:
        self.settings = settings
        self.waiter = waiter
        self._lock = threading.Lock()
        self._tls = tls_context(settings)
        self._pool = ThreadPoolExecutor(_THREADS, "scalar_tx cassandra")
        self._connecting: Future[Any] | None = None
        self._failed: _Failed | None = None
        self._session: Any = None
        self._lost_since: float | None = None  # no connection is open
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

    async def read_many(
        self, statements: Sequence[tuple[Statement, str]], consistency: int
    ) -> list[Answer | Exception]:
        """Several reads at once, each with the place it reads; one that fails is its error."""
        session = self._session or await self._connect()
        found: list[Answer | Exception] = []
        for start in range(0, len(statements), _MOST_READS):
            asked: list[tuple[Reply | Exception, str]] = []
            for statement, place in statements[start : start + _MOST_READS]:
                try:
                    bound = await self._bound(session, statement, Call.READ, place)
                    bound.consistency_level = consistency
                    bound.is_idempotent = True
                    asked.append((self._sent(session, bound, Call.READ, place), place))
                except (StorageError, ScalarTxError) as error:
                    asked.append((error, place))
            for reply, place in asked:
                try:
                    found.append(
                        reply
                        if isinstance(reply, Exception)
                        else await self._reply(session, reply, Call.READ, place)
                    )
                except (StorageError, ScalarTxError) as error:
                    found.append(error)
        return found

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
        """The nodes that are up and can be asked, as the driver names them."""
        session = self._session or await self._connect()
        return asked_hosts(session.cluster)

    async def known_hosts(self) -> list[Any]:
        """Those, and the nodes of other data centers unless they are known to be down."""
        session = self._session or await self._connect()
        return _up(session.cluster)

    async def pause(self, seconds: float) -> None:
        """Let time pass; an event loop goes on meanwhile."""
        try:
            await self.waiter.wait(_handed_on(self._submitted(time.sleep, seconds)))
        except SessionClosed as error:
            raise storage_error(error, Call.CONNECT, self.settings.place) from error

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
            failed = self._failed
            if failed is not None and time.monotonic() < failed.until:
                error = failed.error
                raise storage_error(error, Call.CONNECT, self.settings.place) from error
            if self._connecting is None:
                self._connecting = self._submitted(open_session, self.settings, self._tls)
            connecting = self._connecting
        try:
            session = await self.waiter.wait(_handed_on(connecting))
        except Exception as error:
            with self._lock:
                if self._connecting is connecting:
                    self._connecting = None
                    self._failed = _failed_again(error, failed)
            raise storage_error(error, Call.CONNECT, self.settings.place) from error
        with self._lock:
            if not self._closed and self._connecting is connecting:
                self._session = session
            self._failed = None
        return session

    def _submitted(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        try:
            return self._pool.submit(call, *arguments)
        except RuntimeError as error:  # the pool takes no more
            raise SessionClosed("the storage is closed") from error

    def _without_hosts(self, session: Any) -> None:
        """No host could be asked: where no connection opens again, let the next call connect."""
        now = time.monotonic()
        with self._lock:
            if self._closed or session is not self._session:
                return
            if any(pool.open_count and not pool.is_shutdown for pool in session.get_pools()):
                self._lost_since = None
            elif self._lost_since is None:
                self._lost_since = now
            elif now - self._lost_since > _HOPELESS_SECONDS:
                self._session = self._connecting = self._lost_since = None
                self._prepared.clear()
                self._pool.submit(session.cluster.shutdown)

    async def _bound(self, session: Any, statement: Statement, call: Call, place: str) -> Any:
        prepared = self._prepared.get(statement.text)
        if prepared is None:
            prepared = await self._prepare(session, statement.text, call, place)
        bound = BoundStatement(prepared)
        bound.values = bound.raw_values = list(statement.values)
        return bound

    async def _prepare(self, session: Any, text: str, call: Call, place: str) -> Any:
        preparing: Future[Any] | None = None
        try:
            with self._lock:
                preparing = self._preparing.get(text)
                if preparing is None:
                    preparing = self._submitted(session.prepare, text)
                    self._preparing[text] = preparing
            prepared = await self.waiter.wait(_handed_on(preparing))
        except Exception as error:
            if isinstance(error, NoHostAvailable):
                self._without_hosts(session)
            # Nothing of a write is sent before it is prepared.
            raise storage_error(error, Call.PREPARE, place) from error
        finally:
            with self._lock:
                if preparing is not None and self._preparing.get(text) is preparing:
                    del self._preparing[text]
        with self._lock:
            self._prepared[text] = prepared
            if len(self._prepared) > _MOST_PREPARED:
                del self._prepared[next(iter(self._prepared))]
        return prepared

    async def _answer(
        self, session: Any, statement: Any, call: Call, place: str, **options: Any
    ) -> Answer:
        reply = self._sent(session, statement, call, place, **options)
        return await self._reply(session, reply, call, place)

    def _sent(self, session: Any, statement: Any, call: Call, place: str, **options: Any) -> Reply:
        try:
            return Reply(session.execute_async(statement, **options))
        except Exception as error:
            raise self._explained(session, error, call, place) from error

    async def _reply(self, session: Any, reply: Reply, call: Call, place: str) -> Answer:
        try:
            answer: Answer = await self.waiter.wait(reply)
        except Exception as error:
            raise self._explained(session, error, call, place) from error
        self._lost_since = None
        return answer

    def _explained(self, session: Any, error: Exception, call: Call, place: str) -> Exception:
        if isinstance(error, NoHostAvailable):
            self._without_hosts(session)
        return storage_error(error, call, place)


def _up(cluster: Any) -> list[Any]:
    return [host for host in cluster.metadata.all_hosts() if host.is_up is not False]


def asked_hosts(cluster: Any) -> list[Any]:
    """The nodes that are up, but for those of other data centers, which are never asked."""
    distance = cluster.profile_manager.distance
    return [host for host in _up(cluster) if distance(host) != HostDistance.IGNORED]


def _failed_again(error: Exception, former: _Failed | None) -> _Failed:
    """Each pause is twice as long as the one before: opening a cluster costs threads and logs."""
    first, longest = RECONNECT_SECONDS
    pause = first if former is None else min(2 * former.pause, longest)
    return _Failed(error, pause, time.monotonic() + pause)


def _handed_on(shared: Future[Any]) -> Future[Any]:
    """A future of one's own to wait for: cancelling it does not concern the others who wait."""
    own: Future[Any] = Future()
    own.set_running_or_notify_cancel()

    def hand_on(done: Future[Any]) -> None:
        # Only whoever closes the session cancels what it has not begun.
        error = SessionClosed("the storage is closed") if done.cancelled() else done.exception()
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
        failed = done.cancelled() or done.exception() is not None
        own.set_result((None if failed else done.result(),))

    shared.add_done_callback(settle)
    return own

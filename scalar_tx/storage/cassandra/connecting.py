"""How is a cluster reached, and what does the driver do of its own accord?

Nothing: no request is sent twice, unless it is a read that its host could not answer. A conditional
write which had landed would be refused by itself.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import SettingsError
from scalar_tx.storage.cassandra.event_loop import connection_class
from scalar_tx.storage.cassandra.settings import PREFIX, TLS_CA

_CONNECTION_CLASS: Final = connection_class()

from cassandra import ConsistencyLevel, ProtocolVersion  # noqa: E402  # the event loop is chosen first
from cassandra.auth import PlainTextAuthProvider  # noqa: E402
from cassandra.cluster import (  # noqa: E402
    EXEC_PROFILE_DEFAULT,
    Cluster,
    ExecutionProfile,
    NoHostAvailable,
)
from cassandra.policies import (  # noqa: E402
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    NoSpeculativeExecutionPolicy,
    RetryPolicy,
    TokenAwarePolicy,
)

from scalar_tx.storage.cassandra.wire import Wire, as_read  # noqa: E402

if TYPE_CHECKING:
    from scalar_tx.storage.cassandra.settings import CassandraSettings

CONNECT_SECONDS: Final = 5.0
# Between attempts: the first and the longest pause.
RECONNECT_SECONDS: Final = (0.25, 4.0)
# A connection on which nothing came for so long is asked for a sign of life, and has as long again.
_HEARTBEAT_SECONDS: Final = 10


class NoSuchDataCenter(Exception):
    """No node is in the data center that the settings name."""


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


def tls_context(settings: CassandraSettings) -> ssl.SSLContext | None:
    """What TLS needs; None without TLS. SettingsError: the authorities can't be read."""
    if not settings.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca)
    except OSError as error:  # SSLError is one
        raise SettingsError(
            f"the authorities in {settings.tls_ca} can't be read: {error}",
            advice=f"Let {PREFIX}{TLS_CA} name a PEM file with the certificate of the authority "
            "that signed the nodes'",
        ) from error
    # The driver connects by address; a certificate names hosts, and not every cluster's does.
    context.check_hostname = False
    return context


def open_session(settings: CassandraSettings, tls: ssl.SSLContext | None) -> Any:
    """Connect, which blocks; the driver's own errors are raised, and NoSuchDataCenter."""
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(
            DCAwareRoundRobinPolicy(settings.local_data_center or "")
        ),
        retry_policy=OnceOnly(),
        consistency_level=ConsistencyLevel.QUORUM,
        serial_consistency_level=ConsistencyLevel.SERIAL,
        request_timeout=settings.request_timeout,
        row_factory=as_read,
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
        ssl_context=tls,
        connection_class=_CONNECTION_CLASS,
        connect_timeout=CONNECT_SECONDS,
        control_connection_timeout=CONNECT_SECONDS,
        # However long a node is away: by itself the driver gives up after some minutes.
        reconnection_policy=ExponentialReconnectionPolicy(*RECONNECT_SECONDS, max_attempts=None),
        idle_heartbeat_interval=_HEARTBEAT_SECONDS,
        idle_heartbeat_timeout=_HEARTBEAT_SECONDS,
        # A node that hangs would hold up every new statement; the others learn it when asked.
        prepare_on_all_hosts=False,
    )
    try:
        session = cluster.connect()
    except NoHostAvailable as error:
        centers = {str(host.datacenter) for host in cluster.metadata.all_hosts()}
        cluster.shutdown()
        if settings.local_data_center is None or isinstance(error.errors, dict):
            raise
        # With a list of nodes instead of their errors, the policy has left all of them out.
        raise NoSuchDataCenter(
            f"no node is in the data center {settings.local_data_center}, but in "
            f"{', '.join(sorted(centers))}"
        ) from error
    except BaseException:
        cluster.shutdown()
        raise
    session.client_protocol_handler = Wire
    # Preparing takes its time-out from here; the public setter is for clusters without profiles.
    session._default_timeout = settings.request_timeout  # noqa: SLF001
    # The nodes' own times, as conditional writes have them: a client whose clock is behind
    # would otherwise write into the past, where nothing of it is seen.
    session.use_client_timestamp = False
    return session

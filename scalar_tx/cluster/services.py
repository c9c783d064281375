"""Which gRPC services does a worker offer?

A further one is a function that takes a ``Host`` and returns handlers: named here, or in
``scalar.db.node.services`` (``offered_services``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.console.calls import ConsoleCalls
from scalar_tx.cluster.database import Database
from scalar_tx.cluster.node_server.access import OpenAccess, TokenAccess
from scalar_tx.cluster.node_server.security import SecurityCalls
from scalar_tx.cluster.node_server.services import handlers as own_handlers
from scalar_tx.cluster.node_server.worker_parts import CallLimits, WorkerParts
from scalar_tx.cluster.offered_services import offered
from scalar_tx.cluster.scalardb_server.services import handlers as java_handlers
from scalar_tx.observe.scalardb_stats import ServerCalls

if TYPE_CHECKING:
    import grpc

    from scalar_tx.cluster.host import Host


def handlers(host: Host) -> list[grpc.GenericRpcHandler]:
    """What is offered on the node's port. SettingsError: a service that is named is not there."""
    offers = (_own, *map(offered, host.node.services))
    return [host.health.services(), *(one for offer in offers for one in offer(host))]


def scalardb_handlers(host: Host) -> list[grpc.GenericRpcHandler]:
    """What is offered on the port of the open protocol (ScalarDB Server's protocol 3)."""
    services = java_handlers(
        host.manager,
        host.gate,
        host.sessions,
        host.pause,
        ended=host.metrics.count_end,
        elements=host.limits.elements,
        turns=host.turns,
        counts=ServerCalls(),
        # Who had something granted there has nothing on a later one of its name.
        dropped=None if host.users is None else host.users.principals.grants.forget_place,
    )
    return [host.health.services(any_name=True), *services]


def console_calls(host: Host) -> ConsoleCalls:
    """What answers the supervisor, which serves the console."""
    return ConsoleCalls(
        Database(host.manager),
        OpenAccess(host.settings) if host.users is None else TokenAccess(host.users.authenticator),
        host.gate,
        host.sessions,
        None if host.users is None else host.users.authenticator,
    )


def _own(host: Host) -> list[grpc.GenericRpcHandler]:
    """Our own protocol."""
    users, limits = host.users, host.limits
    database = Database(host.manager)
    worker = WorkerParts(
        database,
        OpenAccess(host.settings) if users is None else TokenAccess(users.authenticator),
        host.gate,
        host.sessions,
        CallLimits(
            elements=limits.elements,
            stream_messages=limits.stream_messages,
            page_records=limits.scan_page,
        ),
        host.identity,
        principals=None if users is None else users.principals,
        security=None if users is None else SecurityCalls(users.authenticator, users.principals),
        ended=host.metrics.count_end,
        ran=host.metrics.count_run,
        held=host.held,
        turns=host.turns,
    )
    return own_handlers(worker)

"""How does a gRPC server open a port that it shares with nobody, until its owner ends?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.listening import address, cannot_listen, insist_on_free, resolved

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    import grpc

_GRACE_SECONDS: Final = 1


async def begin_serving(
    stack: AsyncExitStack,
    server: grpc.aio.Server,
    host: str,
    port: int,
    credentials: grpc.ServerCredentials | None = None,
) -> int:
    """Serve until the stack ends; the port is the one that was really taken.

    ``credentials`` None: without TLS. SettingsError: the host has no address here, or somebody
    listens there.
    """
    host = resolved(host)
    where = address(host, port)
    insist_on_free(host, port)
    try:
        if credentials is None:
            taken = server.add_insecure_port(where)
        else:
            taken = server.add_secure_port(where, credentials)
    except RuntimeError as error:
        raise cannot_listen(host, port, OSError(str(error))) from error
    await server.start()
    stack.push_async_callback(server.stop, _GRACE_SECONDS)
    return taken

"""How does a call end by an error, whatever its client does not read?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc

from scalar_tx.cluster.intake import taken
from scalar_tx.cluster.messages.values import MalformedError

if TYPE_CHECKING:
    from collections.abc import Sequence


async def cut_off(
    context: Any,
    code: grpc.StatusCode,
    text: str,
    trailers: Sequence[tuple[str, str | bytes]] = (),
) -> None:
    """End a call by that status; whoever serves it has nothing to do but return.

    Where not even the first answer was read gRPC can't send one: the call is left alone then, and
    goes with its connection.
    """
    try:
        await context.abort(code, text, tuple(trailers))
    except grpc.aio.AbortError as end:
        # gRPC keeps it, and raises it again. By the frames that it came through it would keep the
        # request, of megabytes perhaps, until Python's collector looks.
        end.__traceback__ = end.__context__ = None
    except grpc.aio.InternalError as error:
        raise asyncio.CancelledError from error


async def understood(request: Any, context: Any) -> bool:
    """Is what came a request? Else its call is ended: whoever serves it has nothing but to return.

    Left to gRPC, each would be a trace in the log.
    """
    try:
        taken(request)
    except MalformedError as error:
        text = f"the request is malformed: {error}"
        await cut_off(context, grpc.StatusCode.INVALID_ARGUMENT, text)
        return False
    return True

"""How does a call end by an error, whatever its client does not read?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Never

import grpc

if TYPE_CHECKING:
    from collections.abc import Sequence


async def cut_off(
    context: Any,
    code: grpc.StatusCode,
    text: str,
    trailers: Sequence[tuple[str, str | bytes]] = (),
) -> Never:
    """End a call by that status.

    Where not even the first answer was read gRPC can't send one: the call is left alone then, and
    goes with its connection.
    """
    try:
        await context.abort(code, text, tuple(trailers))
    except grpc.aio.AbortError:
        raise
    except grpc.aio.InternalError as error:
        raise asyncio.CancelledError from error
    raise AssertionError  # abort has raised

"""What does gRPC take by itself? A server that does nothing, with as many workers as a node.

``python -m bench.node.echo WORKERS`` says its port. Each request says in its first four bytes how
long its answer is to be: what is sent is as long as what a node and its clients send.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, Final

import grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SERVICE: Final = "bench.Echo"
CALL: Final = f"/{SERVICE}/Call"
STREAM: Final = f"/{SERVICE}/Stream"
WHO: Final = f"/{SERVICE}/Who"
_HEAD: Final = 4  # bytes


def request(size: int, answer: int) -> bytes:
    """A request of a size that wants an answer of another."""
    return answer.to_bytes(_HEAD, "big") + bytes(max(0, size - _HEAD))


def answer_to(asked: bytes) -> bytes:
    """As long as was asked."""
    return bytes(int.from_bytes(asked[:_HEAD], "big"))


async def _call(asked: bytes, _: Any) -> bytes:  # gRPC awaits it
    return answer_to(asked)


async def _who(_asked: bytes, _: Any) -> bytes:  # gRPC awaits it
    return f"{os.getpid()}".encode()


async def _stream(requests: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
    async for asked in requests:
        yield answer_to(asked)


async def _serve(port: int) -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 1)])
    methods: Any = {
        "Call": grpc.unary_unary_rpc_method_handler(_call),
        "Who": grpc.unary_unary_rpc_method_handler(_who),
        "Stream": grpc.stream_stream_rpc_method_handler(_stream),
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, methods)])
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    print(port, flush=True)
    await ended.wait()
    await server.stop(None)


async def _supervise(workers: int) -> None:
    """Start the workers on one port, say it, and end them with this process."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))  # never listens: it keeps the port for the workers
        port = held.getsockname()[1]
        started = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bench.node.echo", "worker", f"{port}"),
                stdout=asyncio.subprocess.PIPE,
            )
            for _ in range(workers)
        ]
        try:
            for one in started:
                assert one.stdout is not None
                if not await one.stdout.readline():
                    raise RuntimeError("a worker ended early; its error stands above")
            ended = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
            print(port, flush=True)
            await ended.wait()
        finally:
            for one in started:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one.pid, signal.SIGTERM)
                await one.wait()


def main(arguments: list[str]) -> None:
    """The supervisor, or one worker."""
    match arguments:
        case ["worker", port]:
            asyncio.run(_serve(int(port)))
        case [workers]:
            asyncio.run(_supervise(int(workers)))


if __name__ == "__main__":
    main(sys.argv[1:])

"""Servers for a person, as ``make servers`` starts them: they serve until ctrl-C.

python -m tests.servers cassandra:3 dynamodb
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.servers import Cluster, ServerMissingError, cassandra, redis
from tests.servers.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

USUAL = ["cassandra", "dynamodb", "postgresql", "mysql"]
SEVERAL: dict[str, Callable[[int], AbstractContextManager[Cluster]]] = {
    "cassandra": cassandra,
    "redis": redis,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.servers")
    parser.add_argument(
        "servers",
        nargs="*",
        type=wanted,
        default=[wanted(kind) for kind in USUAL],
        metavar="SERVER[:NODES]",
        help=f"{', '.join(KINDS)}; default: {' '.join(USUAL)}",
    )
    # A closed terminal and a plain kill end the servers as ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with ExitStack() as running:
        try:
            for kind, nodes in parser.parse_args().servers:
                began = time.monotonic()
                cluster = running.enter_context(started(kind, nodes))
                show(cluster, time.monotonic() - began)
            print("# They serve until ctrl-C; then their data go too.", flush=True)
            signal.pause()
        except ServerMissingError as missing:
            sys.exit(str(missing))
        except KeyboardInterrupt:
            print("\n# Stopping.", flush=True)


def wanted(argument: str) -> tuple[str, int | None]:
    """A server and its number of nodes, from ``cassandra:3``."""
    kind, colon, nodes = argument.partition(":")
    if kind not in KINDS:
        raise argparse.ArgumentTypeError(f"there is no {kind!r}: take {', '.join(KINDS)}")
    if not colon:
        return kind, None
    if kind not in SEVERAL or nodes not in {"1", "2", "3"}:
        raise argparse.ArgumentTypeError(
            f"{argument!r}: {' and '.join(SEVERAL)} have 1 to 3 nodes, the others one"
        )
    return kind, int(nodes)


def started(kind: str, nodes: int | None) -> AbstractContextManager[Cluster]:
    """A server, not yet running."""
    return KINDS[kind]() if nodes is None else SEVERAL[kind](nodes)


def show(cluster: Cluster, seconds: float) -> None:
    """A properties file, ready to be copied."""
    print(f"# {cluster.kind}: {', '.join(cluster.endpoints)}, after {seconds:.1f} s")
    for node in cluster.nodes:
        print(f"# process {node.pid}, log {node.log}")
    for key, value in cluster.properties().items():
        print(f"{key}={value}")
    print(flush=True)


if __name__ == "__main__":
    main()

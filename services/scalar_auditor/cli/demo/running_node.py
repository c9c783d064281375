"""How does the tour come by a node with the five services?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from scalar_auditor.services import NAMES
from scalar_tx.errors import StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_GROUP: Final = "scalar_tx.node_services"
_END_SECONDS: Final = 20


def services_named() -> str:
    """The services, as ``scalar-tx node --services`` is to be told of them here."""
    known = {one.name for one in entry_points(group=_GROUP)}
    # In a checkout that is on the path and not installed, nobody has declared their names.
    prefix = "" if known >= set(NAMES) else "scalar_auditor.services:"
    return ",".join(f"{prefix}{name}" for name in NAMES)


@contextmanager
def running_node(folder: Path, target: str, environment: Mapping[str, str]) -> Iterator[str]:
    """A node over a target, until the block ends; yields where it is called.

    StorageUnavailableError: it did not begin to serve; its log is in the folder.
    """
    command = [sys.executable, "-m", "scalar_tx", "node", "--config", target]
    command += ["--services", services_named(), "--workers", "1", "--json"]
    command += ["--port", "0", "--admin-port", "0", "--http-port", "-1"]
    command += ["--decommission", "0", "--drain", "5"]
    log = folder / "node.log"
    with log.open("w", encoding="utf-8") as errors:
        node = subprocess.Popen(  # noqa: S603  # nothing in it is from outside
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield f"grpc://127.0.0.1:{_port(node, log)}"
        finally:
            _end(node)


def _port(node: subprocess.Popen[str], log: Path) -> int:
    assert node.stdout is not None  # noqa: S101  # it was asked for
    for line in node.stdout:
        found = json.loads(line)
        if found.get("event") == "listening":
            return int(found["port"])
    raise StorageUnavailableError(
        "the node has ended before it served", advice=f"Its log says why: {log}"
    )


def _end(node: subprocess.Popen[str]) -> None:
    node.send_signal(signal.SIGTERM)
    try:
        node.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        node.kill()
        node.wait()
    if node.stdout is not None:
        node.stdout.close()

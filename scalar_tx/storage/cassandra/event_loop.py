"""On which event loop does the driver read its sockets?

On libev where the driver's wheel has it; it has on Linux and macOS, for Python 3.11 to 3.13. Else
on a thread with an asyncio loop of its own. The driver by itself falls back to asyncore instead,
which Python 3.12 no longer has, and can then not even be imported; the asyncio class is put in its
place beforehand.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import cassandra

from scalar_tx.storage.cassandra.lines import with_deadlines, writing_at_once

_FALLBACK = "cassandra.io.asyncorereactor"
_WRITTEN_FOR = "3.30."  # the driver's release that ``lines`` knows from within


def connection_class() -> Any:
    """The driver's class of connections; call it before ``cassandra.cluster`` is imported."""
    found = libev_class()
    if found is not None:
        # Another release may keep what it sends elsewhere; it then writes as it always does.
        known = cassandra.__version__.startswith(_WRITTEN_FOR)
        return with_deadlines(writing_at_once(found) if known else found)
    chosen = asyncio_class()
    if _FALLBACK not in sys.modules:
        module = ModuleType(_FALLBACK)
        module.AsyncoreConnection = chosen  # type: ignore[attr-defined]  # a module made here
        sys.modules[_FALLBACK] = module
    return with_deadlines(chosen)


def libev_class() -> Any:
    """Connections on libev, or None where the driver was built without it."""
    from cassandra import DependencyException

    try:
        from cassandra.io.libevreactor import LibevConnection
    except (DependencyException, ImportError):
        return None
    return LibevConnection


def asyncio_class() -> Any:
    """Connections on an asyncio loop in a thread of its own."""
    from cassandra.io.asyncioreactor import AsyncioConnection

    return AsyncioConnection

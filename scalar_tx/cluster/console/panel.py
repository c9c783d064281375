"""What does the server know of a panel, and where does it find them all?

A panel that shows metrics alone is one file, ``page/panels/25-name.js``, and nothing here. One that
asks has a file in ``panels`` too, whose ``PANEL`` tells what the supervisor serves for it and which
calls a worker answers. Nothing else names a panel.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.console import panels

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from scalar_tx.cluster.console.asked import Asked
    from scalar_tx.cluster.control import Data
    from scalar_tx.cluster.database import Database
    from scalar_tx.cluster.gate import Gate
    from scalar_tx.cluster.node_server.access import Caller
    from scalar_tx.cluster.sessions import Sessions

    Serve = Callable[[Asked], Awaitable[Data]]
    Call = Callable[[Data, Caller], Awaitable[Data]]


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What calls stand on in a worker."""

    database: Database
    gate: Gate
    sessions: Sessions


def _no_calls(_: WorkerParts) -> Mapping[str, Call]:
    return {}


@dataclass(frozen=True, slots=True)
class Panel:
    """The server's side of a panel.

    ``reads``, ``writes``: what the supervisor serves, as GET and POST of ``/console/api/<name>``.
    They may raise AnswerError. ``calls``: what a worker answers, by name, made once in each. The
    caller is known, and each call sees for itself what they may do; any ScalarTxError is told.
    """

    reads: Mapping[str, Serve] = field(default_factory=dict)
    writes: Mapping[str, Serve] = field(default_factory=dict)
    calls: Callable[[WorkerParts], Mapping[str, Call]] = _no_calls


def all_panels() -> list[Panel]:
    """Those of the files in ``panels``. TypeError: one of them holds none."""
    found = []
    for one in sorted(pkgutil.iter_modules(panels.__path__), key=lambda one: one.name):
        module = importlib.import_module(f"{panels.__name__}.{one.name}")
        panel = getattr(module, "PANEL", None)
        if not isinstance(panel, Panel):
            raise TypeError(f"{module.__file__} has no PANEL: make it a Panel of {__name__}")
        found.append(panel)
    return found


def joined(parts: Iterable[Mapping[str, Any]], known: Iterable[str] = ()) -> dict[str, Any]:
    """All of them in one. ValueError: two have the same name, or one has a name of ``known``."""
    whole: dict[str, Any] = {}
    taken = set(known)
    for part in parts:
        twice = sorted(taken & part.keys())
        if twice:
            raise ValueError(
                f"a panel of the console and another part both call something {twice[0]}: rename it"
            )
        whole |= part
        taken |= part.keys()
    return whole

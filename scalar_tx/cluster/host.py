"""What does a service of a worker find around it?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from scalar_tx.cluster.node_server.held import Held
from scalar_tx.cluster.node_server.worker_parts import Identity
from scalar_tx.cluster.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from pathlib import Path

    from scalar_tx.cluster.gate import Gate
    from scalar_tx.cluster.health import Health
    from scalar_tx.cluster.limits import Limits
    from scalar_tx.cluster.node_pause import NodePause
    from scalar_tx.cluster.node_sessions import NodeSessions
    from scalar_tx.cluster.node_users import NodeUsers
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.observe.metrics import Metrics
    from scalar_tx.settings import NodeSettings, Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Host:
    """One worker of a node, as its services see it. ``slot`` is its number, from 0.

    ``folder`` is one that all workers of the node have, and that ends with it; None: there are no
    others. ``at_end`` holds what is awaited when the worker ends, ``beside`` what it runs as long
    as it serves.
    """

    settings: Settings
    slot: int
    manager: AsyncTransactionManager
    gate: Gate
    sessions: NodeSessions
    health: Health
    metrics: Metrics
    pause: NodePause
    users: NodeUsers | None = None  # where callers have to log in
    identity: Identity = field(default_factory=Identity)
    held: Held = field(default_factory=Held)
    turns: Turns = field(default_factory=Turns)  # of all listeners at what is large
    folder: Path | None = None
    at_end: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    beside: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)
    _kept: dict[object, Any] = field(default_factory=dict)

    def kept(self, make: Callable[[Host], T]) -> T:
        """What several services of this worker share: made by the first that asks for it."""
        if make not in self._kept:
            self._kept[make] = make(self)
        return cast("T", self._kept[make])

    @property
    def node(self) -> NodeSettings:
        """How the node is set up."""
        return self.settings.node

    @property
    def limits(self) -> Limits:
        """What the node allows."""
        return self.settings.node.limits

"""What does a service of a worker find around it?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scalar_tx.cluster.node_server.held import Held
from scalar_tx.cluster.node_server.worker_parts import Identity
from scalar_tx.cluster.turns import Turns

if TYPE_CHECKING:
    from scalar_tx.cluster.gate import Gate
    from scalar_tx.cluster.health import Health
    from scalar_tx.cluster.limits import Limits
    from scalar_tx.cluster.node_pause import NodePause
    from scalar_tx.cluster.node_sessions import NodeSessions
    from scalar_tx.cluster.node_users import NodeUsers
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.observe.metrics import Metrics
    from scalar_tx.settings import NodeSettings, Settings


@dataclass(frozen=True, slots=True)
class Host:
    """One worker of a node, as its services see it. ``slot`` is its number, from 0."""

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

    @property
    def node(self) -> NodeSettings:
        """How the node is set up."""
        return self.settings.node

    @property
    def limits(self) -> Limits:
        """What the node allows."""
        return self.settings.node.limits

"""What do the calls of one worker share?"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.node_server.held import Held
from scalar_tx.cluster.turns import Turns
from scalar_tx.errors import InvalidOperationError
from scalar_tx.observe.carried import tell_end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scalar_tx.cluster.auth.principals import Principals
    from scalar_tx.cluster.database import Database
    from scalar_tx.cluster.gate import Gate
    from scalar_tx.cluster.node_server.access import Access, Caller
    from scalar_tx.cluster.node_server.security import SecurityCalls
    from scalar_tx.cluster.sessions import Expiry, Session, Sessions


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What one call, or one transaction, may ask for at most."""

    elements: int = 10_000  # operations of a batch
    marks: int = 1000  # places that a transaction's writes can be taken back to
    scanners: int = 100  # open in one transaction
    stream_messages: int = 100_000
    page_records: int = 1000
    page_bytes: int = 1024 * 1024
    script_steps: int = 1000
    script_seconds: float = 30.0  # for all attempts of one script


@dataclass(frozen=True, slots=True)
class Identity:
    """Which worker of which node answers."""

    node: str = ""
    worker: int = 0
    workers: int = 1


@dataclass(slots=True)
class WorkerParts:
    """One worker's databases, who may use them, and what is open."""

    database: Database
    access: Access
    gate: Gate
    sessions: Sessions
    limits: CallLimits = field(default_factory=CallLimits)
    identity: Identity = field(default_factory=Identity)
    principals: Principals | None = None  # where callers log in
    security: SecurityCalls | None = None
    ended: Callable[..., None] | None = None  # told of each end, as ``Metrics.count_end`` is
    ran: Callable[[str, int], None] | None = None  # told of each script, as ``count_run`` is
    held: Held = field(default_factory=Held)
    turns: Turns = field(default_factory=Turns)
    _ids: set[str] = field(default_factory=set)

    def count(
        self,
        steps: Any,
        began: float,
        *,
        own_rollback: bool = False,
        joined: bool = False,
        error: Exception | None = None,
    ) -> None:
        """Count a transaction that has ended and began at that time of the monotonic clock.

        ``joined``: a part, which is counted with the one that it joined. ``error``: what its caller
        was told, if that may be why it was not committed.
        """
        tell_end(steps.outcome, steps.id_if_known, error)
        if self.ended is not None and not joined:
            self.ended(steps.outcome, time.monotonic() - began, own_rollback=own_rollback)

    @contextmanager
    def opened(
        self, tx_id: str, caller: Caller, expire: Callable[[Expiry], None], *, joined: bool = False
    ) -> Iterator[Session]:
        """Count one more open transaction while a ``with`` block runs it.

        ``joined``: a part of one that was begun elsewhere, or here. InvalidOperationError: an open
        one has that id. TooManyOpenError: a limit is met.
        """
        if not joined and tx_id in self._ids:
            raise InvalidOperationError(
                f"a transaction with the id {tx_id!r} is open already",
                advice="Give each transaction an id of its own",
                transaction_id=tx_id,
                code="STX-3043",
            )
        session = self.sessions.open(tx_id, caller.counted_as, expire)
        if not joined:
            self._ids.add(tx_id)
        try:
            yield session
        finally:
            if not joined:
                self._ids.discard(tx_id)
            session.close()

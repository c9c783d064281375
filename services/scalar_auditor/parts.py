"""What do the services of one worker share?"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from scalar_auditor.keys import KeyRing
from scalar_auditor.metrics import ServiceMetrics
from scalar_auditor.paging import Pages
from scalar_tx.cluster.service_transactions import ServiceTransactions
from scalar_tx.model.isolation import Isolation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_auditor.permissions import Caller
    from scalar_tx.cluster.gate import Gate
    from scalar_tx.cluster.host import Host

T = TypeVar("T")

KEYS_FILE: Final = "SCALAR_AUDITOR_KEYS_FILE"  # the variable that names it
_USUAL_KEYS_FILE: Final = "scalar_auditor_keys.json"
_PATIENCE: Final = 60.0  # seconds that a stream waits for the end of a pause


def wall_clock_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Access(Protocol):
    """Finds out who calls."""

    async def caller(self, authorization: str, peer: str) -> Caller:
        """Who sent a call with that header; nobody, where there is none.

        UnauthenticatedError: the header bears a token that is no good.
        """
        ...


@dataclass(frozen=True, slots=True)
class Auditor:
    """What every service of a worker stands on. ``now_ms``: the wall clock.

    ``elements``: how many a message may have (the node's limit).
    """

    transactions: ServiceTransactions
    gate: Gate
    keys: KeyRing
    pages: Pages
    metrics: ServiceMetrics
    access: Access
    elements: int = 10_000
    now_ms: Callable[[], int] = wall_clock_ms

    async def change(self, caller: Caller, work: Callable[..., Awaitable[T]], *args: Any) -> T:
        """``work(tx, *args)`` as one serializable transaction, run again on conflict."""
        owner = caller.counted_as
        return await self.transactions.run(owner, work, *args, isolation=Isolation.SERIALIZABLE)

    async def read(self, caller: Caller, work: Callable[..., Awaitable[T]], *args: Any) -> T:
        """``work(tx, *args)``, which writes nothing, serializable."""
        owner = caller.counted_as
        return await self.transactions.run(
            owner, work, *args, isolation=Isolation.SERIALIZABLE, read_only=True
        )

    async def listed(self, caller: Caller, work: Callable[..., Awaitable[T]], *args: Any) -> T:
        """``work(tx, *args)`` for a list: read-only at SNAPSHOT (Services specification 3).

        What an outside auditor looks at is logged, and goes through ``change`` instead.
        """
        owner = caller.counted_as
        return await self.transactions.run(
            owner, work, *args, isolation=Isolation.SNAPSHOT, read_only=True
        )

    async def step(
        self, how: Callable[..., Awaitable[T]], caller: Caller, work: Callable[..., Any], *args: Any
    ) -> T:
        """One transaction of a stream: ``how`` is ``change``, ``read`` or ``listed``.

        While the node is paused it waits, for a minute at most: GateClosedError.
        """
        with await self.gate.admit_later(_PATIENCE):
            return await how(caller, work, *args)


def auditor_of(host: Host) -> Auditor:
    """The parts of a worker, made once. SettingsError: there are no keys."""
    from scalar_auditor.identity.serving import identity_of

    keys = keys_of_environment()
    transactions = ServiceTransactions(host.manager, host.sessions, host.metrics)
    metrics = ServiceMetrics()
    return Auditor(
        transactions=transactions,
        gate=host.gate,
        keys=keys,
        pages=Pages(keys),
        metrics=metrics,
        access=host.kept(identity_of).access,
        elements=host.limits.elements,
    )


def keys_of_environment() -> KeyRing:
    """The keys of the file that ``SCALAR_AUDITOR_KEYS_FILE`` names. SettingsError, STX-5301."""
    return KeyRing.read(Path(os.environ.get(KEYS_FILE) or _USUAL_KEYS_FILE))

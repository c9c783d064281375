"""What do the services of one listener share?"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from scalar_tx.cluster.gate import Gate
    from scalar_tx.cluster.scalardb_server.administration import Dropped
    from scalar_tx.cluster.scalardb_server.tables_by_name import TablesByName
    from scalar_tx.cluster.sessions import Sessions
    from scalar_tx.model.state import TransactionState
    from scalar_tx.observe.scalardb_stats import ServerCalls

LARGEST_ANSWER: Final = 4 * 1024 * 1024  # bytes; what clients accept unless they are told otherwise
ELEMENTS: Final = 10_000  # operations of one request, unless a node's settings say otherwise


class Ended(Protocol):
    """Is told of each transaction once, when it has ended."""

    def __call__(
        self, outcome: TransactionState | None, seconds: float, *, own_rollback: bool = False
    ) -> None:
        """``seconds`` from its beginning on; ``own_rollback``: its client rolled it back."""
        ...


@dataclass(frozen=True, slots=True)
class Host:
    """The parts of a worker that serve clients of ScalarDB Server.

    ``largest_answer``: how many bytes a message may have that a client is sent. ``ended`` counts
    transactions, ``calls`` calls. ``dropped`` is told the name of each table and namespace that is.
    """

    database: TablesByName
    gate: Gate
    sessions: Sessions
    largest_answer: int = LARGEST_ANSWER
    ended: Ended | None = None
    calls: ServerCalls | None = None
    dropped: Dropped | None = None

    def counted(self, service: str, method: str) -> AbstractContextManager[None]:
        """Count a call, by its names at ScalarDB Server (15), while it runs."""
        return nullcontext() if self.calls is None else self.calls.counted(service, method)

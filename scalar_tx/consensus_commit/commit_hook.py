"""Who wants to know of a commit before it is decided?

A hook is called once for each committing transaction that wrote something, after its records were
prepared and its reads validated, before the decision. It may hand back mutations that are applied
in the same atomic write as the decision, and something to await before it. An exception of a hook
aborts the transaction.

A transaction of several parts (the two-phase interface) decides once although each part asks for
the decision: only the mutations of the part that asked first are applied. What each part has to
leave behind goes with its own prepare instead, by a prepare hook.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from scalar_tx.model.isolation import Isolation
    from scalar_tx.model.types import Value
    from scalar_tx.storage.interface import StorageMutation


@dataclass(frozen=True, slots=True)
class CommittedWrite:
    """One record of a commit."""

    table: str
    key: Mapping[str, Value]
    replaced_tx_id: str | None  # the writer of the image this one replaces; None: none, or imported
    version: int
    after: Mapping[str, Value] | None  # the columns written; None: the record is removed


@dataclass(frozen=True, slots=True)
class CommitEvent:
    """What is about to be decided."""

    transaction_id: str
    epoch: int | None
    isolation: Isolation
    writes: tuple[CommittedWrite, ...]  # those of this part
    parts: int | None = 1  # how many parts the transaction has; None: nobody has told yet


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What a hook wants done: with the decision, in one atomic write; and waited for before it."""

    mutations: tuple[StorageMutation, ...] = ()
    before_decision: Callable[[], Awaitable[None]] | None = None


class CommitHook(Protocol):
    """Something to call before each commit is decided."""

    async def __call__(self, event: CommitEvent) -> HookAnswer | None:
        """Look at the commit; None: nothing wanted."""
        ...


class PrepareHook(Protocol):
    """Something to call before a part of a two-phase transaction prepares its records."""

    async def __call__(self, event: CommitEvent) -> Sequence[StorageMutation]:
        """Mutations to write with the part's prepare; they stay, whatever is decided."""
        ...

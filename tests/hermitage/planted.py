"""Which mistakes in the protocol bring which anomaly back?

Each makes some forbidden anomaly possible; the search must reach it. Together they reach every one.
"""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from unittest.mock import patch

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.read import Reader
from scalar_tx.consensus_commit.recover import Recovery, Resolved
from scalar_tx.consensus_commit.validate import Validation
from scalar_tx.model.isolation import Isolation
from tests.hermitage.operations import Session
from tests.hermitage.stepping import NOW_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import Write

# What is replaced: where, which attribute, by what.
Patches: TypeAlias = "list[tuple[object, str, Any]]"


def _no_compare_and_set() -> Patches:
    right = record.prepare

    def prepare(*args: Any, **kwargs: Any) -> Write:
        return dataclasses.replace(right(*args, **kwargs), condition=None)

    return [(record, "prepare", prepare)]


def _no_validation() -> Patches:
    async def run(self: Validation) -> None:
        """Everything is fine."""

    return [(Validation, "run", run)]


def _prepared_is_believed() -> Patches:
    """A reader takes what is prepared for committed."""

    async def resolve(
        self: Recovery, table: TransactionalTable, key: tuple[Value, ...], row: Row
    ) -> Resolved:
        return Resolved(record.after_image(table, row, NOW_MS), rolled_back=False)

    def at_once(
        self: Recovery,
        table: TransactionalTable,
        key: tuple[Value, ...],
        row: Row,
        *,
        settle: bool,
    ) -> Resolved:
        return Resolved(record.after_image(table, row, NOW_MS), rolled_back=False)

    return [(Recovery, "resolve", resolve), (Recovery, "resolve_to_before_image", at_once)]


def _written_at_once() -> Patches:
    """Each write goes to the storage when it is made, and readers believe it."""
    right = Session.set

    async def set_at_once(self: Session, number: int, value: int) -> None:
        await right(self, number, value)
        tx = self.tx
        for write in tx._snapshot.writes.values():
            prepared = record.prepare(
                write.table,
                write.key,
                write.values,
                tx._snapshot.reads[write.record_id],
                tx_id=tx.id,
                at=NOW_MS,
            )
            await tx._context.storage.mutate([prepared])

    return [*_no_compare_and_set(), *_prepared_is_believed(), (Session, "set", set_at_once)]


def _decided_is_not_believed() -> Patches:
    """A reader takes the value before, although the writer is committed; validation is off."""

    async def resolve(
        self: Recovery, table: TransactionalTable, key: tuple[Value, ...], row: Row
    ) -> Resolved:
        return self.resolve_to_before_image(table, key, row, settle=True)

    return [*_no_validation(), (Recovery, "resolve", resolve)]


def _nothing_is_remembered() -> Patches:
    """Each read goes to the storage, at every level; validation is off."""
    right = Reader.__init__

    def init(self: Reader, *args: Any, **kwargs: Any) -> None:
        right(self, *args, **kwargs)
        self.repeatable = False

    return [*_no_validation(), (Reader, "__init__", init)]


def _as_at_read_committed() -> Patches:
    return [*_decided_is_not_believed(), *_nothing_is_remembered()]


_BUGS: Final[Mapping[str, Callable[[], Patches]]] = {
    "no compare-and-set": _no_compare_and_set,
    "no validation": _no_validation,
    "prepared is believed": _prepared_is_believed,
    "written at once": _written_at_once,
    "decided is not believed": _decided_is_not_believed,
    "nothing is remembered": _nothing_is_remembered,
    "all levels read as READ_COMMITTED": _as_at_read_committed,
}

_EVERYWHERE: Final = tuple(Isolation)
_REPEATABLE: Final = (Isolation.SNAPSHOT, Isolation.SERIALIZABLE)
_SERIALIZABLE: Final = (Isolation.SERIALIZABLE,)

# The mistake, the anomalies that come with it, and the levels that forbid them otherwise.
REACHED: Final[tuple[tuple[str, tuple[str, ...], tuple[Isolation, ...]], ...]] = (
    ("no compare-and-set", ("G0", "P4"), _EVERYWHERE),
    ("prepared is believed", ("G1a",), _EVERYWHERE),
    ("written at once", ("G1b", "G1c"), _EVERYWHERE),
    ("decided is not believed", ("OTV",), _REPEATABLE),
    ("nothing is remembered", ("P2",), _REPEATABLE),
    ("all levels read as READ_COMMITTED", ("PMP-write",), _REPEATABLE),
    (
        "no validation",
        (
            "PMP",
            "G-single",
            "G-single-predicate",
            "G-single-write",
            "G2-item",
            "G2",
            "G2-two-edges",
        ),
        _SERIALIZABLE,
    ),
)


@contextmanager
def planted(bug: str) -> Iterator[None]:
    """The protocol with that mistake."""
    with ExitStack() as stack:
        for owner, name, replacement in _BUGS[bug]():
            stack.enter_context(patch.object(owner, name, replacement))
        yield

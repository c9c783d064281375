"""Who wants to know that a transaction began, and how it ended?

An observer looks on. It is called where the transaction runs, so it is quick, waits for no storage
and is called from several threads at once. An exception in it harms no transaction: it is logged,
and that observer is called no more.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from scalar_tx.consensus_commit.snapshot import version_of
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.consensus_commit.snapshot import RecordId, Snapshot, Version
    from scalar_tx.consensus_commit.transaction import TransactionSteps

_log = logging.getLogger("scalar_tx.observer")


class Observer(Protocol):
    """Something to call when a transaction begins and when it has ended."""

    def began(self, transaction: TransactionSteps) -> None:
        """It has read nothing yet."""
        ...

    def ended(self, transaction: TransactionSteps) -> None:
        """Its ``outcome`` is known; called once, for transactions whose beginning was told."""
        ...


@dataclass(frozen=True, slots=True)
class Footprint:
    """Which versions of which records a transaction has read, and which records it writes."""

    reads: list[tuple[RecordId, Version]]  # in order; a version that did not change stands once
    writes: list[tuple[RecordId, bool]]  # False: the record is removed


def footprint(snapshot: Snapshot, outcome: TransactionState | None) -> Footprint:
    """The footprint of a transaction; its ``outcome`` tells what prepare has compared.

    A write that was prepared went over exactly the version that it replaces, so that one counts as
    read, whoever asked for it (Consensus Commit specification 4.2).
    """
    prepared = outcome in (TransactionState.COMMITTED, TransactionState.UNKNOWN)
    # Copies, since a transaction that is still open may be at work in another thread.
    writes = list(snapshot.writes.items())
    reads = list(snapshot.shown or ())
    for record_id, write in writes:
        if prepared or (not write.insert and record_id in snapshot.reads):
            replaced = None if write.insert else snapshot.reads.get(record_id)
            reads.append((record_id, version_of(replaced)))
    return Footprint(
        _without_repetitions(reads), [(key, write.values is not None) for key, write in writes]
    )


def _without_repetitions(reads: list[tuple[RecordId, Version]]) -> list[tuple[RecordId, Version]]:
    latest: dict[RecordId, Version] = {}
    kept: list[tuple[RecordId, Version]] = []
    for record_id, version in reads:
        if record_id not in latest or latest[record_id] != version:
            latest[record_id] = version
            kept.append((record_id, version))
    return kept


def tell_began(observers: list[Observer], transaction: TransactionSteps) -> tuple[Observer, ...]:
    """Tell all observers; return them, so that others are not told of an end alone."""
    told = tuple(observers)
    for observer in told:
        _tell(observers, observer, observer.began, transaction)
    return told


def tell_ended(
    observers: list[Observer], told: tuple[Observer, ...], transaction: TransactionSteps
) -> None:
    """Tell those that know of the beginning and still look on."""
    for observer in told:
        if observer in observers:
            _tell(observers, observer, observer.ended, transaction)


def _tell(
    observers: list[Observer],
    observer: Observer,
    what: Callable[[TransactionSteps], None],
    transaction: TransactionSteps,
) -> None:
    try:
        what(transaction)
    except Exception:  # noqa: BLE001  # whatever it is, the transaction is none of its affairs
        _log.exception("%r failed and is called no more", observer)
        dismiss(observers, observer)


def dismiss(observers: list[Observer], observer: Observer) -> None:
    """Call an observer no more; quiet if it was dismissed before, by whatever thread."""
    with suppress(ValueError):
        observers.remove(observer)

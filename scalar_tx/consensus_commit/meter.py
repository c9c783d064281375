"""Who counts what happens to transactions?

Nobody, unless the program asks for it; then a call costs a glance at an empty tuple. A meter is the
whole process's. It is told where things happen, so it is quick, waits for nothing and is called
from several threads at once. An exception in it harms no transaction: it is logged, and that meter
is told no more.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Concatenate, ParamSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from scalar_tx.model.state import TransactionState

P = ParamSpec("P")
_log = logging.getLogger("scalar_tx.metrics")

_meters: tuple[Meter, ...] = ()
_storages: dict[str, None] = {}


class Meter:
    """What can be counted; each method does nothing until a subclass does something.

    Tables and namespaces that are named exist. No key and no value of a record is ever told.
    """

    def transaction_ended(
        self, outcome: TransactionState | None, seconds: float, *, own_rollback: bool
    ) -> None:
        """A transaction that was begun in this process, by a face or a script, has ended, once.

        ``own_rollback``: its caller rolled it back, and not because it had failed.
        """

    def run_ended(self, outcome: str, retries: int) -> None:
        """A whole run with its retries is over; ``outcome`` is one of ``runs.OUTCOMES``."""

    def operation_ended(self, namespace: str, operation: str, outcome: str, seconds: float) -> None:
        """One operation on a table of the namespace has ended, or a commit that concerns it."""

    def conflict(self, table: tuple[str, str], cause: str) -> None:
        """A call met another transaction; ``table``: namespace and table, both empty: unknown."""

    def outcome_unknown(self) -> None:
        """A commit did not hear what became of its decision, and is going to settle it."""

    def outcome_settled(self, outcome: TransactionState) -> None:
        """That commit has found out, or has not: UNKNOWN."""

    def recovered(self, *, rolled_back: bool, records: int) -> None:
        """Records that others had left behind were settled."""

    def storage_known(self, storage: str) -> None:
        """A storage is used under that name."""

    def storage_failed(self, storage: str, kind: str) -> None:
        """A call of a storage failed; ``kind`` is one of ``watched_storage.KINDS``."""

    def decision_written(self, outcome: TransactionState) -> None:
        """A row was added to the coordinator table."""

    def decisions_removed(self, rows: int) -> None:
        """Rows that nobody needs any more were removed from the coordinator table."""


def install(meter: Meter) -> None:
    """Tell a meter of everything that happens in this process from now on."""
    global _meters  # noqa: PLW0603  # replaced as a whole: whoever tells holds the former tuple
    _meters = (*_meters, meter)
    for storage in list(_storages):
        meter.storage_known(storage)


def remove(meter: Meter) -> None:
    """Tell it no more; quiet if it was removed before."""
    global _meters  # noqa: PLW0603  # the same
    _meters = tuple(one for one in _meters if one is not meter)


def installed() -> bool:
    """Does anybody count?"""
    return bool(_meters)


def tell(event: Callable[Concatenate[Any, P], None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Tell all meters of an event, which is a method of ``Meter``."""
    for meter in _meters:
        try:
            getattr(meter, event.__name__)(*args, **kwargs)
        except Exception:  # noqa: BLE001  # whatever it is, the transaction is none of its affairs
            _log.exception("%r failed and counts no more", meter)
            remove(meter)


def tell_of_storage(name: str) -> None:
    """A storage is opened under that name; meters that come later are told of it too."""
    _storages[name] = None
    tell(Meter.storage_known, name)

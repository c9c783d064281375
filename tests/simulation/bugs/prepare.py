"""Mistakes in preparing records."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.own_records import OwnRecords
from scalar_tx.model.conditions import Comparison, Operator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import StorageMutation, Write
    from tests.simulation.bugs.bug import Bug, Patches


def _no_compare_and_set_in_prepare() -> Patches:
    right = record.prepare

    def prepare(*args: Any, **kwargs: Any) -> Write:
        write = right(*args, **kwargs)
        return dataclasses.replace(write, condition=None)

    return [(record, "prepare", prepare)]


def _version_compared_instead_of_the_id() -> Patches:
    """A record that was removed and made anew has the same version again."""
    right = record.prepare

    def prepare(
        table: TransactionalTable,
        key: tuple[Value, ...],
        values: Mapping[str, Value] | None,
        previous: Row | None,
        **how: Any,
    ) -> Write:
        write = right(table, key, values, previous, **how)
        if previous is None:
            return write
        condition = Comparison("tx_version", Operator.EQ, previous["tx_version"])
        return dataclasses.replace(write, condition=condition)

    return [(record, "prepare", prepare)]


def _stale_before_image() -> Patches:
    """Previous images are neither cleared when a record is finished nor replaced by the next."""
    prepare_right, finish_right = record.prepare, record.roll_forward

    def prepare(
        table: TransactionalTable,
        key: tuple[Value, ...],
        values: Mapping[str, Value] | None,
        previous: Row | None,
        **how: Any,
    ) -> Write:
        write = prepare_right(table, key, values, previous, **how)
        if previous is None or previous["before_tx_version"] is None:
            return write
        stale = {name: previous[name] for name in table.before_of.values()}
        return dataclasses.replace(write, values={**write.values, **stale})

    def roll_forward(*args: Any, **how: Any) -> StorageMutation:
        return finish_right(*args, **{**how, "clear_before": False})

    return [(record, "prepare", prepare), (record, "roll_forward", roll_forward)]


def _stops_after_the_first_storage() -> Patches:
    right = OwnRecords._mutate_all

    async def mutate_all(self: OwnRecords, mutations: Sequence[StorageMutation]) -> list[Exception]:
        info = self._context.storage.info
        first = info(mutations[0].table.name).name
        return await right(self, [one for one in mutations if info(one.table.name).name == first])

    return [(OwnRecords, "_mutate_all", mutate_all)]


BUGS: Final[Mapping[str, Bug]] = {
    "no compare-and-set in prepare": _no_compare_and_set_in_prepare,
    "version compared instead of the id": _version_compared_instead_of_the_id,
    "rollback from a stale previous image": _stale_before_image,
    "commit stops after the first storage": _stops_after_the_first_storage,
}

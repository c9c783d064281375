"""Faults of conditions, of atomic groups and of what a write leaves behind."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scalar_tx.errors import WriteRefusedError
from scalar_tx.model.conditions import (
    And,
    Comparison,
    Condition,
    Existence,
    Operator,
    Or,
    matches,
    rewritten,
)
from scalar_tx.storage.conformance import RecordUnitStorage
from scalar_tx.storage.interface import (
    Erase,
    Write,
)
from scalar_tx.storage.memory import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import StorageMutation


class IgnoresConditions(MemoryStorage):
    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        await super().mutate([replace(m, condition=None) for m in mutations])  # type: ignore[arg-type]  # of any


class ForgetsToSayRefused(MemoryStorage):
    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        try:
            await super().mutate(mutations)
        except WriteRefusedError:
            return


class NullDiffersFromEverything(MemoryStorage):
    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        def lax(comparison: Comparison) -> Condition:
            if comparison.operator is not Operator.NE:
                return comparison
            return Or((comparison, Comparison(comparison.column, Operator.IS_NULL)))

        await super().mutate(
            [
                m
                if m.condition is None or isinstance(m.condition, Existence)
                else replace(m, condition=rewritten(m.condition, lax))  # type: ignore[arg-type]
                for m in mutations
            ]
        )


class FirstTermOnly(MemoryStorage):
    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        await super().mutate(
            [
                replace(m, condition=m.condition.terms[0]) if isinstance(m.condition, And) else m
                for m in mutations
            ]
        )


class ConditionsHoldForMissingRecords(MemoryStorage):
    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        lax = []
        for m in mutations:
            missing = await self.get(m.table, m.key) is None
            nulls = dict.fromkeys(m.table.columns)
            true = isinstance(m.condition, Comparison) and matches(m.condition, nulls)
            lax.append(replace(m, condition=None) if missing and true else m)  # type: ignore[arg-type]  # of any
        await super().mutate(lax)


class AppliesOneByOne(MemoryStorage):
    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        self._check_unit(mutations)
        for mutation in mutations:
            await super().mutate([mutation])


class TakesAnyGroup(RecordUnitStorage):
    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        await self._inner.mutate(mutations)


async def check_then_write(
    storage: MemoryStorage,
    write: Callable[[Sequence[StorageMutation]], Coroutine[Any, Any, None]],
    mutations: Sequence[StorageMutation],
) -> None:
    """Between the check and the write there is a gap."""
    for m in mutations:
        row = await storage.get(m.table, m.key)
        if m.condition is Existence.IF_NOT_EXISTS:
            met = row is None
        elif m.condition is None:
            met = True
        elif isinstance(m.condition, Existence):
            met = row is not None
        else:
            met = row is not None and matches(m.condition, row)
        if not met:
            raise WriteRefusedError("not met")
    time.sleep(0.001)  # noqa: ASYNC251  # on a thread of its own
    await write([replace(m, condition=None) for m in mutations])  # type: ignore[arg-type]  # of any


class ChecksThenWrites(MemoryStorage):
    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        await check_then_write(self, super().mutate, mutations)


class ReplacesTheRow(MemoryStorage):
    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        await super().mutate(
            [
                replace(m, values={**dict.fromkeys(m.table.schema.other_columns), **m.values})
                if isinstance(m, Write)
                else m
                for m in mutations
            ]
        )


class IgnoresExplicitNone(MemoryStorage):
    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        await super().mutate(
            [
                replace(m, values={n: v for n, v in m.values.items() if v is not None})
                if isinstance(m, Write)
                else m
                for m in mutations
            ]
        )


class RefusesToEraseNothing(MemoryStorage):
    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        await super().mutate(
            [
                replace(m, condition=Existence.IF_EXISTS)
                if isinstance(m, Erase) and m.condition is None
                else m
                for m in mutations
            ]
        )


class CountsOnlyChangedRows(MemoryStorage):
    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        for m in mutations:
            row = await self.get(m.table, m.key)
            if (
                isinstance(m, Write)
                and m.condition
                and row
                and m.values
                and {**row, **m.values} == row
            ):
                raise WriteRefusedError("0 rows changed")
        await super().mutate(mutations)


class ErasesOnlyByMark(MemoryStorage):
    """A record made anew shows what the erased one held."""

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        if not hasattr(self, "_erased"):
            self._erased: dict[object, Row] = {}
        changed = []
        for m in mutations:
            row = await self.get(m.table, m.key)
            if isinstance(m, Write) and row is None:
                changed.append(
                    replace(m, values={**self._erased.get((m.table.name, m.key), {}), **m.values})
                )
                continue
            if isinstance(m, Erase) and row is not None:
                self._erased[m.table.name, m.key] = {
                    n: row[n] for n in m.table.schema.other_columns
                }
            changed.append(m)  # type: ignore[arg-type]
        await super().mutate(changed)

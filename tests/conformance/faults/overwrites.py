"""Storages that write over a record that nobody has read, and do it wrongly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scalar_tx.model.conditions import Or, column
from scalar_tx.storage.interface import Overwrite
from scalar_tx.storage.memory import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import StorageMutation


class _Overwriting(MemoryStorage):
    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        done: list[StorageMutation] = [
            self._wrong(one, await self.get(one.table, one.key))
            if isinstance(one, Overwrite)
            else one
            for one in mutations
        ]
        await super().mutate(done)

    def _wrong(self, one: Overwrite, held: Row | None) -> Overwrite:
        raise NotImplementedError


class OverwritesAnything(_Overwriting):
    def _wrong(self, one: Overwrite, held: Row | None) -> Overwrite:
        return replace(one, condition=Or((one.condition, column("count") >= 0)))


class KeepsTheNewValue(_Overwriting):
    def _wrong(self, one: Overwrite, held: Row | None) -> Overwrite:
        set_ = one.values.keys()
        new = {name: one.values[source] for name, source in one.keeps.items() if source in set_}
        keeps = {name: source for name, source in one.keeps.items() if name not in new}
        return replace(one, values={**one.values, **new}, keeps=keeps)


class KeepsNoNull(_Overwriting):
    def _wrong(self, one: Overwrite, held: Row | None) -> Overwrite:
        if held is None:
            return one
        there = {name: source for name, source in one.keeps.items() if held[source] is not None}
        return replace(one, keeps=there)


class MakesWhatItShallOnlyChange(_Overwriting):
    def _wrong(self, one: Overwrite, held: Row | None) -> Overwrite:
        return replace(one, makes=True)


class MakesNothing(_Overwriting):
    def _wrong(self, one: Overwrite, held: Row | None) -> Overwrite:
        return replace(one, makes=False)


class KeepsWhatANewRecordNeverHeld(MemoryStorage):
    """As an update that takes what is absent for 0."""

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        done: list[StorageMutation] = []
        for one in mutations:
            if isinstance(one, Overwrite) and await self.get(one.table, one.key) is None:
                counted = [name for name, source in one.keeps.items() if source == one.counter]
                done.append(replace(one, values={**one.values, **dict.fromkeys(counted, 0)}))
            else:
                done.append(one)
        await super().mutate(done)

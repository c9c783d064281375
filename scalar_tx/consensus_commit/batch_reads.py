"""Which records are read in one call of their storage, and which by themselves?"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Value
    from scalar_tx.storage.interface import Answer, BatchStorage, Storage, StorageInfo

T = TypeVar("T")


def in_batches(
    storage: Storage, items: Sequence[T], table_of: Callable[[T], str]
) -> list[tuple[StorageInfo, list[T]]]:
    """Items by the storage of their records, several where they can be read in one call."""
    found: dict[str, tuple[StorageInfo, list[T]]] = {}
    for number, item in enumerate(items):
        info = storage.info(table_of(item))
        name = info.name if info.batches else f"{info.name} {number}"
        found.setdefault(name, (info, []))[1].append(item)
    return list(found.values())


async def read_each(
    context: Context, wanted: Sequence[tuple[Table, tuple[Value, ...]]]
) -> list[Answer]:
    """Read records of any storages, one answer for each; an error is of that record alone."""
    found: dict[int, Answer] = {}
    numbered = list(enumerate(wanted))
    for info, batch in in_batches(context.storage, numbered, lambda one: one[1][0].name):
        records = [record for _, record in batch]
        answers: list[Answer]
        try:
            if info.batches and len(batch) > 1:
                answers = await cast("BatchStorage", context.storage).get_many(records)
            else:
                answers = [await context.storage.get(*record) for record in records]
        except Exception as error:  # noqa: BLE001  # it is the answer
            answers = [error] * len(batch)
        found.update(zip((number for number, _ in batch), answers, strict=True))
    return [found[number] for number in range(len(wanted))]


def requests(storage: Storage, tables: Sequence[str]) -> int:
    """How many requests read a record of each of these tables?"""
    return sum(
        requests_of(info, len(group))
        for info, group in in_batches(storage, tables, lambda name: name)
    )


def requests_of(info: StorageInfo, records: int) -> int:
    """How many requests read so many records of one storage?"""
    return -(-records // max(1, info.batches))

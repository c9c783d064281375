"""How do the rows of a namespace get to another storage, with all that transactions know of them?

Rows are copied as they are stored, the columns of transactions too: a reader finds the same record
there, and the same decision about its writer. Nothing may write to the namespace meanwhile: pause
the nodes, or end them (docs/auditor.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.cli.opening import insist_on_existence, opened_with, run
from scalar_tx.cli.raw_rows import all_rows, transactional_tables
from scalar_tx.consensus_commit import record
from scalar_tx.errors import InvalidOperationError, WriteRefusedError
from scalar_tx.model.conditions import if_not_exists
from scalar_tx.settings import load
from scalar_tx.storage.interface import AtomicityUnit, Write

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from scalar_tx.connection import Parts
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Row

_AT_ONCE: Final = 100  # rows of one write, where a storage takes so many


def copy_namespace(
    namespace: str,
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    progress: Callable[[str, int], None] = lambda *_: None,
) -> dict[str, int]:
    """Copy all rows of a namespace between the storages that two settings map it to.

    How many rows there are now, by table. May be run again: what is there already is compared.
    ``progress`` is told of each table and how many of its rows are copied. InvalidOperationError: a
    row is unsettled, a table is missing, or another row stands in the place of one.
    """
    settings = [load(one) for one in (source, target)]
    for one in settings:
        insist_on_existence(one)
    with opened_with(settings[0]) as before, opened_with(settings[1]) as after:
        names = run(before.administration.tables(namespace))
        if not names:
            raise InvalidOperationError(
                f"there are no tables in the namespace {namespace} of {settings[0].source}",
                advice="Name a namespace, and the settings that nodes ran with until now",
            )
        copied = {}
        for there, here in zip(_tables(before, names), _tables(after, names), strict=True):
            _insist_on_the_same(there, here)
            copied[there.name] = run(_copy(before, there, after, here, progress))
    return copied


def _tables(parts: Parts, names: list[str]) -> list[TransactionalTable]:
    return sorted(run(transactional_tables(parts, names)), key=lambda one: one.name)


def _insist_on_the_same(there: TransactionalTable, here: TransactionalTable) -> None:
    if there.stored.schema != here.stored.schema:
        raise InvalidOperationError(
            f"{there.name} is another table in the new storage",
            advice="Make it of the same schema file: scalar-tx schema apply --config NEW FILE",
        )


async def _copy(
    before: Parts,
    there: TransactionalTable,
    after: Parts,
    here: TransactionalTable,
    progress: Callable[[str, int], None],
) -> int:
    info = after.storage.info(here.name)
    several = info.atomicity_unit >= AtomicityUnit.TABLE
    size = min(_AT_ONCE, info.max_mutations) if several else 1
    count = 0
    pages = all_rows(before, there.stored)
    try:
        while (page := await pages.next_page()) is not None:
            for row in page:
                _insist_on_settled(there, row)
            for first in range(0, len(page), size):
                await _put(after, here, page[first : first + size])
            count += len(page)
            progress(there.name, count)
    finally:
        await pages.close()
    return count


def _insist_on_settled(table: TransactionalTable, row: Row) -> None:
    if not record.is_committed(row):
        raise InvalidOperationError(
            f"a row of {table.name} is unsettled: {table.key_mapping(table.stored.key_of(row))}",
            advice="Pause the nodes, and settle what is left: scalar-tx recover --all",
        )


async def _put(after: Parts, table: TransactionalTable, rows: Sequence[Row]) -> None:
    """Put rows where there are none; one that stands there already has to be the same."""
    writes = [_write(table, row) for row in rows]
    try:
        await after.storage.mutate(writes)
    except WriteRefusedError:
        for row, write in zip(rows, writes, strict=True):
            standing = await after.storage.get(table.stored, write.key)
            if standing is None:
                await after.storage.mutate([write])
            elif dict(standing) != dict(row):
                raise InvalidOperationError(
                    f"another row stands in {table.name} of the new storage: "
                    f"{table.key_mapping(write.key)}",
                    advice="Was something written there already? Then it can't be copied over",
                ) from None


def _write(table: TransactionalTable, row: Row) -> Write:
    key = table.stored.key_of(row)
    names = table.stored.schema.primary_key
    values = {name: value for name, value in row.items() if name not in names}
    return Write(table.stored, key, values, if_not_exists)

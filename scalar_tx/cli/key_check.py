"""Which records stand elsewhere than their keys say, and what became of them?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cli.opening import run
from scalar_tx.cli.output import plain_row, shown_key
from scalar_tx.consensus_commit.metadata import is_transactional
from scalar_tx.errors import (
    InvalidOperationError,
    ScalarTxError,
    StorageBusyError,
    StorageError,
    StorageUnavailableError,
)
from scalar_tx.model.finding import Finding, Verdict
from scalar_tx.storage import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scalar_tx.model.misplaced import MisplacedRecord
    from scalar_tx.model.storage_settings import StorageSettings
    from scalar_tx.model.table import Table
    from scalar_tx.storage.interface import Storage

# Every change of a transactional record changes one of them.
_VERSIONED_BY: Final = ("tx_id", "tx_state", "tx_version")
_MOST_NAMED: Final = 20  # records of one table, to people; JSON has all

_TAKEN: Final = (
    "Compare the two with the database's own tools, and delete the one that does not count"
)
_WORDS: Final = {
    "moved": "moved",
    "gone": "no longer there",
    "would be moved": "would be moved by --repair",
    "taken": "another record stands where it belongs",
    "failed": "could not be moved",
}


@dataclass
class TableKeys:
    """What was found in one table. ``records`` are ready for JSON."""

    table: str
    looked_at: int = 0
    records: list[dict[str, Any]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "table": self.table,
            "looked_at": self.looked_at,
            "misplaced": self.records,
            "unreadable": self.unreadable,
        }

    def findings(self) -> Iterator[Finding]:
        """For people."""
        bad = [one for one in self.records if one["result"] not in ("moved", "gone")]
        moved = len(self.records) - len(bad)
        counted = f"{self.looked_at:,} records looked at"
        if moved:
            counted += f", {moved:,} moved to where they belong"
        if not self.records and not self.unreadable:
            yield Finding(self.table, Verdict.GOOD, f"{counted}, all where they belong")
            return
        yield Finding(self.table, Verdict.NOTE, counted)
        for one in bad[:_MOST_NAMED]:
            yield _finding(self.table, one)
        for text in self.unreadable[:_MOST_NAMED]:
            advice = "Correct it with the program that wrote it"
            yield Finding(self.table, Verdict.BAD, f"can't be read: {text}", advice)
        more = max(len(bad) - _MOST_NAMED, 0) + max(len(self.unreadable) - _MOST_NAMED, 0)
        if more:
            yield Finding(self.table, Verdict.BAD, f"and {more:,} more", "See --json for all")


def _finding(table: str, one: dict[str, Any]) -> Finding:
    key = shown_key(one["key"])
    text = f"{key} stands at {one['stands_at']}, belongs at {one['belongs_at']}: "
    if one["result"] == "failed":
        return Finding(table, Verdict.BAD, text + one["error"], one["advice"])
    advice = _TAKEN if one["result"] == "taken" else "Run scalar-tx doctor --keys --repair"
    return Finding(table, Verdict.BAD, text + _WORDS[one["result"]], advice)


def check_keys(
    settings: StorageSettings,
    names: Sequence[str],
    *,
    repair: bool,
    watch: Callable[[str, int], None],
) -> list[TableKeys]:
    """Look at the keys of all tables, or of those named, in each storage that can have them wrong.

    ``repair`` moves what can be moved. ``watch`` is told a table and how many of its records were
    looked at. InvalidOperationError: there is no such table.
    """
    multi = settings.multi
    found: list[TableKeys] = []
    there: set[str] = set()
    for one in [settings] if multi is None else multi.storages.values():
        look = registry.keys_of(one)
        storage = registry.open_storage(one)
        try:
            for table in _tables(storage):
                there.add(table.name)
                if look is not None and (not names or table.name in names):
                    found.append(_check(look, storage, table, repair=repair, watch=watch))
        finally:
            run(storage.close())
    missing = sorted(set(names) - there)
    if missing:
        raise InvalidOperationError(
            f"there is no table {', '.join(missing)}",
            advice=f"There are {', '.join(sorted(there)) or 'none'}",
            code="STX-3017",
        )
    return found


def _tables(storage: Storage) -> Iterator[Table]:
    for namespace in run(storage.admin.namespaces()):
        for name in run(storage.admin.tables(namespace)):
            table = run(storage.admin.table(name))
            if table is not None:  # else it was dropped at this moment
                yield table


def _check(
    look: Callable[..., Any],
    storage: Storage,
    table: Table,
    *,
    repair: bool,
    watch: Callable[[str, int], None],
) -> TableKeys:
    versioned_by = _VERSIONED_BY if is_transactional(table.schema) else ()
    report = TableKeys(table.name)
    try:
        for part in look(storage, table, versioned_by):
            report.looked_at += part.records
            report.unreadable += part.unreadable
            report.records += [_record(one, repair=repair) for one in part.misplaced]
            watch(table.name, report.looked_at)
    except StorageBusyError as error:
        raise StorageUnavailableError(
            f"{table.name} can't be read now: {error}", advice="Run this again when less is to do"
        ) from error
    return report


def _record(one: MisplacedRecord, *, repair: bool) -> dict[str, Any]:
    data: dict[str, Any] = {
        "key": plain_row(one.key),
        "stands_at": one.stands_at,
        "belongs_at": one.belongs_at,
    }
    if one.taken:
        return {"result": "taken", **data}
    if not repair:
        return {"result": "would be moved", **data}
    try:
        return {"result": "moved" if one.put_right() else "gone", **data}
    except ScalarTxError as error:
        return {"result": "failed", **data, "error": error.message, "advice": error.advice}
    except StorageError as error:
        # Whether it was moved or not, the next look tells.
        return {"result": "failed", **data, "error": str(error), "advice": "Run this again"}

"""SQLite in its own mode (WAL) and as a JDBC URL leaves a new file (rollback journal)."""

from __future__ import annotations

from scalar_tx.storage.conformance import Change, Place, StorageConformance, Subject
from scalar_tx.storage.sqlite.storage import SqliteStorage, open_sqlite

FIXED = frozenset({Change.TYPES})


def _wal(place: Place) -> SqliteStorage:
    return open_sqlite(str(place.folder / "wal.db"))


def _journal(place: Place) -> SqliteStorage:
    return open_sqlite(f"jdbc:sqlite:{place.folder}/journal.db?synchronous=OFF")


class TestSqlite(StorageConformance):
    subject = Subject(open=_wal, reopen=_wal, remembers_empty_namespaces=False, refuses=FIXED)


class TestSqliteJournal(StorageConformance):
    subject = Subject(
        open=_journal, reopen=_journal, remembers_empty_namespaces=False, refuses=FIXED
    )

"""How safe are the data in this SQLite file, and what would opening it change?

Looks through a read-only connection that makes no file and leaves the journal mode alone.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from scalar_tx.errors import StorageBusyError, StorageUnavailableError
from scalar_tx.model.finding import Examination, Finding, Verdict
from scalar_tx.storage.sqlite import from_settings
from scalar_tx.storage.sqlite.connections import FileConnections
from scalar_tx.storage.sqlite.errors import obstacle_at
from scalar_tx.storage.sqlite.settings import sqlite_settings

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings
    from scalar_tx.storage.sqlite.settings import SqliteSettings

_SHORT_WAIT_MS: Final = 1000
_SYNCHRONOUS: Final = {0: "off", 1: "normal", 2: "full", 3: "extra"}
_NAME_NONE: Final = "Remove synchronous from the URL: what the library sets is safe"


def examine(settings: StorageSettings) -> Examination:
    """The state of the file and of the connections to it. SettingsError: the URL is wrong."""
    from_settings(settings)  # the same objections as on opening, and no file is touched
    wanted = sqlite_settings(settings.contact_points[0])
    obstacle = obstacle_at(wanted.path)
    if obstacle is not None:
        return Examination((_unavailable(obstacle),), exists=False)
    if not Path(wanted.path).exists():
        return Examination((_missing(wanted),), exists=False)
    connections = FileConnections(replace(wanted, read_only=True, create=False, journal_mode=None))
    try:
        findings = tuple(_findings(connections, wanted))
        return Examination(findings, looking=_looking(settings, wanted))
    except (StorageUnavailableError, StorageBusyError) as error:
        return Examination((_unavailable(error),))
    finally:
        connections.close()


def _looking(settings: StorageSettings, wanted: SqliteSettings) -> StorageSettings:
    # A JDBC URL leaves the journal mode as it is found.
    url = f"jdbc:sqlite:file:{quote(wanted.path)}?mode=ro&busy_timeout={wanted.busy_timeout_ms}"
    return replace(settings, contact_points=(url,))


def _missing(wanted: SqliteSettings) -> Finding:
    if wanted.create and not wanted.read_only:
        return Finding("file", Verdict.NOTE, f"{wanted.path}: not there yet, made by its first use")
    return Finding(
        "file",
        Verdict.BAD,
        f"{wanted.path}: not there, and the URL forbids making it",
        "Correct the path, or the mode in the URL",
    )


def _unavailable(error: StorageUnavailableError | StorageBusyError) -> Finding:
    if isinstance(error, StorageUnavailableError):
        return Finding("file", Verdict.BAD, error.message, error.advice)
    return Finding("file", Verdict.BAD, str(error), "Try again when the file is no longer locked")


def _findings(connections: FileConnections, wanted: SqliteSettings) -> list[Finding]:
    def pragma(name: str) -> object:
        ((value,),) = connections.read(f"PRAGMA {name}")
        return value

    found = str(pragma("journal_mode")).lower()
    ((version,),) = connections.read("SELECT sqlite_version()")
    size = Path(wanted.path).stat().st_size
    return [
        Finding("SQLite", Verdict.NOTE, f"version {version}"),
        Finding("file", Verdict.GOOD, f"{wanted.path}, {size:,} bytes"),
        _journal(found, wanted),
        _synchronous(_SYNCHRONOUS.get(int(str(pragma("synchronous"))), "unknown"), found, wanted),
        _patience(int(str(pragma("busy_timeout")))),
        Finding("clock", Verdict.NOTE, "SQLite has none: all processes use this machine's"),
    ]


def _journal(found: str, wanted: SqliteSettings) -> Finding:
    used = found if wanted.journal_mode is None or wanted.read_only else wanted.journal_mode
    text = f"journal_mode={used}"
    if used != found:
        text += f" (the file is in {found} and is switched when it is opened)"
    if used == "wal":
        return Finding("journal", Verdict.GOOD, f"{text}: readers and a writer go on at once")
    if used in ("off", "memory"):
        return Finding(
            "journal",
            Verdict.BAD,
            f"{text}: a crash in mid-write can damage the file",
            "Set journal_mode=WAL in the URL",
        )
    return Finding(
        "journal",
        Verdict.WARNING,
        f"{text}: safe, but readers and a writer wait for one another",
        "Set journal_mode=WAL in the URL; Java programs on the file work with it too",
    )


def _synchronous(level: str, found: str, wanted: SqliteSettings) -> Finding:
    text = f"synchronous={level}"
    journal = found if wanted.journal_mode is None else wanted.journal_mode
    if level == "full" and journal == "delete":
        return Finding(
            "durability",
            Verdict.WARNING,
            f"{text}: a power failure can bring a deleted journal back, which undoes the last "
            "write; nothing is damaged",
            _NAME_NONE,
        )
    if level in ("full", "extra"):
        return Finding("durability", Verdict.GOOD, f"{text}: a commit survives a power failure")
    if level == "normal" and journal == "wal":
        return Finding(
            "durability",
            Verdict.WARNING,
            f"{text}: the last commits may be lost in a power failure, not in a crash of a process",
            _NAME_NONE,
        )
    return Finding(
        "durability",
        Verdict.BAD,
        f"{text}: a power failure can lose commits or damage the file",
        _NAME_NONE,
    )


def _patience(milliseconds: int) -> Finding:
    text = f"busy_timeout={milliseconds}: a call waits up to {milliseconds / 1000:g} s for the file"
    if milliseconds < _SHORT_WAIT_MS:
        return Finding(
            "waiting",
            Verdict.WARNING,
            f"{text}; under load calls will fail",
            "Set busy_timeout=10000 in the URL",
        )
    return Finding("waiting", Verdict.GOOD, text)

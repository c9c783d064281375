"""What URLs say, and that connections obey."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import SettingsError
from scalar_tx.storage.sqlite.settings import sqlite_settings
from scalar_tx.storage.sqlite.storage import open_sqlite
from tests.storage.sqlite.files import by_hand, run

if TYPE_CHECKING:
    from scalar_tx.storage.sqlite.storage import SqliteStorage


def test_our_own_url_opens_in_wal_and_waits() -> None:
    settings = sqlite_settings("sqlite:////data/shop.db")
    assert settings.path == "/data/shop.db"
    assert settings.journal_mode == "wal"
    assert settings.busy_timeout_ms == 10_000
    assert dict(settings.pragmas) == {"synchronous": "extra"}
    assert sqlite_settings("sqlite:///shop.db").path == str(Path("shop.db").absolute())
    assert sqlite_settings("shop ?#%.db").path == str(Path("shop ?#%.db").absolute())


def test_a_jdbc_url_leaves_the_journal_mode_as_found() -> None:
    settings = sqlite_settings("jdbc:sqlite:/data/shop.db?busy_timeout=250")
    assert settings.journal_mode is None
    assert settings.busy_timeout_ms == 250
    assert sqlite_settings("jdbc:sqlite:x.db?journal_mode=WAL").journal_mode == "wal"
    assert sqlite_settings("jdbc:sqlite:file:///a%20b.db").path == "/a b.db"


@pytest.mark.parametrize(
    "parameter,setting",
    [
        ("synchronous=NORMAL", ("synchronous", "normal")),
        ("synchronous=3", ("synchronous", "extra")),
        ("foreign_keys=true", ("foreign_keys", "on")),
        ("cache_size=-2000", ("cache_size", "-2000")),
        ("temp_store=MEMORY", ("temp_store", "memory")),
        ("Page_Size=8192", ("page_size", "8192")),
    ],
)
def test_parameters_become_pragmas(parameter: str, setting: tuple[str, str]) -> None:
    assert setting in sqlite_settings(f"jdbc:sqlite:x.db?date_class=TEXT&{parameter}").pragmas


def test_open_modes() -> None:
    for parameter, read_only, create in (
        ("open_mode=1", True, False),
        ("open_mode=2", False, False),
        ("open_mode=6", False, True),
        ("mode=ro", True, False),
    ):
        settings = sqlite_settings(f"jdbc:sqlite:x.db?{parameter}")
        assert (settings.read_only, settings.create) == (read_only, create)


@pytest.mark.parametrize(
    "target,named",
    [
        ("jdbc:sqlite:x.db?journal_mod=WAL", "'journal_mod'"),
        ("jdbc:sqlite:x.db?busy_timeout=soon", "busy_timeout=soon"),
        ("jdbc:sqlite:x.db?busy_timeout=-1", "busy_timeout=-1"),
        ("jdbc:sqlite:x.db?synchronous=perhaps", "synchronous=perhaps"),
        ("jdbc:sqlite:x.db?foreign_keys=2", "foreign_keys=2"),
        ("jdbc:sqlite:x.db?encoding=UTF-16", "encoding=UTF-16"),
        ("jdbc:sqlite:x.db?locking_mode=EXCLUSIVE", "locking_mode=EXCLUSIVE"),
        ("jdbc:sqlite:x.db?cache_size=1;DROP", "cache_size=1;DROP"),
        ("jdbc:sqlite:x.db?WAL", "'WAL'"),
        ("jdbc:sqlite::memory:", "names no file"),
        ("jdbc:sqlite:", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite://host/x.db", "not a SQLite URL"),
        ("sqlite:x.db", "not a SQLite URL"),
        ("", "names no file"),
        ("a\x00b", "null character"),
    ],
)
def test_what_is_wrong_is_named(target: str, named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        sqlite_settings(target)
    assert named in str(caught.value)
    assert caught.value.advice


def pragma(storage: SqliteStorage, name: str) -> object:
    return storage.connections.read(f"PRAGMA {name}")[0][0]


def test_parameters_reach_the_connection(tmp_path: Path) -> None:
    ours = open_sqlite(f"sqlite:///{tmp_path}/ours.db")
    assert pragma(ours, "journal_mode") == "wal"
    assert pragma(ours, "synchronous") == 3
    assert pragma(ours, "busy_timeout") == 10_000
    java = open_sqlite(
        f"jdbc:sqlite:{tmp_path}/java.db?busy_timeout=50&synchronous=OFF&foreign_keys=on"
        "&page_size=8192&cache_size=77&journal_mode=TRUNCATE"
    )
    assert pragma(java, "journal_mode") == "truncate"
    assert pragma(java, "synchronous") == 0
    assert pragma(java, "busy_timeout") == 50
    assert pragma(java, "foreign_keys") == 1
    assert pragma(java, "cache_size") == 77
    assert pragma(java, "page_size") == 8192


def test_a_jdbc_url_without_a_mode_changes_no_file(tmp_path: Path) -> None:
    for mode in ("wal", "delete"):
        path = tmp_path / f"{mode}.db"
        by_hand(path, f"PRAGMA journal_mode={mode}")
        by_hand(path, "CREATE TABLE t(a)")
        storage = open_sqlite(f"jdbc:sqlite:{path}")
        assert pragma(storage, "journal_mode") == mode
        run(storage.close())

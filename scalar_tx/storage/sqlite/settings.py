"""What does a SQLite URL say?

``jdbc:sqlite:path?name=value&…`` is read as the Java driver (xerial) reads it, ``sqlite:///path``
is this library's own form, anything else is a path. Where they differ: a JDBC URL that names no
``journal_mode`` leaves the file's as it is found, as Java does, so that a properties file shared
with Java never changes the file by being opened; our own forms switch the file to WAL, which lets
readers and a writer go on at once. All wait ten seconds for a lock unless they say otherwise: the
Java driver's three are not enough for processes that share a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_BUSY_TIMEOUT_MS: Final = 10_000
# FULL with one sync more where a journal is deleted to commit: without it the journal may be back
# after a power failure and undo the commit. In WAL the two are one.
DEFAULT_SYNCHRONOUS: Final = "extra"

_TRUE: Final = frozenset({"true", "on", "yes", "1"})
_FALSE: Final = frozenset({"false", "off", "no", "0"})


@dataclass(frozen=True)
class SqliteSettings:
    """One file and how it is opened. ``pragmas`` are set on every connection, in their order."""

    path: str  # absolute
    busy_timeout_ms: int = DEFAULT_BUSY_TIMEOUT_MS
    journal_mode: str | None = "wal"  # None: as found
    pragmas: tuple[tuple[str, str], ...] = (("synchronous", DEFAULT_SYNCHRONOUS),)
    read_only: bool = False
    create: bool = True


class _Wrong(Exception):
    """Why a value does not fit; the caller adds the place."""


def _integer(low: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not re.fullmatch(r"-?[0-9]{1,18}", text) or int(text) < low:
            raise _Wrong(f"an integer of at least {low}")
        return str(int(text))

    return check


def _switch(text: str) -> str:
    if text.lower() in _TRUE:
        return "on"
    if text.lower() in _FALSE:
        return "off"
    raise _Wrong("true or false")


def _one_of(*words: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text.lower() not in words:
            raise _Wrong(f"one of {', '.join(words)}")
        return text.lower()

    return check


def _level(*words: str) -> Callable[[str], str]:
    """A word, or its number."""

    def check(text: str) -> str:
        if text.isdecimal() and int(text) < len(words):
            return words[int(text)]
        return _one_of(*words)(text)

    return check


def _only(check: Callable[[str], str], value: str, reason: str) -> Callable[[str], str]:
    def checked(text: str) -> str:
        if check(text) != value:
            raise _Wrong(f"{value}: {reason}")
        return value

    return checked


def _utf8(text: str) -> str:
    if text.strip("'\"").lower() not in ("utf-8", "utf8"):
        raise _Wrong("UTF-8: text would not be ordered by code point in another encoding")
    return "utf8"


# What the Java driver passes on to the file, in the order in which it must be set: the page size of
# a new file is fixed once it is in WAL.
_PRAGMAS: Final[dict[str, Callable[[str], str]]] = {
    "page_size": _integer(512),
    "journal_mode": _one_of("delete", "truncate", "persist", "memory", "wal", "off"),
    "synchronous": _level("off", "normal", "full", "extra"),
    "cache_size": _integer(-(2**31)),
    "mmap_size": _integer(-1),
    "foreign_keys": _switch,
    "fullfsync": _switch,
    "checkpoint_fullfsync": _switch,
    "journal_size_limit": _integer(-1),
    "max_page_count": _integer(1),
    "recursive_triggers": _switch,
    "reverse_unordered_selects": _switch,
    "secure_delete": _one_of("true", "false", "on", "off", "fast", "0", "1"),
    "temp_store": _level("default", "file", "memory"),
}
# Known to the Java driver; one value of each is what happens anyway.
_FIXED: Final[dict[str, Callable[[str], str]]] = {
    "encoding": _utf8,
    "locking_mode": _only(
        _one_of("normal", "exclusive"),
        "normal",
        "an exclusive lock shuts out every other connection",
    ),
    "read_uncommitted": _only(_switch, "off", "transactions must not read unfinished ones"),
    "shared_cache": _only(_switch, "off", "it makes connections read unfinished writes"),
    "enable_load_extension": _only(_switch, "off", "extensions are not loaded"),
}
# Known to the Java driver, about how *it* hands out values and begins transactions; no matter here.
_JAVA_ONLY: Final = frozenset(
    {
        "case_sensitive_like",
        "count_changes",
        "date_class",
        "date_precision",
        "date_string_format",
        "empty_result_callbacks",
        "full_column_names",
        "jdbc.get_generated_keys",
        "legacy_alter_table",
        "legacy_file_format",
        "short_column_names",
        "transaction_mode",
    }
)
# Bits of the Java driver's open_mode.
_OPEN_READ_ONLY: Final = 1
_OPEN_CREATE: Final = 4
_OPEN_MODES: Final = {"ro": _OPEN_READ_ONLY, "rw": 2, "rwc": 2 | _OPEN_CREATE}


def sqlite_settings(target: str) -> SqliteSettings:
    """Read a URL or path; SettingsError names what is wrong in it. No file is touched."""
    if target.startswith("jdbc:sqlite:"):
        path, query = _split(target.removeprefix("jdbc:sqlite:"))
        if path.startswith("file:"):
            path = unquote(path.removeprefix("file:"))
            path = re.sub(r"^//(localhost)?(?=/)", "", path)
        return _settings(target, path, query, journal_mode=None)
    if target.startswith("sqlite:"):
        rest = target.removeprefix("sqlite:")
        if not rest.startswith("///"):
            raise SettingsError(
                f"{target!r} is not a SQLite URL",
                advice="Write sqlite:///relative/path or sqlite:////absolute/path",
            )
        path, query = _split(rest.removeprefix("///"))
        return _settings(target, path, query, journal_mode="wal")
    return _settings(target, target, "", journal_mode="wal")


def _split(text: str) -> tuple[str, str]:
    path, _, query = text.partition("?")
    return path, query


def _settings(target: str, path: str, query: str, *, journal_mode: str | None) -> SqliteSettings:
    if not path or path.startswith(":"):
        raise SettingsError(
            f"{target!r} names no file",
            advice="Give a file's path; for a database in memory connect to memory://",
        )
    if "\x00" in path:
        raise SettingsError(f"the path in {target!r} holds a null character")
    busy_timeout_ms = DEFAULT_BUSY_TIMEOUT_MS
    flags = _OPEN_MODES["rwc"]
    pragmas = {"synchronous": DEFAULT_SYNCHRONOUS}
    for name, value in _parameters(target, query):
        try:
            if name == "busy_timeout":
                busy_timeout_ms = int(_integer(0)(value))
            elif name == "journal_mode":
                journal_mode = _PRAGMAS[name](value)
            elif name in _PRAGMAS:
                pragmas[name] = _PRAGMAS[name](value)
            elif name in _FIXED:
                _FIXED[name](value)
            elif name == "open_mode":
                flags = int(_integer(0)(value))
            elif name == "mode":
                flags = _OPEN_MODES[_one_of(*_OPEN_MODES)(value)]
            elif name not in _JAVA_ONLY:
                raise _unknown(target, name)
        except _Wrong as wanted:
            raise SettingsError(
                f"{name}={value} in {target!r} must be {wanted}",
                advice=f"Correct or remove {name} in the URL",
            ) from None
    return SqliteSettings(
        path=str(Path(path).absolute()),
        busy_timeout_ms=busy_timeout_ms,
        journal_mode=journal_mode,
        pragmas=tuple((name, pragmas[name]) for name in _PRAGMAS if name in pragmas),
        read_only=bool(flags & _OPEN_READ_ONLY),
        create=bool(flags & _OPEN_CREATE),
    )


def _parameters(target: str, query: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for part in query.split("&"):
        if not part:
            continue
        name, sign, value = part.partition("=")
        if not sign or not name.strip():
            raise SettingsError(
                f"{part!r} in {target!r} is no parameter", advice="Write name=value, joined by &"
            )
        found.append((name.strip().lower(), value.strip()))
    return found


def _unknown(target: str, name: str) -> SettingsError:
    known = sorted({*_PRAGMAS, *_FIXED, "busy_timeout", "mode", "open_mode"})
    return SettingsError(
        f"{name!r} in {target!r} is not a parameter of SQLite URLs",
        advice=f"Remove it; known are {', '.join(known)}",
    )

"""Where are the tokens of a log-in kept? In a file that nobody else may read."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scalar_auditor.cli.whole_file import write_whole
from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE: Final = "SCALAR_AUDITOR_CREDENTIALS"  # the variable that names another file


@dataclass(frozen=True, slots=True)
class LogIn:
    """Somebody's log-in at a server."""

    email: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(slots=True)
class LogIns:
    """All of them by server, and the server that was logged in to last; empty: none."""

    server: str
    by_server: dict[str, LogIn]


def place() -> Path:
    """The file."""
    named = os.environ.get(PLACE)
    if named:
        return Path(named)
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "scalar-auditor" / "credentials.json"


def read() -> LogIns:
    """What is kept. SettingsError, STX-5312: others may read the file, or it is none of ours."""
    path = place()
    try:
        with path.open(encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise _wrong(path, "may be read by others", f"Run: chmod 600 {path}")
            found = json.load(file)
        log_ins = {server: LogIn(**one) for server, one in found["log_ins"].items()}
        return LogIns(str(found["server"]), log_ins)
    except FileNotFoundError:
        return LogIns("", {})
    except OSError as error:
        why = error.strerror or "fails"
        raise _wrong(path, f"can't be read: {why}", "Make it readable, or remove it") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        # Nothing of the text: it holds tokens.
        advice = "Remove it, and log in again: scalar-auditor login"
        raise _wrong(path, "is not of the form that is wanted", advice) from error


@contextmanager
def changing() -> Iterator[LogIns]:
    """What is kept, for the only process that changes it now; written when the block ends well."""
    path = place()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        why = error.strerror or "fails"
        advice = f"Name another file by {PLACE}"
        raise _wrong(path, f"can't be written: {why}", advice) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        log_ins = read()
        yield log_ins
        _write(path, log_ins)
    finally:
        os.close(lock)


def _write(path: Path, log_ins: LogIns) -> None:
    by_server = {server: asdict(one) for server, one in log_ins.by_server.items()}
    text = json.dumps({"server": log_ins.server, "log_ins": by_server}, indent=2) + "\n"
    write_whole(path, [text.encode()])


def _wrong(path: Path, what: str, advice: str) -> SettingsError:
    return SettingsError(f"the file of log-ins, {path}, {what}", advice=advice, code="STX-5312")

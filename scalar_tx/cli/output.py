"""How are values, keys and results shown?"""

from __future__ import annotations

import datetime as dt
import json
import math
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from scalar_tx.model.types import Value

_LONGEST: Final = 60


def console(*, errors: bool = False, quiet: bool = False) -> Console:
    """A terminal to print on; colours only where it is one. ``errors``: standard error."""
    from rich.console import Console  # takes a while, and --json does without

    return Console(stderr=errors, quiet=quiet, highlight=False, emoji=False)


def command_line() -> str:
    """How this command line is called here: by its name where the shell finds it."""
    if shutil.which("scalar-tx") is not None:
        return "scalar-tx"
    called = Path(sys.argv[0])
    return str(called) if called.name == "scalar-tx" else "python -m scalar_tx"


def print_json(data: object) -> None:
    """Print data for programs."""
    json.dump(data, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def plain(value: Value) -> bool | int | float | str | None:
    """A value as JSON has it; as a key it can be given back in the same form.

    BLOB is hexadecimal behind 0x, dates and times are ISO 8601, NaN and infinities are texts.
    """
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def plain_row(row: Mapping[str, Value]) -> dict[str, bool | int | float | str | None]:
    """A record as JSON has it."""
    return {name: plain(value) for name, value in row.items()}


def shown(value: Value) -> str:
    """A value for people, on one line and not long. Control characters are escaped."""
    if value is None:
        return "NULL"
    text = repr(value) if isinstance(value, str) else str(plain(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def shown_key(key: Mapping[str, Value]) -> str:
    """A key for people."""
    return ", ".join(f"{name}={shown(value)}" for name, value in key.items())


def shown_time(epoch_ms: int) -> str:
    """A moment in UTC."""
    try:
        moment = dt.datetime.fromtimestamp(epoch_ms / 1000, dt.UTC)
    except (OverflowError, OSError, ValueError):
        return f"{epoch_ms} ms since 1970, which is no date"
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03} UTC"


def shown_duration(milliseconds: float) -> str:
    """A duration in a unit that suits it."""
    seconds = milliseconds / 1000
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if abs(seconds) >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"

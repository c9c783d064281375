"""How long is "7d"?"""

from __future__ import annotations

import re
from typing import Final

from scalar_tx.errors import InvalidOperationError

_UNITS_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_FORM: Final = re.compile(r"(\d{1,6})\s*([smhd])")


def milliseconds(text: str, option: str) -> int:
    """The duration an option gives: a whole number of seconds, minutes, hours or days."""
    found = _FORM.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidOperationError(
            f"{option} {text!r} is no duration",
            advice="Write a number and a unit: 90s, 30m, 24h or 7d",
            code="STX-3013",
        )
    return int(found[1]) * _UNITS_MS[found[2]]

"""Which values lie at the limits of each type, and what does SQLite hold for them?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from datetime import time as time_of_day
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.compatibility.java_cells import Value

AT = datetime(2024, 2, 29, 12, 34, 56, 789000)
LIMITS: dict[str, list[tuple[Value, Any]]] = {
    # type: (value, what SQLite holds)
    "BOOLEAN": [(False, 0), (True, 1)],
    "INT": [(-(2**31), -(2**31)), (0, 0), (2**31 - 1, 2**31 - 1)],
    "BIGINT": [
        (-(2**63), -(2**63)),
        (-(2**53), -(2**53)),
        (2**53 + 1, 2**53 + 1),
        (2**63 - 1, 2**63 - 1),
    ],
    "FLOAT": [
        (float("-inf"), float("-inf")),
        (1.100000023841858, 1.100000023841858),
        (3.4028234663852886e38, 3.4028234663852886e38),
        (1.401298464324817e-45, 1.401298464324817e-45),
    ],
    "DOUBLE": [
        (float("inf"), float("inf")),
        (-1.7976931348623157e308, -1.7976931348623157e308),
        (5e-324, 5e-324),
        (1e23, 1e23),
        (0.1, 0.1),
    ],
    "TEXT": [
        ("", ""),
        ("'\"; -- \\", "'\"; -- \\"),
        ("é漢😀", "é漢😀"),
        ("x" * 70_000, "x" * 70_000),
    ],
    "BLOB": [(b"", b""), (bytes(range(256)), bytes(range(256)))],
    "DATE": [(date(1000, 1, 1), -354285), (date(1969, 12, 31), -1), (date(9999, 12, 31), 2932896)],
    "TIME": [
        (time_of_day(0, 0), 0),
        (time_of_day(12, 34, 56, 123456), 45296123456000),
        (time_of_day(23, 59, 59, 999999), 86399999999000),
    ],
    "TIMESTAMP": [
        (datetime(1000, 1, 1), -30610224000999),
        (datetime(1969, 12, 31, 23, 59, 59, 999000), -1000),
        (datetime(1970, 1, 1), 0),
        (AT, 1709210096789),
        (datetime(9999, 12, 31, 23, 59, 59, 999000), 253402300799999),
    ],
    "TIMESTAMPTZ": [
        (datetime(1000, 1, 1, tzinfo=UTC), -30610224000999),
        (datetime(1969, 12, 31, 23, 59, 58, 789000, tzinfo=UTC), -2210),
        (AT.replace(tzinfo=UTC), 1709210096789),
        (datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC), 253402300799999),
    ],
}

"""Values at the ends of what columns hold."""

from __future__ import annotations

from typing import Any

NULLS: dict[str, Any] = dict.fromkeys("bvlfdwx")
ZEROES: dict[str, Any] = {"b": False, "v": 0, "l": 0, "f": 0.0, "d": 0.0, "w": "", "x": b""}
LARGEST: dict[str, Any] = {
    "b": True,
    "v": 2**31 - 1,
    "l": 2**53,
    "f": 3.4028234663852886e38,
    "d": 1.7976931348623157e308,
    "w": "Größe 字 𠮷 \u0000",
    "x": bytes(range(256)),
}
SMALLEST: dict[str, Any] = {
    "b": False,
    "v": -(2**31),
    "l": -(2**53),
    "f": 1.401298464324817e-45,
    "d": 5e-324,
    "w": " ",
    "x": b"\x00",
}
TOO_LARGE: dict[str, Any] = {"l": 2**53 + 1}
EXTREMES = (ZEROES, LARGEST, SMALLEST, TOO_LARGE)

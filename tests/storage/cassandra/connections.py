"""How many sockets does this process hold open?"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

CLOSING_SECONDS = 20.0  # the driver closes on its own thread


def sockets() -> int:
    """Those that are open now."""
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            links.append(entry.readlink())
    return sum(str(link).startswith("socket:") for link in links)


def until_only(before: int) -> None:
    """Wait until no more are open than before; AssertionError: some stay."""
    until = time.monotonic() + CLOSING_SECONDS
    while sockets() > before and time.monotonic() < until:
        time.sleep(0.05)
    assert sockets() <= before

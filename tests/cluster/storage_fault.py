"""How does a real storage fail when a test wants it to, in words that name a row?"""

from __future__ import annotations

from typing import Any


class Fault:
    """Calls of a method of the storage fail, ``after`` it was done or before.

    The first ``but`` of them go well.
    """

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self._calls: dict[str, Any] = {}
        self.met = 0

    def put_in(self, method: str, error: Exception, *, after: bool = False, but: int = 0) -> None:
        call = self._calls[method] = getattr(self._storage, method)

        left = but

        async def fails(*given: Any, **more: Any) -> Any:
            nonlocal left
            left -= 1
            if left >= 0:
                return await call(*given, **more)
            self.met += 1
            if after:
                await call(*given, **more)
            raise error

        setattr(self._storage, method, fails)

    def take_out(self) -> None:
        for method, call in self._calls.items():
            setattr(self._storage, method, call)
        self._calls.clear()


def worded(kind: type[Exception], canary: str, **more: Any) -> Exception:
    """An error as an adapter tells it: a driver's words, which hold the key and the row."""
    made = kind(f"duplicate key value: Key (id)=({canary}) exists", **more)
    made.__cause__ = OSError(f"row=({canary})")
    return made

"""How many watches may a caller have at a time, in all workers of a node together?

Each place of a caller is a byte of a file that the workers of the node open, and whoever watches
has it locked. What a worker held that dies, is free at once.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from scalar_auditor.errors import TooManyRequestsError
from scalar_tx.cluster.auth.places import Places
from scalar_tx.cluster.auth.shared_memory import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.cluster.host import Host

MOST_WATCHES: Final = 5  # of a caller, in a node
_FILE: Final = "watches"
_DIGEST: Final = 7  # bytes: all places of all callers have to lie below 2**63


class WatchPlaces:
    """The places of all callers; ``path``: a file that others open too; None: there are no others.

    SettingsError, STX-5206: it can't be made. Call ``close`` at the end.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._file = None if path is None else opened(path)
        self._of_callers: dict[str, Places] = {}

    @property
    def callers(self) -> int:
        """How many callers watch, of those whose watches this process serves."""
        return len(self._of_callers)

    @contextmanager
    def place_of(self, who: str) -> Iterator[None]:
        """One more watch of a caller. TooManyRequestsError: they have all that they may have."""
        places = self._of_callers.setdefault(who, self._made(who))
        place = places.take()
        if place is None:
            self._forget(who, places)
            raise TooManyRequestsError(
                f"a caller has at most {MOST_WATCHES} watches at a time",
                retry_after=60,
                reason="TOO_MANY_WATCHES",
            )
        try:
            yield
        finally:
            places.leave(place)
            self._forget(who, places)

    def _made(self, who: str) -> Places:
        digest = hashlib.blake2b(who.encode(), digest_size=_DIGEST).digest()
        first = MOST_WATCHES * int.from_bytes(digest, "big")
        return Places(MOST_WATCHES, self._file, first=first)

    def _forget(self, who: str, places: Places) -> None:
        if not places.held:
            del self._of_callers[who]

    async def close(self) -> None:
        """Let go of the file; one that is still held goes with its process."""
        if self._file is not None and not self._of_callers:
            os.close(self._file)
            self._file = None


def watch_places_of(host: Host) -> WatchPlaces:
    """The places of a worker: made once, by ``host.kept``. SettingsError, STX-5206."""
    places = WatchPlaces(None if host.folder is None else host.folder / _FILE)
    host.at_end.append(places.close)
    return places

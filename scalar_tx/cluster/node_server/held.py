"""How much do the open scanners of one worker hold, of what their clients have not read yet?

A storage gives a page as it likes, and a message holds less than that. What is left waits here, for
a client that may never ask for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from scalar_tx.errors import StorageUnavailableError


@dataclass(slots=True)
class Held:
    """What is held, and how many ``bytes`` at most; ``scanners`` are open."""

    most: int = 64 * 2**20
    scanners: int = 0
    bytes: int = 0

    def change(self, bytes_more: int) -> None:
        """So many more bytes are held, or less. StorageUnavailableError: it would be too much."""
        if bytes_more > 0 and self.bytes + bytes_more > self.most:
            raise StorageUnavailableError(
                f"the open scanners of this node's worker hold {self.bytes} bytes, and may hold "
                f"{self.most}",
                advice="Read scans to their end, or close them; give them a limit",
                code="STX-5068",
            )
        self.bytes += bytes_more

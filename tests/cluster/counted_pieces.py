"""Into how many pieces was large work cut?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Generator


class Counted(Turns):
    """Turns that count the pieces of each work."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[int] = []

    async def in_pieces(self, work: Generator[None, None, Any]) -> Any:
        self.pieces.append(1)

        def counted() -> Generator[None, None, Any]:
            while True:
                try:
                    next(work)
                except StopIteration as ended:
                    return ended.value
                self.pieces[-1] += 1
                yield

        return await super().in_pieces(counted())

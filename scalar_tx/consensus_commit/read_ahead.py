"""Which scans of a batch have their first page already when their turn comes?

The first pages of all of them are asked for at the same time. What a page holds is judged, kept and
shown only at its scan's own turn, as if it had been read then: a batch makes the same requests as
its operations one after the other would, only sooner.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from scalar_tx.consensus_commit.scan import ScanPlan, ScanTrace


@dataclass(slots=True)
class ReadAhead:
    """The scans of a running batch that wait for their turn; one plan is read once."""

    _waiting: dict[tuple[ScanPlan, bool], ScanTrace] = field(default_factory=dict)
    _failed: bool = False

    def add(self, trace: ScanTrace) -> None:
        """Another scan of the batch, or the same one again."""
        self._waiting[trace.plan, trace.weak] = trace

    def find(self, plan: ScanPlan, *, weak: bool) -> ScanTrace | None:
        """The scan that waits; None: none does. One that is not weak does for a weak one too."""
        return self._waiting.get((plan, weak)) or self._waiting.get((plan, False))

    def begin(self, trace: ScanTrace) -> None:
        """It is the turn of this one; it may be one that never waited."""
        if self._waiting.get((trace.plan, trace.weak)) is trace:
            del self._waiting[trace.plan, trace.weak]

    def steps(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        """What reads the first page of each; none begins once another has failed.

        One after the other, as some storages are read, each could wait for a time-out.
        """
        return [partial(self._first_page, trace) for trace in self._waiting.values()]

    async def _first_page(self, trace: ScanTrace) -> None:
        if self._failed:
            return
        try:
            await trace.fetch()
        except BaseException:
            self._failed = True
            raise

    async def close(self) -> None:
        """Let go of those whose turn never came."""
        self._failed = False
        while self._waiting:
            await self._waiting.popitem()[1].close()

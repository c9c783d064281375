"""What does an index say that learns of changes later, as a DynamoDB global index does?

Reads by index see a copy of the table, which each change reaches after a while. Per record the copy
never goes back.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.simulation.frozen import copied
from tests.simulation.logged import Learned
from tests.simulation.parts.log import Kind

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from scalar_tx.model.types import Value
    from scalar_tx.storage.interface import Pages, ScanRequest, StorageMutation
    from scalar_tx.storage.memory import MemoryStorage
    from tests.simulation.parts.dice import Dice
    from tests.simulation.parts.scheduler import Scheduler


class LaggingIndex:
    """A copy of what a memory storage holds now, then behind by up to ``longest_s`` seconds."""

    def __init__(
        self,
        memory: MemoryStorage,
        scheduler: Scheduler,
        dice: Dice,
        counts: Counter[str],
        longest_s: float,
    ) -> None:
        self._memory = memory
        self._copy = copied(memory)
        self._scheduler = scheduler
        self._dice = dice
        self._counts = counts
        self._longest_s = longest_s

    def scan(self, request: ScanRequest) -> Pages:
        """Begin a read by index."""
        return self._copy.scan(request)

    def applied(self, mutations: Sequence[StorageMutation]) -> None:
        """Records were changed: the index learns of it some time."""
        for one in mutations:
            if one.table.schema.secondary_index:
                seconds = self._dice.uniform(0.0, self._longest_s)
                self._scheduler.call_later(seconds, partial(self._learn, one.table.name, one.key))

    def _learn(self, name: str, key: tuple[Value, ...]) -> None:
        now = self._memory.admin.contents(name).rows.get(key)
        contents = self._copy.admin.contents(name)
        if contents.rows.get(key) != now:
            self._counts["index caught up"] += 1
            if self._scheduler.log is not None:
                self._scheduler.log.add(Kind.OTHER, None, Learned(name, key))
            contents.remove(key)
            if now is not None:
                contents.put(key, now.copy())

"""Does a process of the supervisor's end that was started while all were told to?"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scalar_tx.cluster.child import Child
from scalar_tx.cluster.worker_process import MODULE

pytestmark = pytest.mark.nodes


class Late(Child):
    """It is to end while its process is being started: there is no channel to be told over."""

    async def _start(self, end: Any) -> asyncio.subprocess.Process:
        process = await super()._start(end)
        self.end()
        return process


def test_a_process_that_comes_too_late_ends_at_once() -> None:
    async def live() -> None:
        async with asyncio.timeout(20):
            await Late("late", MODULE).live()

    asyncio.run(live())

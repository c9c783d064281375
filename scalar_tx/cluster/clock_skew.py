"""How far is this machine's clock ahead of each storage's?

Asked now and then, beside all transactions; of those storages that can tell. An expiry rests on
clocks that agree: a writer counts as dead after 15 seconds (Consensus Commit specification 5.1).
"""

from __future__ import annotations

import asyncio
import logging
import math
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.database import Database
from scalar_tx.storage.interface import ClockStorage
from scalar_tx.storage.routing import RoutedStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.storage.interface import Storage

_log = logging.getLogger("scalar_tx.cluster.clock_skew")

SECONDS: Final = 30.0


def clocks_of(storage: Storage) -> Mapping[str, ClockStorage]:
    """The storages that can tell their time, by the names that metrics have for them."""
    if isinstance(storage, RoutedStorage):
        named = dict(storage.storages)
    else:
        named = {storage.info("").name: storage}
    return {name: one for name, one in named.items() if isinstance(one, ClockStorage)}


async def keep_measured(
    manager: AsyncTransactionManager, tell: Callable[[str, float], None]
) -> None:
    """Tell the skew of each storage every 30 seconds: its name, and seconds.

    NaN: it could be measured before, and can't be now.
    """
    database = Database(manager)
    measured: set[str] = set()
    while True:
        for name, storage in clocks_of(database.parts.storage).items():
            try:
                ahead = await database.run(storage.clock_ahead_ms(), whole=True)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is asked again
                _log.info("the clock of the storage %s can't be asked: %s", name, error)
                ahead = None
            if ahead is not None:
                measured.add(name)
                tell(name, -ahead / 1000)
            elif name in measured:
                tell(name, math.nan)
        await asyncio.sleep(SECONDS)

"""Who are the users of a node, seen from one of its workers?"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.auth.authenticator import Authenticator
from scalar_tx.cluster.auth.log_in_limits import LogInLimits
from scalar_tx.cluster.auth.passwords import PasswordHashing
from scalar_tx.cluster.auth.principals import Principals
from scalar_tx.consensus_commit.in_the_log import kind_of
from scalar_tx.errors import ScalarTxError

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx.manager_async import AsyncTransactionManager

_log = logging.getLogger("scalar_tx.cluster.node_users")

FORGET_SECONDS: Final = 3600.0  # between two removals of what is left of dead tokens


class NodeUsers:
    """Users, their tokens, and the log-ins, which are bounded for the whole node.

    ``folder`` is one that all workers of the node have, and that ends with it.
    """

    def __init__(self, manager: AsyncTransactionManager, folder: Path) -> None:
        self._hashing = PasswordHashing(lock_path=folder / "passwords.lock")
        self._limits = LogInLimits(path=folder / "log-ins")
        self.principals: Final = Principals(manager, self._hashing)
        self.authenticator: Final = Authenticator(
            self.principals, self._hashing, limits=self._limits
        )

    async def begin(self) -> str | None:
        """Make the tables, and the first user if there is none: its password, to be shown once."""
        await self.principals.create_tables()
        return await self.principals.bootstrap()

    async def keep_clean(self) -> None:
        """Remove what is left of dead tokens, about every hour, until this task is cancelled."""
        while True:
            await asyncio.sleep(FORGET_SECONDS)
            try:
                await self.principals.forget_dead_tokens()
            except ScalarTxError as error:
                _log.warning("dead tokens are kept for another hour: %s", kind_of(error))

    async def close(self) -> None:
        """Let go of the threads that hash, and of what is shared with other workers."""
        await self.authenticator.close()
        await self._hashing.close()
        self._limits.close()
